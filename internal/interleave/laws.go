package interleave

// Each law has a table of scenarios; law 2 has a file of its own.

// Law1 is: no lost update.
func Law1() []Scenario {
	rows := []Scenario{
		row(keeps, Sets, Sets2), row(keeps, Updates, Updates), row(keeps, Updates, Sets), row(keeps, Updates, Saves), row(keeps, Saves, Saves),
		row(keeps, SetsName, SetsName), row(keeps, Pops, Pops), row(keeps, Pops, SetsName), row(keeps, Pops, Updates),
		row(keeps, Flashes, Flashes2), row(keeps, Flashes, Shows), row(keeps, Shows, Updates),
		row(keeps, TouchingRead, Updates), row(keeps, TouchingRead, Pops), row(keeps, Purges, Updates),
		row(keeps, Renews, Updates), row(keeps, Renews, Pops), row(keeps, RenewsMore, RenewsMore), row(keeps, LogsIn, Updates),
		row(keeps, Updates, Updates, Updates), row(keeps, Updates, Sets, Sets2), row(keeps, Pops, Pops, Pops), row(keeps, Flashes, Flashes2, Shows),
		row(keeps, Renews, Updates, Sets), row(keeps, RenewsMore, Renews, Updates),
	}
	return rows
}

// Law3 is: read your writes, and law 8 where there are faults.
func Law3() []Scenario {
	judge := both(keeps, seen)
	return []Scenario{
		row(judge, Updates, Reads), row(judge, Sets, Reads), row(judge, Saves, Reads), row(judge, Renews, Reads), row(judge, RenewsMore, Reads),
		row(judge, LogsIn, Reads), row(judge, Updates, TouchingRead),
		row(judge, Updates, Updates, Reads), row(judge, Updates, Reads, Reads), row(judge, Updates, Sets, Reads),
		row(judge, TouchingRead, Updates, Reads), row(judge, Renews, Updates, Reads),
	}
}

// Law4 is: nothing for nothing.
func Law4() []Scenario {
	return []Scenario{
		row(quietly, Ignores, Updates), row(quietly, Ignores, Renews), row(quietly, ForgedRead, Updates), row(quietly, ForgedRead, LogsIn),
		row(quietly, ForgedWrite, LogsIn), row(quietly, ForgedWrite, Renews, Destroys), row(quietly, Reads, Reads, Destroys),
		row(quietly, ForgedRead, Renews, RevokesAll),
	}
}

// Law5 is: reads do not write, and a touch goes forward only.
func Law5() []Scenario {
	judge := both(quietly, forward)
	return []Scenario{
		row(judge, TouchingRead, TouchingRead), row(judge, TouchingRead, Updates), row(judge, TouchingRead, Shortens), row(judge, TouchingRead, Renews),
		row(judge, TouchingRead, Destroys), row(judge, TouchingRead, Purges), row(judge, TouchingRead, Shortens, Reads), row(judge, TouchingRead, TouchingRead, Shortens),
		row(judge, TouchingRead, LogsIn),
	}
}

// Law6 is: the server mints tokens, and a login changes them.
func Law6() (rows []Scenario) {
	for _, login := range []Op{LogsIn, LogsInOther} {
		for _, op := range []Op{Reads, Updates, Renews, LogsIn, LogsInOther, Destroys, RevokesAll} {
			r := row(changes, login, op)
			rows = append(rows, r)
			r.Name, r.Anonymous = "anonymous "+r.Name, true
			rows = append(rows, r)
		}
		rows = append(rows, row(changes, login, Updates, Renews), row(changes, login, Updates, Reads))
	}
	return rows
}

// Law7 is: either order of responses is safe.
func Law7() (rows []Scenario) {
	for _, ops := range [][]Op{
		{Renews, Reads},
		{Renews, Updates},
		{Renews, Renews},
		{LogsIn, Reads},
		{LogsIn, Updates},
		{LogsIn, LogsIn},
		{LogsIn, Renews},
		{RenewsMore, TouchingRead},
		{Renews, Renews, Updates},
		{LogsIn, Renews, Reads},
		{LogsIn, LogsIn, Updates},
		{Renews, Renews, Renews},
	} {
		rows = append(rows, row(either, ops...))
	}
	return rows
}

// Law8 is: an outage is not a logout. Its scenarios need faults.
func Law8() []Scenario {
	judge := both(keeps, seen)
	return []Scenario{
		row(judge, Reads, Reads), row(judge, Reads, Updates), row(judge, TouchingRead, Updates), row(judge, Updates, Updates), row(judge, Updates, Pops),
		row(judge, Renews, Reads), row(judge, Renews, Updates), row(judge, LogsIn, Reads),
	}
}

// Law9 is: expiry is decided on reading.
func Law9() (rows []Scenario) {
	for _, end := range []Op{LifeEnds, IdleEnds} {
		for _, ops := range [][]Op{
			{Reads}, {TouchingRead}, {Updates}, {Renews}, {LogsIn}, {Purges}, {Updates, Reads}, {TouchingRead, Updates}, {Renews, Updates}, {LogsIn, Reads},
		} {
			rows = append(rows, row(outlives, append(ops, end)...))
		}
	}
	return rows
}

// Law10 is: hostile input is only input.
func Law10() (rows []Scenario) {
	for _, op := range []Op{TouchingRead, Updates, Pops, Shows, Renews, LogsIn, Destroys, Revokes, RevokesAll, Purges} {
		rows = append(rows, row(nil, op, Corrupts))
	}
	return append(rows, row(nil, Updates, Renews, Corrupts), row(nil, LogsIn, Destroys, Corrupts))
}

// Law11 is: a failing response changes nothing.
func Law11() (rows []Scenario) {
	for _, fails := range []Op{Fails, Panics, FailedLogin} {
		for _, op := range []Op{Reads, Updates, Renews, LogsIn} {
			rows = append(rows, row(both(unmoved, keeps), fails, op))
		}
		rows = append(rows, row(both(unmoved, stays), fails, Destroys), row(both(unmoved, stays), fails, RevokesAll), row(both(unmoved, keeps), fails, Renews, Updates))
	}
	return rows
}

// Law12 is: the stored form leaks nothing.
func Law12() []Scenario {
	return []Scenario{
		row(secret, Renews, Updates), row(secret, LogsIn, Renews), row(secret, LogsIn, Destroys), row(secret, Renews, RevokesAll),
		row(secret, ForgedWrite, LogsInOther),
	}
}
