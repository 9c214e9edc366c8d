package benchmarks

import (
	"errors"
	"fmt"
	"time"
)

// HOT is how many row versions PostgreSQL wrote for data writes, and how many
// of them without touching an index (heap-only tuples).
type HOT struct{ Writes, Updated, HeapOnly int }

// hotWrites is as many as were made in Django's measurement.
const hotWrites = 501

// hot writes to one session through gormstore and asks PostgreSQL.
func (g *Grower) hot() (HOT, error) {
	h := HOT{Writes: hotWrites}
	if g.Brief {
		h.Writes = 20
	}
	err := g.stores([]string{growsPostgres}, func(on *growing) error {
		cookies, err := on.begin(Fill, 1)
		if err != nil {
			return err
		}
		for range h.Writes {
			a, err := on.client.Get(Change, cookies[0])
			if err == nil {
				err = changeWork().check(a)
			}
			if err != nil {
				return err
			}
		}
		// A connection tells the statistics when it ends, if not before.
		on.store.sql.SetMaxIdleConns(0)
		ctx, cancel := background()
		defer cancel()
		for h.Updated < h.Writes {
			row := on.store.sql.QueryRowContext(ctx, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname = 'sessions'`)
			if err := row.Scan(&h.Updated, &h.HeapOnly); err != nil {
				return fmt.Errorf("benchmarks: HOT: %w", err)
			}
			select {
			case <-ctx.Done():
				return errors.New("benchmarks: HOT: PostgreSQL does not count the updates")
			case <-time.After(50 * time.Millisecond):
			}
		}
		return nil
	})
	return h, err
}

func (h HOT) markdown(p printer) {
	p("## Heap-only updates in PostgreSQL\n")
	p("PostgreSQL writes no index for an update that moves no indexed column and finds room on its page (HOT).\n")
	p("| | data writes | row versions | heap-only |")
	p("|---|---:|---:|---:|")
	p("| Seshat, gormstore | %d | %d | %d |", h.Writes, h.Updated, h.HeapOnly)
	p("| Django 6.1.1, `db` (measured before, not in this run) | 501 | 501 | 0 |")
}
