package storetest

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var contextChecks = []check{
	{"cancelled before the call is an error without an effect", func(s subject) {
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		contextEnded(s, ctx, context.Canceled)
	}},
	{"past its deadline before the call is an error without an effect", func(s subject) {
		ctx, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
		defer cancel()
		contextEnded(s, ctx, context.DeadlineExceeded)
	}},
	{"cancelled during calls leaves whole records and a store that works", contextDuring},
}

func contextEnded(s subject, ctx context.Context, want error) {
	id, rec := s.stored("bob")
	unused := NewID()
	_, err := s.Load(ctx, id)
	wants(s, "Load", err, want)
	wants(s, "Create", s.Create(ctx, unused, rec), want)
	wants(s, "Update", s.Update(ctx, id, next(rec, "two"), 1), want)
	wants(s, "Touch", s.Touch(ctx, id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1), want)
	wants(s, "Delete", s.Delete(ctx, id, 1), want)
	if listerPower(s.Context(), s.Store) == nil {
		_, _, err := s.Store.(session.Lister).List(ctx, "bob", "", 10)
		wants(s, "List", err, want)
	}
	if purgerPower(s.Context(), s.Store) == nil {
		_, err := s.Store.(session.Purger).Purge(ctx, rec.Expires.Add(time.Hour), 10)
		wants(s, "Purge", err, want)
	}
	if scannerPower(s.Context(), s.Store) == nil {
		_, _, err := s.Store.(session.Scanner).Scan(ctx, "", 10)
		wants(s, "Scan", err, want)
	}
	if pingerPower(s.Context(), s.Store) == nil {
		wants(s, "Ping", s.Store.(session.Pinger).Ping(ctx), want)
	}
	s.holds(id, rec)
	s.lacks(unused)
}

// contextDuring cuts counting writers off. What each of them did last may have
// been kept or not, or may yet be, by a server that did not hear of the
// cancellation; but all that was acknowledged is.
func contextDuring(s subject) {
	const writers = 4
	for range rounds / 4 {
		id, rec := NewID(), NewRecord("bob")
		rec.Payload = count(0)
		s.create(id, rec)
		ctx, cancel := context.WithCancel(s.Context())
		var acknowledged atomic.Uint64
		errs := together(times(writers, func(int) error {
			for range 100 {
				if err := s.increment(ctx, id); err != nil {
					return err
				}
				if acknowledged.Add(1) >= 10 {
					cancel()
				}
			}
			return nil
		})...)
		cancel()
		if ok := outcomes(s, errs, context.Canceled); ok != 0 {
			s.Fatal("a writer went on after its context was cancelled")
		}
		least := acknowledged.Load()
		got := s.load(id)
		if n := counted(got); n < least || got.Version != n+1 {
			s.Fatalf("the record counts %d in version %d after %d acknowledged writes", n, got.Version, least)
		}
		if err := s.increment(s.Context(), id); err != nil {
			s.Fatalf("a write after the others were cancelled: %v", err)
		}
		got = s.load(id)
		if n := counted(got); n <= least || n > least+1+writers || got.Version != n+1 {
			s.Fatalf("the record counts %d in version %d after %d acknowledged writes, up to %d cancelled ones and one more", n, got.Version, least, writers)
		}
	}
}

func count(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func counted(rec session.Record) uint64 {
	if len(rec.Payload) != 8 {
		return 1 << 63
	}
	return binary.BigEndian.Uint64(rec.Payload)
}
