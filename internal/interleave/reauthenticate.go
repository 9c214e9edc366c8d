package interleave

// Reauthenticates proves again who the user is: a new token for what goes on.
var Reauthenticates = Op{Name: "reauthenticate", writes: true, moves: true, do: func(r *request) { r.s.Reauthenticate() }}

// Reauthentications is laws 1, 2 and 7 for a reauthentication beside another request.
func Reauthentications() (rows []Scenario) {
	for _, end := range enders {
		rows = append(rows, row(stays, Reauthenticates, end))
	}
	for _, op := range []Op{Updates, Renews, Reauthenticates} {
		rows = append(rows, row(both(keeps, either), Reauthenticates, op))
	}
	return rows
}
