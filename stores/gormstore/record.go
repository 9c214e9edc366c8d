package gormstore

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// values are the record's columns, as [columns] orders them, and then
// purge_after. What a column could not keep is an error: a database may cut it
// silently.
func values(rec *session.Record) ([]any, error) {
	if rec.Version > math.MaxInt64 {
		return nil, fmt.Errorf("%w: version %d", session.ErrInvalid, rec.Version)
	}
	times := [...]int64{micros(rec.Created), micros(rec.Authenticated), micros(rec.LastSeen), micros(rec.Expires), micros(rec.LifetimeEnd), rec.IdleTimeout.Microseconds()}
	for _, t := range times {
		if t < 0 {
			return nil, fmt.Errorf("%w: a time before 1970, or a negative idle timeout", session.ErrInvalid)
		}
	}
	for _, s := range [...]struct {
		name, value string
		most        int
	}{
		{"principal", rec.Principal, session.MaxPrincipal},
		{"address", rec.Device.Address, session.MaxAddress},
		{"user agent", rec.Device.UserAgent, session.MaxUserAgent},
	} {
		if !plainText(s.value, s.most) {
			return nil, fmt.Errorf("%w: %s: want at most %d bytes of UTF-8 without NUL", session.ErrInvalid, s.name, s.most)
		}
	}
	if rec.MovedTo != "" && !rec.MovedTo.Valid() {
		return nil, fmt.Errorf("%w: moved-to is not an ID", session.ErrInvalid)
	}
	persistent := int64(0)
	if rec.Persistent {
		persistent = 1
	}
	bytes := rec.Payload
	if bytes == nil {
		bytes = []byte{} // nil would be NULL
	}
	return []any{
		int64(rec.Version), rec.Mark[:], rec.Principal,
		times[0], times[1], times[2], times[3], times[4], times[5],
		persistent, string(rec.MovedTo), rec.Device.Address, rec.Device.UserAgent, bytes,
		purgeAfterOf(times[2], times[3]),
	}, nil
}

// plainText tells whether every database keeps the text as it is.
func plainText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// version is the number of a version in a condition. No row has those that do
// not fit.
func version(v uint64) int64 {
	if v > math.MaxInt64 {
		return -1
	}
	return int64(v)
}

// maxCoarseness is the greatest step of purge_after: 2^36 microseconds, 19 hours.
const maxCoarseness = 36

// purgeAfterOf is expires, rounded down to a multiple of a power of two: the
// greatest that is at most half of the time from lastSeen on, and at most 19
// hours. It is what the index that Purge goes by holds in place of expires,
// so that most writes and touches leave the index alone.
//
// All that Purge needs is that it is never after expires: then a search for
// what is before some time misses nothing, and finds only few rows that expire
// later. For the same reason a value that a touch left behind, or the 0 of a
// column that was just added, is right too.
func purgeAfterOf(lastSeen, expires int64) int64 {
	half := (expires - lastSeen) / 2
	if half <= 1 {
		return expires
	}
	step := min(bits.Len64(uint64(half))-1, maxCoarseness)
	return expires >> step << step
}

// A row receives one row of the table. Its fields refuse what no write of this
// package can have put there; their errors quote no value.
type row struct {
	id                                                                                textColumn
	version, created, authenticated, lastSeen, expires, lifetimeEnd, idle, persistent numberColumn
	principal, movedTo, address, userAgent                                            textColumn
	mark, payload                                                                     bytesColumn
}

// targets are the fields for the columns of a record.
func (r *row) targets() []any {
	return []any{
		&r.version, &r.mark, &r.principal,
		&r.created, &r.authenticated, &r.lastSeen, &r.expires, &r.lifetimeEnd, &r.idle,
		&r.persistent, &r.movedTo, &r.address, &r.userAgent, &r.payload,
	}
}

func (r *row) record() (session.Record, error) {
	switch {
	case len(r.mark) != len(session.Record{}.Mark):
		return session.Record{}, unreadable("mark: wrong length")
	case r.idle > math.MaxInt64/numberColumn(time.Microsecond):
		return session.Record{}, unreadable("idle_timeout: too great")
	case r.persistent > 1:
		return session.Record{}, unreadable("persistent: neither 0 nor 1")
	case r.movedTo != "" && !session.ID(r.movedTo).Valid():
		return session.Record{}, unreadable("moved_to: no ID")
	case !plainText(string(r.principal), session.MaxPrincipal):
		return session.Record{}, unreadable("principal: too long, or with NUL")
	case !plainText(string(r.address), session.MaxAddress):
		return session.Record{}, unreadable("address: too long, or with NUL")
	case !plainText(string(r.userAgent), session.MaxUserAgent):
		return session.Record{}, unreadable("user_agent: too long, or with NUL")
	}
	return session.Record{
		Version:       uint64(r.version),
		Mark:          [8]byte(r.mark),
		Principal:     string(r.principal),
		Created:       fromMicros(int64(r.created)),
		Authenticated: fromMicros(int64(r.authenticated)),
		LastSeen:      fromMicros(int64(r.lastSeen)),
		Expires:       fromMicros(int64(r.expires)),
		LifetimeEnd:   fromMicros(int64(r.lifetimeEnd)),
		IdleTimeout:   time.Duration(r.idle) * time.Microsecond,
		Persistent:    r.persistent == 1,
		MovedTo:       session.ID(r.movedTo),
		Device:        session.Device{Address: string(r.address), UserAgent: string(r.userAgent)},
		Payload:       []byte(r.payload),
	}, nil
}

func unreadable(why string) error { return fmt.Errorf("%w: %s", session.ErrUndecodable, why) }

// The columns implement sql.Scanner.

type numberColumn int64

func (c *numberColumn) Scan(v any) error {
	switch v := v.(type) {
	case int64:
		*c = numberColumn(v)
	default: // also digits: to SQLite they are another version than the number
		return unreadable("not a number")
	}
	if *c < 0 {
		return unreadable("negative")
	}
	return nil
}

type textColumn string

func (c *textColumn) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*c = textColumn(v)
	case []byte:
		*c = textColumn(v)
	default:
		return unreadable("not text")
	}
	if !utf8.ValidString(string(*c)) {
		return unreadable("not UTF-8")
	}
	return nil
}

type bytesColumn []byte

func (c *bytesColumn) Scan(v any) error {
	switch v := v.(type) {
	case []byte: // also nil, as some drivers return no bytes; NULL is a nil any
		*c = append(make([]byte, 0, len(v)), v...) // the driver's are gone with the row
	case string:
		*c = bytesColumn(v)
	default:
		return unreadable("not bytes")
	}
	return nil
}
