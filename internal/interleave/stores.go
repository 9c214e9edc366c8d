package interleave

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// gated is a store each call of which stops. Where servers keep the records,
// each call is made to a memory store too, and must be answered the same.
type gated struct {
	w     *world
	inner Truth
	twin  Truth // nil: none
}

var (
	_ session.Store  = (*gated)(nil)
	_ session.Lister = (*gated)(nil)
	_ session.Purger = (*gated)(nil)
)

// same compares the answer of the store with that of its twin.
func (w *world) same(what, got string, err error, twin func() (string, error)) {
	want, werr := twin()
	if got != want || !sameError(err, werr) {
		w.breaks("%s: the store answers %q %v, a memory store %q %v", what, got, err, want, werr)
	}
}

func sameError(a, b error) bool {
	for _, target := range []error{session.ErrNotFound, session.ErrConflict, session.ErrExists} {
		if errors.Is(a, target) != errors.Is(b, target) {
			return false
		}
	}
	return (a == nil) == (b == nil)
}

func (g *gated) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return g.load(ctx, "load ", id, g.inner.Load)
}

// LoadFresh is what the engine does after a conflict.
func (g *gated) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	load := g.inner.Load
	if f, ok := g.inner.(session.FreshLoader); ok {
		load = f.LoadFresh
	}
	return g.load(ctx, "load afresh ", id, load)
}

func (g *gated) load(ctx context.Context, op string, id session.ID, load func(context.Context, session.ID) (session.Record, error)) (rec session.Record, err error) {
	what := op + g.w.id(id)
	err = g.w.at(ctx, call{kind: reading, what: what}, func(ctx context.Context, _ bool) (string, error) {
		rec, err = load(ctx, id)
		got := g.w.describe(rec, err)
		if g.twin != nil {
			g.w.same(what, got, err, func() (string, error) {
				rec, err := g.twin.Load(ctx, id)
				return g.w.describe(rec, err), err
			})
		}
		return got, err
	})
	if err != nil {
		return session.Record{}, err
	}
	return rec, nil
}

// write makes one write to the store and its twin.
func (g *gated) write(ctx context.Context, what string, do func(ctx context.Context, to session.Store) error) error {
	return g.w.at(ctx, call{kind: writing, what: what}, func(ctx context.Context, _ bool) (string, error) {
		err := do(ctx, g.inner)
		if g.twin != nil {
			g.w.same(what, "", err, func() (string, error) { return "", do(ctx, g.twin) })
		}
		return "", err
	})
}

func (g *gated) Create(ctx context.Context, id session.ID, rec session.Record) error {
	g.w.meet(requestOf(ctx), id, rec.Mark)
	what := fmt.Sprintf("create %s %s", g.w.id(id), g.w.describe(rec, nil))
	return g.write(ctx, what, func(ctx context.Context, to session.Store) error { return to.Create(ctx, id, rec) })
}

func (g *gated) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	g.w.meet(requestOf(ctx), "", rec.Mark)
	what := fmt.Sprintf("update %s %d->%s", g.w.id(id), ifVersion, g.w.describe(rec, nil))
	return g.write(ctx, what, func(ctx context.Context, to session.Store) error { return to.Update(ctx, id, rec, ifVersion) })
}

func (g *gated) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	what := fmt.Sprintf("touch %s %d", g.w.id(id), ifVersion)
	return g.write(ctx, what, func(ctx context.Context, to session.Store) error {
		return to.Touch(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (g *gated) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	what := fmt.Sprintf("delete %s %d", g.w.id(id), ifVersion)
	return g.write(ctx, what, func(ctx context.Context, to session.Store) error { return to.Delete(ctx, id, ifVersion) })
}

// List answers in the order of the names, or in the reverse: the IDs that decide
// the order of records of one moment are chance.
func (g *gated) List(ctx context.Context, principal, after string, limit int) (page []session.Stored, next string, err error) {
	what := "list"
	err = g.w.at(ctx, call{kind: listing, what: what}, func(ctx context.Context, reversed bool) (string, error) {
		page, next, err = g.inner.List(ctx, principal, after, limit)
		got := g.order(page, reversed)
		if g.twin != nil {
			g.w.same(what, got, err, func() (string, error) {
				page, _, err := g.twin.List(ctx, principal, after, limit)
				return g.order(page, reversed), err
			})
		}
		return got, err
	})
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}

func (g *gated) order(page []session.Stored, reversed bool) string {
	slices.SortFunc(page, func(a, b session.Stored) int { return strings.Compare(g.w.id(a.ID), g.w.id(b.ID)) })
	if reversed {
		slices.Reverse(page)
	}
	var b strings.Builder
	for _, s := range page {
		s.Record.Payload = nil
		fmt.Fprint(&b, g.w.id(s.ID), "=", g.w.describe(s.Record, nil), " ")
	}
	return b.String()
}

// Purge is not compared: the store may hold what other runs left.
func (g *gated) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = g.w.at(ctx, call{kind: writing, what: "purge"}, func(ctx context.Context, _ bool) (string, error) {
		if g.twin != nil {
			_, _ = g.twin.(session.Purger).Purge(ctx, before, limit)
		}
		p, ok := g.inner.(session.Purger)
		if !ok {
			return "", errors.ErrUnsupported
		}
		n, err = p.Purge(ctx, before, limit)
		return "", err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
