// Package doctor finds what is set up wrongly: in the settings of an
// application, and on the servers where its sessions are.
//
// Each check first collects facts and then judges them, so that what is judged
// can be told from how it was asked for.
package doctor

import "fmt"

// Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Problem Severity = "problem" // sessions are lost, open to others, or do not work
	Warning Severity = "warning" // they may be, when something else happens
	Note    Severity = "note"    // good to know; could not be checked
)

// A Finding is one thing that is not as it should be.
type Finding struct {
	Check    string   `json:"check"` // a name that stays the same: "redis.eviction"
	Severity Severity `json:"severity"`
	Where    string   `json:"where"` // settings, or a server without its password
	Found    string   `json:"found"`
	Means    string   `json:"means"` // for the sessions
	Do       string   `json:"do"`
}

// A Report is all that was looked at, and what was found.
type Report struct {
	Checked  []string  `json:"checked"`
	Findings []Finding `json:"findings"`
}

// Worst tells whether there is a finding of at least the given severity.
func (r *Report) Worst(least Severity) bool {
	rank := map[Severity]int{Note: 1, Warning: 2, Problem: 3}
	for _, f := range r.Findings {
		if rank[f.Severity] >= rank[least] {
			return true
		}
	}
	return false
}

// Counts is how many findings of each severity there are.
func (r *Report) Counts() (problems, warnings, notes int) {
	for _, f := range r.Findings {
		switch f.Severity {
		case Problem:
			problems++
		case Warning:
			warnings++
		default:
			notes++
		}
	}
	return problems, warnings, notes
}

// at begins to look at a place, and returns what adds findings about it.
func (r *Report) at(where string) place {
	r.Checked = append(r.Checked, where)
	return place{r, where}
}

type place struct {
	report *Report
	where  string
}

func (p place) add(s Severity, check, found, means, do string) {
	p.report.Findings = append(p.report.Findings, Finding{check, s, p.where, found, means, do})
}

func (p place) unasked(check string, err error) {
	p.add(Note, check, fmt.Sprintf("could not be asked: %v", err), "What it would have told is not known.", "Let the user of the connection ask it, or check by hand.")
}
