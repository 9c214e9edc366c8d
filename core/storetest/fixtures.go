package storetest

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// NewID returns a random ID, of the form that the engine gives them.
func NewID() session.ID {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return session.ID(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Now returns the time in the form that stores keep: UTC, whole microseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// NewRecord returns a record of version 1 with every field set but MovedTo: a
// session of principal ("" is anonymous) that began now and ends in an hour.
func NewRecord(principal string) session.Record {
	now := Now()
	rec := session.Record{
		Version:     1,
		Mark:        newMark(),
		Principal:   principal,
		Created:     now,
		LastSeen:    now,
		Expires:     now.Add(time.Hour),
		LifetimeEnd: now.Add(24 * time.Hour),
		IdleTimeout: time.Hour,
		Persistent:  true,
		Device:      session.Device{Address: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64)"},
		Payload:     []byte("payload of " + principal),
	}
	if principal != "" {
		rec.Authenticated = now
	}
	return rec
}

// next returns the record that a data write makes of rec.
func next(rec session.Record, payload string) session.Record {
	rec.Version++
	rec.Mark = newMark()
	rec.Payload = []byte(payload)
	return rec
}

// movedMark returns what a renewal makes of rec.
func movedMark(rec session.Record, to session.ID) session.Record {
	now := Now()
	return session.Record{
		Version: rec.Version + 1, Mark: newMark(), MovedTo: to,
		Created: rec.Created, LastSeen: now, Expires: now.Add(time.Minute), LifetimeEnd: now.Add(time.Minute),
	}
}

func newMark() (m [8]byte) {
	_, _ = rand.Read(m[:])
	return m
}

// otherCase returns an ID that differs from id in the case of letters only.
func otherCase(id session.ID) session.ID {
	b := []byte(id)
	for i, c := range b[:len(b)-1] { // the last character may not have every value
		if lower := c | 0x20; lower >= 'a' && lower <= 'z' {
			b[i] = c ^ 0x20
		}
	}
	return session.ID(b)
}

// diff says in what got differs from want; "" if in nothing.
func diff(got, want session.Record) string {
	var d []string
	field := func(name string, got, want any) {
		if got != want {
			d = append(d, fmt.Sprintf("%s is %v, want %v", name, got, want))
		}
	}
	moment := func(name string, got, want time.Time) {
		if !got.Equal(want) || got.IsZero() != want.IsZero() {
			d = append(d, fmt.Sprintf("%s is %v, want %v", name, got, want))
		} else if _, offset := got.Zone(); offset != 0 || got.Location().String() != "UTC" {
			d = append(d, fmt.Sprintf("%s is in %v, want UTC", name, got.Location()))
		}
	}
	field("Version", got.Version, want.Version)
	field("Mark", got.Mark, want.Mark)
	field("Principal", fmt.Sprintf("%q", got.Principal), fmt.Sprintf("%q", want.Principal))
	moment("Created", got.Created, want.Created)
	moment("Authenticated", got.Authenticated, want.Authenticated)
	moment("LastSeen", got.LastSeen, want.LastSeen)
	moment("Expires", got.Expires, want.Expires)
	moment("LifetimeEnd", got.LifetimeEnd, want.LifetimeEnd)
	field("IdleTimeout", got.IdleTimeout, want.IdleTimeout)
	field("Persistent", got.Persistent, want.Persistent)
	field("MovedTo", got.MovedTo, want.MovedTo)
	field("Device.Address", fmt.Sprintf("%q", got.Device.Address), fmt.Sprintf("%q", want.Device.Address))
	field("Device.UserAgent", fmt.Sprintf("%q", got.Device.UserAgent), fmt.Sprintf("%q", want.Device.UserAgent))
	if !bytes.Equal(got.Payload, want.Payload) {
		d = append(d, fmt.Sprintf("Payload is %s, want %s", short(got.Payload), short(want.Payload)))
	}
	return strings.Join(d, "; ")
}

func short(b []byte) string {
	if len(b) > 64 {
		return fmt.Sprintf("%q... (%d bytes)", b[:64], len(b))
	}
	return fmt.Sprintf("%q", b)
}
