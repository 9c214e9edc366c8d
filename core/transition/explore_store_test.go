package transition_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// A rule is one that the protocol has to keep, and that a gated store breaks if it
// is told to.
type rule string

const (
	keepsAll        rule = ""
	createKeeps     rule = "a copy never overwrites what the new store has"
	markCompares    rule = "the old record becomes a mark only if it is what was copied"
	olderCompares   rule = "an older copy is replaced only if it is still that"
	readsAgain      rule = "the old record is read again between the copy and the mark"
	touchesBoth     rule = "a touch goes to both stores"
	endsInOld       rule = "a session that ends leaves a mark in the old store"
	endsInNew       rule = "a migrated session that ends leaves a mark in the new store"
	removesCopies   rule = "a copy of what has ended is removed"
	marksApart      rule = "a mark has a version that no session has"
	marksOfTwoKinds rule = "a mark of one kind never has the version of one of the other"
	bringsSuccessor rule = "the successor of a session in the new store is brought there first"
)

// gated is a store with a stop at each call.
type gated struct {
	w    *world
	name string
	store
	seen map[*runner]session.Record // by a copier that does not read again
}

// raw is the store without stops, but with the broken rule.
func (g *gated) raw() store { return g }

func runnerOf(ctx context.Context) *runner {
	r, _ := ctx.Value(runnerKey{}).(*runner)
	return r
}

// copying tells whether the call is a copier's, of this run or the last one.
func copying(ctx context.Context) bool {
	r := runnerOf(ctx)
	return r == nil || r.copies
}

func (g *gated) at(ctx context.Context, what string, effect func() (string, error)) error {
	return g.w.scheduler.at(ctx, what+" "+g.name, effect)
}

func (g *gated) Load(ctx context.Context, id session.ID) (rec session.Record, err error) {
	err = g.at(ctx, fmt.Sprintf("loads %c from", id[0]), func() (string, error) {
		rec, err = g.store.Load(context.Background(), id)
		if err != nil {
			return "", err
		}
		if was, ok := g.seen[runnerOf(ctx)]; ok && was.Version == rec.Version {
			rec = was
		}
		if g.w.breaks == bringsSuccessor && id == successor && g.name == "old" && !copying(ctx) && runnerOf(ctx).name == "renewer" {
			return "", session.ErrNotFound
		}
		return g.w.describe(id, rec), nil
	})
	return rec, err
}

func (g *gated) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return g.at(ctx, fmt.Sprintf("creates %c v%d in", id[0], rec.Version), func() (string, error) {
		if g.w.breaks == createKeeps && copying(ctx) {
			if was, err := g.store.Load(context.Background(), id); err == nil {
				must(g.store.Delete(context.Background(), id, was.Version))
			}
		}
		return "", g.store.Create(context.Background(), id, rec)
	})
}

func (g *gated) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	migrated, ended := transition.IsMark(id, rec)
	what := fmt.Sprintf("writes %c %d->%s in", id[0], ifVersion, g.w.describe(id, rec))
	return g.at(ctx, what, func() (string, error) {
		switch {
		case g.w.breaks == markCompares && migrated, g.w.breaks == olderCompares && g.name == "new" && copying(ctx):
			if now, err := g.store.Load(context.Background(), id); err == nil {
				if ifVersion = now.Version; ifVersion >= rec.Version {
					must(g.store.Delete(context.Background(), id, ifVersion))
					return "", g.store.Create(context.Background(), id, rec)
				}
			}
		case g.w.breaks == endsInOld && ended && g.name == "old", g.w.breaks == endsInNew && ended && g.name == "new":
			return "", g.delete(id, ifVersion)
		case g.w.breaks == marksApart && migrated:
			rec.Version = ifVersion + 1
		case g.w.breaks == marksOfTwoKinds && ended:
			rec.Version = ifVersion + transition.MigratedStep
		}
		return "", g.store.Update(context.Background(), id, rec, ifVersion)
	})
}

// delete is what Delete would be if it knew nothing of marks.
func (g *gated) delete(id session.ID, ifVersion uint64) error {
	if _, err := g.store.Load(context.Background(), id); err != nil {
		return err
	}
	return g.store.Delete(context.Background(), id, ifVersion)
}

func (g *gated) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return g.at(ctx, fmt.Sprintf("touches %c v%d in", id[0], ifVersion), func() (string, error) {
		if g.w.breaks == touchesBoth && g.name == "new" && !copying(ctx) {
			return "", nil
		}
		return "", g.store.Touch(context.Background(), id, lastSeen, expires, ifVersion)
	})
}

func (g *gated) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	return g.at(ctx, fmt.Sprintf("deletes %c v%d from", id[0], ifVersion), func() (string, error) {
		if g.w.breaks == removesCopies && copying(ctx) {
			return "", nil
		}
		return "", g.store.Delete(context.Background(), id, ifVersion)
	})
}

func (g *gated) List(ctx context.Context, principal, after string, limit int) (page []session.Stored, next string, err error) {
	err = g.at(ctx, "lists", func() (string, error) {
		page, next, err = g.store.List(context.Background(), principal, after, limit)
		return g.describeAll(page), err
	})
	return page, next, err
}

func (g *gated) Scan(ctx context.Context, after string, limit int) (page []session.Stored, next string, err error) {
	err = g.at(ctx, "scans", func() (string, error) {
		page, next, err = g.store.Scan(context.Background(), after, limit)
		if g.w.breaks == readsAgain && len(page) > 0 {
			g.seen = map[*runner]session.Record{runnerOf(ctx): page[0].Record}
		}
		return g.describeAll(page), err
	})
	return page, next, err
}

func (g *gated) describeAll(page []session.Stored) (s string) {
	for _, r := range page {
		s += fmt.Sprintf("%c %s;", r.ID[0], g.w.describe(r.ID, r.Record))
	}
	return s
}
