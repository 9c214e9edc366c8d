package benchmarks

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// newHandPostgres keeps a hand-written session in PostgreSQL, through
// database/sql: one statement each to read, write and delete.
func newHandPostgres(env Env) (*Site, error) {
	db, err := openPostgres(env)
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS hand_sessions (
		token text PRIMARY KEY, data bytea NOT NULL, expires timestamptz NOT NULL)`); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Site{hand{handInPostgres{db}, env}.routes(), db.Close}, nil
}

type handInPostgres struct{ db *sql.DB }

func (h handInPostgres) load(ctx context.Context, token string) (data []byte, err error) {
	err = h.db.QueryRowContext(ctx, `SELECT data FROM hand_sessions WHERE token = $1 AND expires > now()`, token).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoSession
	}
	return data, err
}

func (h handInPostgres) save(ctx context.Context, token string, data []byte) error {
	_, err := h.db.ExecContext(ctx, `INSERT INTO hand_sessions (token, data, expires) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = EXCLUDED.data, expires = EXCLUDED.expires`, token, data, time.Now().Add(handLifetime))
	return err
}

func (h handInPostgres) remove(ctx context.Context, token string) error {
	_, err := h.db.ExecContext(ctx, `DELETE FROM hand_sessions WHERE token = $1`, token)
	return err
}
