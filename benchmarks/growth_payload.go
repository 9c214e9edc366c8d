package benchmarks

import "fmt"

// payloads measures reads and changes of one small key while the session
// becomes larger.
func (g *Grower) payloads() (*Study, error) {
	const sessions = 16
	read := &Measure{Title: "read, us", Chart: "growth-payload-read.svg"}
	change := &Measure{Title: "change, us", Chart: "growth-payload-change.svg"}
	s := &Study{
		Title:    "Size of a session",
		Text:     "How long a request takes in process that reads or changes one small key of a session of so many bytes.",
		Grows:    "bytes in a session",
		Sizes:    g.sizes(1<<10, 10<<10, 100<<10, 1<<20),
		Measures: []*Measure{read, change},
	}
	return s, g.stores([]string{growsMemory, growsRedis, growsPostgres, growsSQLite}, func(on *growing) error {
		for _, size := range s.Sizes {
			cookies, err := on.begin(fmt.Sprintf("%s?%.0f", payload, size), sessions)
			if err != nil {
				return err
			}
			if err := on.readAndChange(g.Plan, cookies, size, read, change); err != nil {
				return err
			}
			g.Say("%s: %s bytes in a session", on.name, whole(size))
		}
		return nil
	})
}
