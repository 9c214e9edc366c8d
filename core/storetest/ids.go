package storetest

import (
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// malformed are IDs for which Valid is false.
func malformed() map[string]session.ID {
	good := string(NewID())
	return map[string]session.ID{
		"empty":             "",
		"short":             session.ID(good[:42]),
		"long":              session.ID(good + "A"),
		"1 MiB":             session.ID(strings.Repeat("A", 1<<20)),
		"NUL":               session.ID(good[:20] + "\x00" + good[21:]),
		"NUL at the end":    session.ID(good + "\x00"),
		"invalid UTF-8":     session.ID(good[:20] + "\xff" + good[21:]),
		"umlaut":            session.ID(good[:20] + "ä" + good[22:]),
		"glob":              session.ID(strings.Repeat("*", 43)),
		"glob at the end":   session.ID(good[:42] + "*"),
		"like":              session.ID(good[:42] + "%"),
		"quote":             session.ID(good[:20] + "' OR '1'='1" + good[31:]),
		"CRLF":              session.ID(good[:41] + "\r\n"),
		"line break within": session.ID(good[:20] + "\n" + good[20:]),
		"space at the end":  session.ID(good + " "),
		"space before":      session.ID(" " + good),
		"padding":           session.ID(good + "="),
		"standard base64":   session.ID(good[:20] + "+/" + good[22:]),
		"hash tag":          session.ID("{" + good[:41] + "}"),
		"last bits set":     session.ID(good[:42] + "B"),
	}
}

var idChecks = []check{
	{"malformed is ErrNotFound or no effect, and nothing is stored", idMalformed},
	{"that differs in the case of letters is another ID", idCase},
	{"may consist of any of its characters", idCharacters},
	{"is the only key: records alike but for it are apart", func(s subject) {
		rec := NewRecord("bob")
		ids := []session.ID{NewID(), NewID(), NewID()}
		for _, id := range ids {
			s.create(id, rec)
		}
		s.delete(ids[1], 1)
		rec2 := next(rec, "two")
		s.update(ids[2], rec2, 1)
		s.holds(ids[0], rec)
		s.lacks(ids[1])
		s.holds(ids[2], rec2)
	}},
}

func idMalformed(s subject) {
	ctx := s.Context()
	kept, keptRec := s.stored("bob")
	for name, id := range malformed() {
		if id.Valid() {
			s.Fatalf("%s: the suite's own ID is valid", name)
		}
		for range 2 {
			_, err := s.Load(ctx, id)
			wants(s, name+": Load", err, session.ErrNotFound)
			wants(s, name+": Create", s.Create(ctx, id, NewRecord("bob")), session.ErrNotFound)
			wants(s, name+": Update", s.Update(ctx, id, next(NewRecord("bob"), "two"), 1), session.ErrNotFound)
			wants(s, name+": Touch", s.Touch(ctx, id, Now(), Now().Add(time.Hour), 1), nil)
			wants(s, name+": Delete", s.Delete(ctx, id, 1), nil)
		}
	}
	s.holds(kept, keptRec)
	if sc, ok := s.Store.(session.Scanner); ok && scannerPower(ctx, s.Store) == nil {
		if all := scanAll(s, sc, 100, nil); len(all) != 1 {
			s.Fatalf("%d records are stored, want the 1 with a well-formed ID", len(all))
		}
	}
}

func idCase(s subject) {
	for _, id := range []session.ID{NewID(), session.ID(strings.Repeat("a", 42) + "A")} {
		other := otherCase(id)
		rec, otherRec := NewRecord("bob"), NewRecord("alice")
		s.create(id, rec)
		s.lacks(other)
		wants(s, "Update", s.Update(s.Context(), other, next(otherRec, "two"), 1), session.ErrNotFound)
		s.touch(other, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1)
		s.delete(other, 1)
		s.holds(id, rec)
		s.create(other, otherRec)
		s.holds(id, rec)
		s.holds(other, otherRec)
		s.delete(id, 1)
		s.holds(other, otherRec)
	}
}

func idCharacters(s subject) {
	ids := []session.ID{
		session.ID(strings.Repeat("A", 43)),
		session.ID(strings.Repeat("_", 42) + "A"), // a pattern, to SQL's LIKE
		session.ID(strings.Repeat("-", 42) + "A"),
		session.ID(strings.Repeat("-_", 21) + "8"),
		session.ID(strings.Repeat("0", 43)),
		session.ID(strings.Repeat("9", 42) + "4"),
	}
	recs := make([]session.Record, len(ids))
	for i, id := range ids {
		recs[i] = NewRecord("bob")
		s.create(id, recs[i])
	}
	for i, id := range ids {
		s.holds(id, recs[i])
		recs[i] = next(recs[i], "two")
		s.update(id, recs[i], 1)
	}
	for i, id := range ids {
		s.holds(id, recs[i])
	}
	s.delete(ids[1], 2)
	s.lacks(ids[1])
	s.holds(ids[0], recs[0])
}
