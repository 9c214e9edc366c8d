package redisstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// FuzzCursor reads any text as what a page ended with, and as a member of the
// index: it is refused, or it names one place.
func FuzzCursor(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if bound, err := parseCursor(s); err == nil {
			if len(bound) != 1+8+idLen || bound[0] != '(' || !session.ID(bound[9:]).Valid() {
				t.Errorf("the cursor %q is the bound %q", s, bound)
			}
		} else if !errors.Is(err, session.ErrInvalid) {
			t.Errorf("parseCursor: %v", err)
		}
		if p, err := parsePlace(s); err == nil {
			again, err := parsePlace(p.String())
			if s != "" && (err != nil || again != p || p.server == "" || strings.ContainsAny(p.server+p.run, " ")) {
				t.Errorf("%q is the place %+v, and that is %+v (%v)", s, p, again, err)
			}
		} else if !errors.Is(err, session.ErrInvalid) {
			t.Errorf("parsePlace: %v", err)
		}
		if e, ok := parseEntry(s); ok {
			if e.String() != s || !e.id.Valid() {
				t.Errorf("%q is the entry %+v", s, e)
			}
			stored := session.Stored{ID: e.id, Record: session.Record{Created: e.created}}
			if bound, err := parseCursor(cursorAfter(stored)); err != nil || bound != "("+s[:8+idLen] {
				t.Errorf("the cursor of %+v is the bound %q (%v)", e, bound, err)
			}
		}
	})
}
