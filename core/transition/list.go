package transition

import (
	"context"
	"errors"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var (
	_ session.Lister   = (*Store)(nil)
	_ session.Purger   = (*Store)(nil)
	_ session.Scanner  = (*Store)(nil)
	_ session.Pinger   = (*Store)(nil)
	_ session.Migrator = (*Store)(nil)
)

func (s *Store) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	return nil, "", errors.ErrUnsupported
}
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return 0, errors.ErrUnsupported
}
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	return nil, "", errors.ErrUnsupported
}
func (s *Store) Ping(ctx context.Context) error    { return errors.ErrUnsupported }
func (s *Store) Migrate(ctx context.Context) error { return errors.ErrUnsupported }
