package benchmarks

// stored measures reads and changes while more and more other sessions are
// stored.
func (g *Grower) stored() (*Study, error) {
	read := &Measure{Title: "read, us", Chart: "growth-stored-read.svg"}
	change := &Measure{Title: "change, us", Chart: "growth-stored-change.svg"}
	s := &Study{
		Title: "Stored sessions",
		Text: "How long a request takes in process, on sessions of 1 KB, while so many sessions are stored. The others are copies of one,\n" +
			"written to the servers directly.",
		Grows:    "stored sessions",
		Sizes:    g.sizes(1_000, 10_000, 100_000, 1_000_000),
		Measures: []*Measure{read, change},
	}
	return s, g.stores([]string{growsMemory, growsRedis, growsPostgres, growsSQLite}, func(on *growing) error {
		cookies, err := on.begin(Fill, g.Plan.Sessions)
		if err != nil {
			return err
		}
		there := len(cookies)
		for _, size := range s.Sizes {
			if err := on.store.copies(int(size) - there); err != nil {
				return err
			}
			there = int(size)
			if err := on.readAndChange(g.Plan, cookies, size, read, change); err != nil {
				return err
			}
			g.Say("%s: %s stored sessions", on.name, whole(size))
		}
		return nil
	})
}
