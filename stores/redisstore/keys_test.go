package redisstore

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestEachRoleHasKeysOfItsOwn(t *testing.T) {
	s := New(nil, Options{Prefix: "app:"})
	if got, want := s.recordKey(someID), "app:"+string(someID); got != want {
		t.Errorf("record: %s", got)
	}
	if got, want := s.cacheKey(someID), "app:c:"+string(someID); got != want {
		t.Errorf("cache: %s", got)
	}
	a, b := s.indexKeys("bob")
	if a != "app:p:{Ym9i}" || b != "app:p:{Ym9i}:end" {
		t.Errorf("index: %s, %s", a, b)
	}
	for key, want := range map[string]bool{
		s.recordKey(someID): true, s.cacheKey(someID): false, a: false, b: false,
		"other:" + string(someID): false, string(someID): false, "app:": false,
	} {
		if _, ok := s.recordID(key); ok != want {
			t.Errorf("%s is a record: %v", key, ok)
		}
	}
}

func TestGlobCharactersOfThePrefixAreTakenLiterally(t *testing.T) {
	s := New(nil, Options{Prefix: `a*b?[c]\:`})
	if got, want := s.recordPattern(), `a\*b\?\[c\]\\:`+strings.Repeat("?", 43); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestIndexEntriesSortByCreationAndThenByID(t *testing.T) {
	idA, idB := "A"+someID[1:], "B"+someID[1:]
	ordered := []entry{
		{time.Time{}, idB, time.Unix(9, 0).UTC()},
		{time.Unix(1, 0).UTC(), idA, time.Unix(9, 0).UTC()},
		{time.Unix(1, 1000).UTC(), idA, time.Unix(1, 0).UTC()},
		{time.Unix(1, 1000).UTC(), idB, time.Unix(0, 0).UTC()},
		{time.Unix(math.MaxInt32, 0).UTC(), idA, time.Time{}},
	}
	var texts []string
	for _, e := range ordered {
		texts = append(texts, e.String())
		if got, ok := parseEntry(e.String()); !ok || got != e {
			t.Errorf("was %+v, is %+v", e, got)
		}
	}
	if !slices.IsSorted(texts) {
		t.Errorf("not in order: %q", texts)
	}
	for _, bad := range []string{"", "x", strings.Repeat("x", entryLen-1), strings.Repeat("\n", entryLen)} {
		if _, ok := parseEntry(bad); ok {
			t.Errorf("%q is an entry", bad)
		}
	}
}

func TestAKeyOutlivesItsRecordByTheGrace(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct{ expires, want time.Duration }{
		{time.Hour, time.Hour + session.ExpiryGrace},
		{0, session.ExpiryGrace},
		{-time.Hour, session.ExpiryGrace},
		{math.MaxInt64, maxKeep + session.ExpiryGrace},
	} {
		if got := keep(now.Add(c.expires), now); got != c.want {
			t.Errorf("expires in %v: got %v, want %v", c.expires, got, c.want)
		}
	}
	if got := keep(time.Time{}, now); got != session.ExpiryGrace {
		t.Errorf("the zero time: got %v", got)
	}
}

func TestCursorsOfListsAndWalksAreChecked(t *testing.T) {
	for _, bad := range []string{"x", "1", "1.", ".", "1.short", "x." + string(someID), "1." + string(someID) + "x"} {
		if _, err := parseCursor(bad); err == nil {
			t.Errorf("%q is a list cursor", bad)
		}
	}
	for _, bad := range []string{"x", "a b", "a b c", " b 1", "a b 1 2", "a b -1"} {
		if _, err := parsePlace(bad); err == nil {
			t.Errorf("%q is a walk cursor", bad)
		}
	}
	at := place{server: "[::1]:6379", run: "0123", cursor: math.MaxUint64}
	if got, err := parsePlace(at.String()); err != nil || got != at {
		t.Errorf("was %+v, is %+v (%v)", at, got, err)
	}
}
