package transition

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Store is a [session.Store] over two, for as long as sessions are moved from one to the
// other. Make one with [New]; it is safe for concurrent use.
type Store struct {
	old, new session.Store
	step     Step
	err      error // what Validate says of the options
	copier   copier
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.FreshLoader = (*Store)(nil)
	_ session.Validator   = (*Store)(nil)
)

// New returns a Store over the two. It does no I/O; Validate, which session.New
// calls, tells whether the arguments are usable.
func New(old, new session.Store, o Options) *Store {
	return &Store{old: old, new: new, step: o.Step, err: o.validate(), copier: copier{old: old, new: new}}
}

// Validate checks the arguments of New, and then what the two stores say of
// their own configuration. It does no I/O.
func (s *Store) Validate() error {
	if err := validStores(s.old, s.new); err != nil {
		return err
	}
	if s.err != nil {
		return s.err
	}
	for _, one := range []session.Store{s.old, s.new} {
		if v, ok := one.(session.Validator); ok {
			if err := v.Validate(); err != nil {
				return err
			}
		}
	}
	return nil
}

func validStores(old, new session.Store) error {
	switch {
	case old == nil:
		return fmt.Errorf("transition: the old store is nil: %w", session.ErrInvalid)
	case new == nil:
		return fmt.Errorf("transition: the new store is nil: %w", session.ErrInvalid)
	case reflect.TypeOf(old).Comparable() && old == new:
		return fmt.Errorf("transition: the old and the new store are the same: %w", session.ErrInvalid)
	}
	return nil
}

// Load returns the record from the old store, or, where that has nothing or says that
// the session migrated, from the new one.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return load(ctx, id, s.old.Load, s.new.Load)
}

// LoadFresh is Load from what is the truth in each of the stores.
func (s *Store) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	return load(ctx, id, fresh(s.old), fresh(s.new))
}

// Caches tells whether one of the stores has a faster place to load from than
// its truth.
func (s *Store) Caches() bool { return caches(s.old) || caches(s.new) }

func load(ctx context.Context, id session.ID, old, new loader) (session.Record, error) {
	if !id.Valid() {
		return session.Record{}, notFound("load")
	}
	rec, behind := old(ctx, id)
	if behind != nil && !errors.Is(behind, session.ErrNotFound) {
		return session.Record{}, behind // an outage is no answer
	}
	if behind == nil {
		switch kindOf(id, &rec) {
		case plain:
			return rec, nil
		case ended:
			return session.Record{}, notFound("load")
		}
	}
	rec, err := new(ctx, id)
	if err == nil && kindOf(id, &rec) != plain {
		err = notFound("load")
	}
	if errors.Is(err, session.ErrNotFound) && errors.Is(behind, session.ErrPending) {
		err = behind
	}
	if err != nil {
		return session.Record{}, err
	}
	return rec, nil
}

// Create stores the record where the step says. It asks the other store first, so
// that an ID is used once.
func (s *Store) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if !id.Valid() {
		return notFound("create")
	}
	to, other := s.old, s.new
	if s.step == CreateInNew {
		to, other = s.new, s.old
	}
	_, err := fresh(other)(ctx, id)
	switch {
	case err == nil:
		return fmt.Errorf("transition: create: %w", session.ErrExists)
	case !errors.Is(err, session.ErrNotFound):
		return err
	}
	return to.Create(ctx, id, rec)
}

// Update replaces the record where it is.
func (s *Store) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if !id.Valid() {
		return notFound("update")
	}
	err := s.old.Update(ctx, id, rec, ifVersion)
	if errors.Is(err, session.ErrConflict) {
		there, lerr := look(ctx, s.old, id)
		switch {
		case lerr != nil:
			return lerr
		case there.kind == plain:
			return err
		case there.kind == ended:
			return notFound("update")
		}
	} else if !errors.Is(err, session.ErrNotFound) {
		return err
	}
	if err = s.bring(ctx, rec.MovedTo); err != nil {
		return err
	}
	err = s.new.Update(ctx, id, rec, ifVersion)
	if errors.Is(err, session.ErrConflict) {
		there, lerr := look(ctx, s.new, id)
		switch {
		case lerr != nil:
			return lerr
		case there.kind != plain:
			return notFound("update")
		}
	}
	return err
}

// bring moves the successor of a session that is in the new store there too, before the
// session becomes a mark. So no session ever goes back, and a list that has read the
// old store before the new one has missed none.
func (s *Store) bring(ctx context.Context, successor session.ID) error {
	if successor == "" || s.step != CreateInOld {
		return nil
	}
	there, err := look(ctx, s.old, successor)
	if err != nil || there.kind == absent {
		return err
	}
	did, err := s.copier.one(ctx, successor, there)
	if err == nil && did.why != "" {
		err = fmt.Errorf("transition: update: the successor cannot be moved: %s: %w", did.why, session.ErrConflict)
	}
	return err
}

// Touch moves the times forward in both stores, first in the old one: a copy that
// is made meanwhile either is made of what this touched, or is touched.
func (s *Store) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if !id.Valid() {
		return nil
	}
	if err := s.old.Touch(ctx, id, lastSeen, expires, ifVersion); err != nil {
		return err
	}
	return s.new.Touch(ctx, id, lastSeen, expires, ifVersion)
}

// Delete ends the session where it is. What was in the old store, or came from there,
// leaves a mark, so that no copy under way brings it back: the ID stays in use
// until [Finish].
func (s *Store) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if !id.Valid() {
		return nil
	}
	err := s.old.Update(ctx, id, endedMark(ifVersion), ifVersion)
	there := found{}
	if errors.Is(err, session.ErrConflict) {
		var lerr error
		there, lerr = look(ctx, s.old, id)
		switch {
		case lerr != nil:
			return lerr
		case there.kind == plain:
			return err
		case there.kind == ended:
			return nil
		}
	} else if !errors.Is(err, session.ErrNotFound) {
		return err
	}
	if there.kind == migrated {
		err = s.new.Update(ctx, id, endedMark(ifVersion), ifVersion)
	} else {
		err = s.new.Delete(ctx, id, ifVersion)
	}
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil
	case errors.Is(err, session.ErrConflict):
		there, lerr := look(ctx, s.new, id)
		switch {
		case lerr != nil:
			return lerr
		case there.kind != plain:
			return nil
		}
	}
	return err
}

// found is what a store has under an ID.
type found struct {
	kind kind
	rec  session.Record
}

// look reads the truth of a store.
func look(ctx context.Context, from session.Store, id session.ID) (found, error) {
	rec, err := fresh(from)(ctx, id)
	switch {
	case err == nil:
		return found{kindOf(id, &rec), rec}, nil
	case errors.Is(err, session.ErrNotFound):
		return found{}, nil
	}
	return found{}, err
}

type loader = func(context.Context, session.ID) (session.Record, error)

// fresh returns what loads the truth.
func fresh(s session.Store) loader {
	if f, ok := s.(session.FreshLoader); ok {
		return f.LoadFresh
	}
	return s.Load
}

func caches(s session.Store) bool {
	f, ok := s.(session.FreshLoader)
	if !ok {
		return false
	}
	c, tells := f.(interface{ Caches() bool })
	return !tells || c.Caches()
}

func notFound(op string) error { return fmt.Errorf("transition: %s: %w", op, session.ErrNotFound) }
