package storetest

import (
	"bytes"
	"crypto/rand"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var recordChecks = []check{
	{"keeps every field", recordFull},
	{"keeps zero values", recordZero},
	{"keeps times to the microsecond, near and far", recordTimes},
	{"keeps any idle timeout", func(s subject) {
		for _, d := range []time.Duration{0, time.Microsecond, 90 * time.Second, 400 * 24 * time.Hour, 100 * 365 * 24 * time.Hour} {
			id, rec := NewID(), NewRecord("bob")
			rec.IdleTimeout = d
			s.create(id, rec)
			s.holds(id, rec)
		}
	}},
	{"keeps every byte of the mark", func(s subject) {
		for _, mark := range [][8]byte{{}, {0, 1, 2, 3, 4, 5, 6, 7}, {255, 254, 0, 0, 13, 10, 26, 0}, {'\'', '"', '\\', '%', 0x80, 0xc0, 0xff, 0}} {
			id, rec := NewID(), NewRecord("bob")
			rec.Mark = mark
			s.create(id, rec)
			s.holds(id, rec)
			rec2 := next(rec, "two")
			rec2.Mark = mark
			s.update(id, rec2, 1)
			s.holds(id, rec2)
		}
	}},
	{"keeps any text", recordText},
	{"keeps a payload of any bytes", recordBytes},
	{"keeps an empty payload", func(s subject) {
		for _, empty := range [][]byte{nil, {}} {
			id, rec := NewID(), NewRecord("bob")
			rec.Payload = empty
			s.create(id, rec)
			s.holds(id, rec)
			full := next(rec, "full")
			s.update(id, full, 1)
			rec.Version, rec.Mark = 3, newMark()
			s.update(id, rec, 2)
			s.holds(id, rec)
		}
	}},
	{"keeps a payload of 1 MiB", func(s subject) {
		id, rec := NewID(), NewRecord("bob")
		rec.Payload = make([]byte, 1<<20)
		_, _ = rand.Read(rec.Payload)
		s.create(id, rec)
		s.holds(id, rec)
		rec2 := next(rec, strings.Repeat("\x00'", 1<<19))
		s.update(id, rec2, 1)
		s.holds(id, rec2)
	}},
	{"shares no memory with the caller", recordValue},
}

func recordFull(s subject) {
	id := NewID()
	rec := session.Record{
		Version: 3, Mark: newMark(), Principal: "Zoë \U0001F375 O'Brien \"茶\"",
		Created:       time.Date(2025, 1, 2, 3, 4, 5, 123456000, time.UTC),
		Authenticated: time.Date(2025, 2, 3, 4, 5, 6, 1000, time.UTC),
		LastSeen:      time.Date(2025, 3, 4, 5, 6, 7, 999999000, time.UTC),
		Expires:       Now().Add(time.Hour),
		LifetimeEnd:   Now().Add(2*time.Hour + time.Microsecond),
		IdleTimeout:   time.Hour + 3*time.Microsecond, Persistent: true,
		MovedTo: NewID(),
		Device:  session.Device{Address: "[2001:db8::1%eth0]:443", UserAgent: "Mozilla/5.0 (é; \U0001F4F1)"},
		Payload: []byte{0, 255, 1, 254},
	}
	s.create(id, rec)
	s.holds(id, rec)

	other := rec
	other.Mark, other.Persistent, other.MovedTo, other.Version = newMark(), false, NewID(), 4
	other.Device = session.Device{Address: "é", UserAgent: strings.Repeat("\U0001F4F1", 60)}
	s.update(id, other, 3)
	s.holds(id, other)
}

func recordZero(s subject) {
	id := NewID()
	rec := session.Record{Version: 1, Expires: Now().Add(time.Hour)}
	s.create(id, rec)
	s.holds(id, rec)
	full := NewRecord("")
	full.Version = 2
	s.update(id, full, 1)
	s.holds(id, full)
	zero := session.Record{Version: 3, Expires: Now().Add(time.Hour)}
	s.update(id, zero, 2)
	zero.LastSeen = full.LastSeen // which is never lowered
	s.holds(id, zero)
}

func recordTimes(s subject) {
	for _, at := range []time.Time{
		time.Unix(0, 1000).UTC(), // the first microsecond after 1970
		time.Unix(1, 0).UTC(),
		time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2025, 10, 26, 0, 59, 59, 999999000, time.UTC), // clocks are put back in Europe
		time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
		time.Date(2200, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		id, rec := NewID(), NewRecord("bob")
		rec.Created, rec.Authenticated, rec.LastSeen, rec.LifetimeEnd = at, at, at, at
		if at.After(rec.Expires) {
			rec.Expires = at
		}
		s.create(id, rec)
		s.holds(id, rec)
		rec2 := next(rec, "two")
		rec2.Authenticated = at.Add(time.Microsecond)
		s.update(id, rec2, 1)
		s.holds(id, rec2)
	}
}

func recordText(s subject) {
	for _, text := range []string{
		"", " ", "a ", " a", "'; DROP TABLE sessions; --", `"\'` + "`", "%_*?[a]{b}", "a:b:c", "\r\nSet: x\r\n", "\t\x01\x1f\x7f",
		"é", "e\u0301", "\ufeff", "\u202e", "\U0010ffff", "\U0001F468\u200D\U0001F469", "null", "0", "NaN", "true", "$1", "?", "@name", "\\x00", "\\u0000", "{}",
	} {
		id, rec := NewID(), NewRecord(text)
		rec.Device = session.Device{Address: text, UserAgent: text}
		s.create(id, rec)
		s.holds(id, rec)
		rec2 := next(rec, text)
		s.update(id, rec2, 1)
		s.holds(id, rec2)
	}
	for _, char := range []string{"x", "é", "茶", "\U0001F375"} {
		id, rec := NewID(), NewRecord(fill(char, session.MaxPrincipal))
		rec.Device = session.Device{Address: fill(char, session.MaxAddress), UserAgent: fill(char, session.MaxUserAgent)}
		s.create(id, rec)
		s.holds(id, rec)
	}
}

// fill repeats char, as often as fits into n bytes.
func fill(char string, n int) string { return strings.Repeat(char, n/len(char)) }

func recordBytes(s subject) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	backwards := bytes.Clone(all)
	for i := range backwards {
		backwards[i] = byte(255 - i)
	}
	payloads := [][]byte{
		all, backwards, bytes.Repeat([]byte{0}, 1000), bytes.Repeat([]byte{0xff}, 1000),
		[]byte("\r\n"), []byte("\\x00\\"), []byte("\xc3\x28 not UTF-8 \xed\xa0\x80"), []byte(`{"a":1}`),
	}
	for i := range all {
		payloads = append(payloads, all[i:i+1])
	}
	id, rec := s.stored("bob")
	for _, p := range payloads {
		rec = next(rec, string(p))
		s.update(id, rec, rec.Version-1)
		s.holds(id, rec)
	}
	for _, p := range payloads[:8] {
		id, rec := NewID(), NewRecord("bob")
		rec.Payload = p
		s.create(id, rec)
		s.holds(id, rec)
	}
}

func recordValue(s subject) {
	id, rec := NewID(), NewRecord("bob")
	given := rec
	given.Payload = bytes.Clone(rec.Payload)
	s.create(id, given)
	wipe(given.Payload)
	s.holds(id, rec)

	got := s.load(id)
	again := s.load(id)
	wipe(got.Payload)
	if d := diff(again, rec); d != "" {
		s.Fatalf("a record loaded before: %s", d)
	}
	s.holds(id, rec)

	rec2 := next(rec, "two")
	given = rec2
	given.Payload = bytes.Clone(rec2.Payload)
	s.update(id, given, 1)
	if !bytes.Equal(given.Payload, rec2.Payload) {
		s.Fatal("Update wrote into the payload it was given")
	}
	wipe(given.Payload)
	s.holds(id, rec2)
	if d := diff(again, rec); d != "" {
		s.Fatalf("a record loaded before the update: %s", d)
	}
}

func wipe(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}
