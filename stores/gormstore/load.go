package gormstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// Lanes for batches of loads, each of which takes a connection, and the loads in one. More lanes
// make smaller batches.
const (
	loadLanes = 1
	loadMost  = 64
)

// A wanted is a record to load, and what came of it.
type wanted struct {
	id  session.ID
	rec session.Record
	err error
}

// Load implements [session.Store].
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return read(ctx, s, "load", func(ctx context.Context) (session.Record, error) {
		if !id.Valid() {
			return session.Record{}, session.ErrNotFound
		}
		w := wanted{id: id}
		if s.loads == nil {
			s.loadOne(ctx, &w)
			return w.rec, w.err
		}
		shared := w // its answer may come after the call has returned
		if err := s.loads.Do(ctx, &shared, 0); err != nil {
			return session.Record{}, err
		}
		return shared.rec, shared.err
	})
}

// batchLoads has loads that come while others are under way share a statement.
func (s *Store) batchLoads() {
	s.loads = batch.New(batch.Options[*wanted]{
		Limit: s.timeout, Lanes: loadLanes, Most: loadMost, Direct: true,
		Send: func(ctx context.Context, all []*wanted) {
			if len(all) == 1 {
				s.loadOne(ctx, all[0])
				return
			}
			s.loadMany(ctx, all)
		},
	})
}

func (s *Store) loadOne(ctx context.Context, w *wanted) {
	var rows *sql.Rows
	if rows, w.err = s.query(ctx, &s.sql.load, string(w.id)); w.err != nil {
		return
	}
	defer rows.Close()
	if !rows.Next() {
		w.err = cmp.Or(rows.Err(), session.ErrNotFound)
		return
	}
	var r row
	if w.err = scanRow(ctx, rows, r.targets()); w.err == nil {
		w.rec, w.err = r.record()
	}
}

// loadMany loads by one statement. It has a list of any length, which only
// PostgreSQL takes as one argument.
func (s *Store) loadMany(ctx context.Context, all []*wanted) {
	list := make([]byte, 0, (len(all[0].id)+1)*len(all)+1)
	list = append(list, '{')
	for i, w := range all {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, w.id...) // letters, digits, "-" and "_": nothing to escape
		w.err = session.ErrNotFound
	}
	rows, err := s.query(ctx, &s.sql.loadMany, string(append(list, '}')))
	if err == nil {
		defer rows.Close()
		for rows.Next() {
			var r row
			unread := scanRow(ctx, rows, append([]any{&r.id}, r.targets()...))
			rec := session.Record{}
			if unread == nil {
				rec, unread = r.record()
			}
			for _, w := range all {
				if w.id == session.ID(r.id) {
					w.rec, w.err = rec, unread
					w.rec.Payload = bytes.Clone(rec.Payload) // two may want the same
				}
			}
		}
		err = rows.Err()
	}
	if err != nil {
		for _, w := range all {
			w.rec, w.err = session.Record{}, err
		}
	}
}
