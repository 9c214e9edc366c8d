package cacheddb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// The optional powers are the database store's. One that it lacks is an error
// for which errors.Is(err, errors.ErrUnsupported) is true.
var (
	_ session.Lister   = (*Store)(nil)
	_ session.Purger   = (*Store)(nil)
	_ session.Scanner  = (*Store)(nil)
	_ session.Pinger   = (*Store)(nil)
	_ session.Migrator = (*Store)(nil)
)

// power returns the database store as P.
func power[P any](s *Store, name string) (P, error) {
	p, ok := s.tiers.truth.(P)
	if !ok {
		return p, fmt.Errorf("cacheddb: %T is no session.%s: %w", s.tiers.truth, name, errors.ErrUnsupported)
	}
	return p, nil
}

// List lists the records of a principal in the database: see [session.Lister].
func (s *Store) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	p, err := power[session.Lister](s, "Lister")
	if err != nil {
		return nil, "", err
	}
	return p.List(ctx, principal, after, limit)
}

// Lists tells whether the database store can list: see [session.Lister].
func (s *Store) Lists() bool {
	_, ok := s.tiers.truth.(session.Lister)
	return ok
}

// Purge deletes expired records from the database: see [session.Purger]. The
// cache needs none of it: an entry that looks expired is asked of the database.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	p, err := power[session.Purger](s, "Purger")
	if err != nil {
		return 0, err
	}
	return p.Purge(ctx, before, limit)
}

// PurgesItself tells whether the database drops expired records by itself.
func (s *Store) PurgesItself() bool {
	p, ok := s.tiers.truth.(interface{ PurgesItself() bool })
	return ok && p.PurgesItself()
}

// Scan walks over all records in the database: see [session.Scanner].
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	p, err := power[session.Scanner](s, "Scanner")
	if err != nil {
		return nil, "", err
	}
	return p.Scan(ctx, after, limit)
}

// Ping tells whether the database can be reached. The cache is not asked: the
// session store works without it, and events tell when it is lost.
func (s *Store) Ping(ctx context.Context) error {
	p, err := power[session.Pinger](s, "Pinger")
	if err != nil {
		return err
	}
	return p.Ping(ctx)
}

// Migrate brings the database's schema up to date: see [session.Migrator].
func (s *Store) Migrate(ctx context.Context) error {
	p, err := power[session.Migrator](s, "Migrator")
	if err != nil {
		return err
	}
	return p.Migrate(ctx)
}
