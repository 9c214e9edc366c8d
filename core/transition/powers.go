package transition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// The optional powers are those that both stores have. One that either lacks is an
// error for which errors.Is(err, errors.ErrUnsupported) is true.
var (
	_ session.Purger   = (*Store)(nil)
	_ session.Scanner  = (*Store)(nil)
	_ session.Pinger   = (*Store)(nil)
	_ session.Migrator = (*Store)(nil)
)

// power returns a store as P.
func power[P any](s session.Store, name string) (P, error) {
	p, ok := s.(P)
	if !ok {
		return p, fmt.Errorf("transition: %T is no session.%s: %w", s, name, errors.ErrUnsupported)
	}
	return p, nil
}

// Lists tells whether both stores can list: see [session.Lister].
func (s *Store) Lists() bool { return lists(s.old) && lists(s.new) }

func lists(s session.Store) bool {
	_, ok := s.(session.Lister)
	l, tells := s.(interface{ Lists() bool })
	return ok && (!tells || l.Lists())
}

// PurgesItself tells whether both stores drop expired records by themselves.
func (s *Store) PurgesItself() bool { return purgesItself(s.old) && purgesItself(s.new) }

func purgesItself(s session.Store) bool {
	p, ok := s.(interface{ PurgesItself() bool })
	return ok && p.PurgesItself()
}

// Purge deletes expired records from both stores: see [session.Purger]. If only one of them
// drops its own by itself, it is left to do so: Redis looks at all keys to find any. Marks
// stay for as long as they are needed.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	old, err := power[session.Purger](s.old, "Purger")
	if err != nil {
		return 0, err
	}
	young, err := power[session.Purger](s.new, "Purger")
	if err != nil {
		return 0, err
	}
	switch a, b := purgesItself(s.old), purgesItself(s.new); {
	case a && !b:
		return young.Purge(ctx, before, limit)
	case b && !a:
		return old.Purge(ctx, before, limit)
	}
	n, err := old.Purge(ctx, before, limit)
	if err != nil || n >= limit {
		return n, err
	}
	more, err := young.Purge(ctx, before, limit-n)
	return n + more, err
}

// Cursors of a scan begin with where they are.
const (
	inOld = 'o'
	inNew = 'n'
)

// Scan walks over all sessions, those of the old store first: see [session.Scanner].
// Marks of the transition are left out. The old store is asked about each record of the
// new one.
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	old, err := power[session.Scanner](s.old, "Scanner")
	if err != nil {
		return nil, "", err
	}
	young, err := power[session.Scanner](s.new, "Scanner")
	if err != nil {
		return nil, "", err
	}
	if after == "" || after[0] == inOld {
		page, next, err := old.Scan(ctx, after[min(1, len(after)):], limit)
		if next = string(inOld) + next; len(next) == 1 {
			next = string(inNew)
		}
		return sessions(page, nil), next, err
	}
	if after[0] != inNew {
		return nil, "", errCursor
	}
	page, next, err := young.Scan(ctx, after[1:], limit)
	if err != nil {
		return nil, "", err
	}
	over := make(map[session.ID]bool)
	for _, r := range page {
		there, err := look(ctx, s.old, r.ID)
		if err != nil {
			return nil, "", err
		}
		over[r.ID] = there.kind == plain || there.kind == ended
	}
	if next != "" {
		next = string(inNew) + next
	}
	return sessions(page, over), next, nil
}

// sessions returns the page without marks, and without the IDs that are over.
func sessions(page []session.Stored, over map[session.ID]bool) []session.Stored {
	kept := page[:0]
	for _, r := range page {
		if kindOf(r.ID, &r.Record) == plain && !over[r.ID] {
			kept = append(kept, r)
		}
	}
	return kept
}

// Ping tells whether both stores can be reached: each of them is needed.
func (s *Store) Ping(ctx context.Context) error {
	for _, one := range []session.Store{s.old, s.new} {
		p, err := power[session.Pinger](one, "Pinger")
		if err != nil {
			return err
		}
		if err := p.Ping(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Migrate brings the schema of each store up to date that has one: see
// [session.Migrator].
func (s *Store) Migrate(ctx context.Context) error {
	some := false
	for _, one := range []session.Store{s.old, s.new} {
		m, err := power[session.Migrator](one, "Migrator")
		if err == nil {
			err = m.Migrate(ctx)
		}
		switch {
		case err == nil:
			some = true
		case !errors.Is(err, errors.ErrUnsupported):
			return err
		}
	}
	if !some {
		return fmt.Errorf("transition: neither store is a session.Migrator: %w", errors.ErrUnsupported)
	}
	return nil
}
