package benchmarks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Purges is what was measured of deleting many expired rows beside traffic.
type Purges struct {
	Date    string
	Rows    int
	Machine []Setting
	All     []*PurgesOn
}

// PurgesOn is what was measured on one database.
type PurgesOn struct {
	Database, Log string
	Runs          []PurgeRun
}

// A PurgeRun is one way to delete the rows, or to leave them.
type PurgeRun struct {
	How     string
	Rows    int           // deleted
	Steps   int           // batches, each with a transaction of its own
	Longest time.Duration // of these, as its caller sees it
	Took    time.Duration
	Logged  float64 // bytes in the database's log
	Traffic Traffic
}

// The ways, as the table names them.
const (
	purgesNothing = "no purge"
	purgesOurs    = "`Manager.Purge`"
	purgesHurry   = "`Manager.Purge`, without pauses"
	purgesAtOnce  = "one `DELETE`"
)

// A PurgeBench measures purges.
type PurgeBench struct {
	Rows  int
	Alone time.Duration // how long traffic is measured without a purge
	Say   func(format string, a ...any)
}

// Run measures on each of the databases.
func (b *PurgeBench) Run(databases ...*purgeDatabase) (*Purges, error) {
	out := &Purges{Date: time.Now().UTC().Format(time.DateOnly), Rows: b.Rows}
	for _, d := range databases {
		on := &PurgesOn{Database: d.Name, Log: d.Log}
		for _, ways := range [][]string{{purgesNothing, purgesOurs}, {purgesHurry}, {purgesAtOnce}} {
			runs, err := b.table(d, ways)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.Name, err)
			}
			on.Runs = append(on.Runs, runs...)
		}
		out.All = append(out.All, on)
	}
	return out, nil
}

// table fills a new table and measures on it, one way after the other.
func (b *PurgeBench) table(d *purgeDatabase, ways []string) (runs []PurgeRun, err error) {
	store, err := d.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	sessions, err := newSeshat(store.Store)
	if err != nil {
		return nil, err
	}
	users, err := b.fill(ctx, d, store, sessions)
	if err != nil {
		return nil, err
	}
	for _, way := range ways {
		if err := d.rest(ctx, store.sql); err != nil {
			return nil, err
		}
		b.Say("%s: %s", d.Name, way)
		run, err := b.measure(ctx, d, store.sql, users, way, b.way(way, store.sql, sessions))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way, err)
		}
		b.Say("%s: %d rows in %v; of %d requests %d failed", d.Name, run.Rows, run.Took.Round(time.Millisecond), run.Traffic.Requests, run.Traffic.Failed)
		runs = append(runs, run)
	}
	return runs, nil
}

// fill stores the expired rows, small sessions of three keys, and then the live
// ones of the traffic.
func (b *PurgeBench) fill(ctx context.Context, d *purgeDatabase, store *seshatStore, sessions *session.Manager) (*clients, error) {
	b.Say("%s: fills the table", d.Name)
	users := &clients{handler: seshatRoutes(sessions, Env{})}
	maker := newInProcess(users.handler)
	if _, err := (Work{Begins: Anonymous}).begin(maker, 1); err != nil {
		return nil, err
	}
	if err := d.expire(ctx, store.sql, b.Rows); err != nil {
		return nil, err
	}
	for range purgeClients {
		cookies, err := (Work{Begins: Fill}).begin(maker, min(purgeSessions, b.Rows))
		if err != nil {
			return nil, err
		}
		users.cookies = append(users.cookies, cookies)
	}
	return users, nil
}

// A purging deletes the rows and enters how.
type purging func(context.Context, *PurgeRun) error

func (b *PurgeBench) way(name string, db *sql.DB, sessions *session.Manager) purging {
	ours := func(options ...session.PurgeOption) purging {
		return func(ctx context.Context, run *PurgeRun) (err error) {
			var busy time.Duration
			look := session.PurgeProgress(func(s session.PurgeStatus) {
				run.Longest, busy, run.Steps = max(run.Longest, s.Busy-busy), s.Busy, s.Batches
			})
			run.Rows, err = sessions.Purge(ctx, append(options, look)...)
			return err
		}
	}
	switch name {
	case purgesOurs:
		return ours()
	case purgesHurry:
		return ours(session.PurgeShare(1))
	case purgesAtOnce:
		return func(ctx context.Context, run *PurgeRun) error {
			// The first condition lets the database use the index, as Django's does.
			now, began := time.Now().Add(-session.ExpiryGrace).UnixMicro(), time.Now()
			result, err := db.ExecContext(ctx, fmt.Sprintf(`DELETE FROM sessions WHERE purge_after < %d AND expires < %d`, now, now))
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			run.Rows, run.Steps, run.Longest = int(n), 1, time.Since(began)
			return err
		}
	default:
		return func(ctx context.Context, _ *PurgeRun) error {
			select {
			case <-ctx.Done():
			case <-time.After(b.Alone):
			}
			return ctx.Err()
		}
	}
}

// measure runs a purge beside traffic.
func (b *PurgeBench) measure(ctx context.Context, d *purgeDatabase, db *sql.DB, users *clients, how string, purge purging) (PurgeRun, error) {
	run := PurgeRun{How: how}
	before, err := d.logBytes(ctx, db)
	if err != nil {
		return run, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	asked := make(chan Traffic)
	go func() { asked <- users.traffic(asking) }()
	began := time.Now()
	err = purge(ctx, &run)
	run.Took = time.Since(began)
	stop()
	run.Traffic = <-asked
	if err != nil {
		return run, err
	}
	if how != purgesNothing && run.Rows != b.Rows {
		return run, fmt.Errorf("%d of %d rows were deleted", run.Rows, b.Rows)
	}
	after, err := d.logBytes(ctx, db)
	run.Logged = after - before
	return run, err
}
