package benchmarks

import (
	"testing"
)

func TestEachContestantDoesEachWork(t *testing.T) {
	p := newPark(t)
	for _, c := range p.able() {
		t.Run(c.Name, func(t *testing.T) {
			site, err := c.New(p.env(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := site.Close(); err != nil {
					t.Error(err)
				}
			})
			client := newInProcess(site)
			for _, w := range Works() {
				if !c.CanDo(w) {
					continue
				}
				cookies, err := w.begin(client, 1)
				if err != nil {
					t.Fatalf("%s: %v", w.Name, err)
				}
				a, err := client.Get(w.Route, cookies[0])
				if err == nil {
					err = w.check(a)
				}
				if err != nil {
					t.Errorf("%s: %v", w.Name, err)
				}
			}
		})
	}
}
