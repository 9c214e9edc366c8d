package transition

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seshat-go/seshat/core/session"
)

var _ session.Lister = (*Store)(nil)

// listPage is how many records of one store are listed at once.
const listPage = 200

// List lists the records of a principal in both stores: see [session.Lister]. It reads
// the whole list of the old store and then that of the new one, for sessions only ever
// go that way, and asks the old store about each record of the page that only the new
// one lists: right for the sessions of a person, of which there are a few.
func (s *Store) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("transition: list: the limit of a page is %d; it must be positive: %w", limit, session.ErrInvalid)
	}
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	all, err := s.listed(ctx, principal, from)
	if err != nil {
		return nil, "", err
	}
	var page []session.Stored
	for _, l := range all {
		if !l.decided {
			if err := s.decide(ctx, principal, &l); err != nil {
				return nil, "", err
			}
			if !l.decided {
				continue
			}
		}
		if len(page) == limit {
			return page, placeOf(page[limit-1]).String(), nil
		}
		page = append(page, l.Stored)
	}
	return page, "", nil
}

// listing is a record of a list.
type listing struct {
	session.Stored
	decided bool // it is the session; else the old store has to be asked
}

// listed returns what comes after a place, newest first.
func (s *Store) listed(ctx context.Context, principal string, from place) ([]listing, error) {
	var all []listing
	seen := make(map[session.ID]bool)
	for i, one := range []session.Store{s.old, s.new} {
		lister, err := power[session.Lister](one, "Lister")
		if err != nil {
			return nil, err
		}
		for after := ""; ; {
			page, next, err := lister.List(ctx, principal, after, listPage)
			if err != nil {
				return nil, err
			}
			for _, r := range page {
				if !seen[r.ID] && placeOf(r).compare(from) < 0 {
					seen[r.ID] = true
					all = append(all, listing{r, i == 0})
				}
			}
			if next == "" {
				break
			}
			after = next
		}
	}
	slices.SortFunc(all, func(a, b listing) int { return placeOf(b.Stored).compare(placeOf(a.Stored)) })
	return all, nil
}

// decide asks the old store about a record that the new one lists: it may be a copy
// that a copier has left of a session that ended.
func (s *Store) decide(ctx context.Context, principal string, l *listing) error {
	there, err := look(ctx, s.old, l.ID)
	switch {
	case err != nil:
		return err
	case there.kind == absent || there.kind == migrated:
		l.decided = true
	case there.kind == plain && there.rec.Principal == principal:
		l.Record, l.decided = there.rec, true
		l.Record.Payload = nil
	}
	return nil
}

// A place is the position of a record in a list, and in text the cursor that
// continues after it.
type place struct {
	created int64 // in Unix microseconds
	id      session.ID
}

// first comes before all records.
var first = place{created: 1<<63 - 1, id: "~"}

func placeOf(s session.Stored) place { return place{s.Record.Created.UnixMicro(), s.ID} }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.created, o.created), cmp.Compare(p.id, o.id))
}

func (p place) String() string { return strconv.FormatInt(p.created, 10) + "." + string(p.id) }

func parsePlace(after string) (place, error) {
	if after == "" {
		return first, nil
	}
	number, id, _ := strings.Cut(after, ".")
	created, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !session.ID(id).Valid() {
		return place{}, errCursor
	}
	return place{created, session.ID(id)}, nil
}

var errCursor = fmt.Errorf("transition: this is no cursor of a page before: %w", session.ErrInvalid)
