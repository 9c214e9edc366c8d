package redisstore

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// A value is laid out so that scripts read and change the head in place. The
// numbers are big-endian, times are microseconds, offset so that they sort as
// bytes.
//
//	 0  kind and format: "R1" a record, "E1" a cache entry, "L1" a lease
//	 2  version
//	10  mark
//	18  last seen
//	26  expires
//	34  stamp: when a record was created, when an entry was last checked
//	42  created
//	50  authenticated
//	58  lifetime end
//	66  idle timeout
//	74  flags: 1 persistent
//	75  lengths of principal (two bytes), moved-to, address, user agent
//	80  these four, then the payload to the end
//
// A lease is its kind and format and 16 random bytes. The scripts know these
// offsets.
const (
	kindRecord = "R1"
	kindEntry  = "E1"
	kindLease  = "L1"

	atVersion     = 2
	atMark        = 10
	atLastSeen    = 18
	atExpires     = 26
	atStamp       = 34
	atCreated     = 42
	atAuth        = 50
	atLifetimeEnd = 58
	atIdleTimeout = 66
	atFlags       = 74
	atLengths     = 75
	atTexts       = 80

	flagPersistent = 1

	maxHead = atTexts + session.MaxPrincipal + idLen + session.MaxAddress + session.MaxUserAgent
)

// encode returns the value of a record or cache entry, or session.ErrInvalid
// for a record outside the limits of session.Record.
func encode(kind string, rec *session.Record, stamp time.Time) ([]byte, error) {
	if err := checkText(rec); err != nil {
		return nil, fmt.Errorf("%w: %w", session.ErrInvalid, err)
	}
	b := make([]byte, 0, atTexts+len(rec.Principal)+len(rec.MovedTo)+
		len(rec.Device.Address)+len(rec.Device.UserAgent)+len(rec.Payload))
	b = append(b, kind...)
	b = binary.BigEndian.AppendUint64(b, rec.Version)
	b = append(b, rec.Mark[:]...)
	for _, t := range []time.Time{rec.LastSeen, rec.Expires, stamp, rec.Created, rec.Authenticated, rec.LifetimeEnd} {
		b = binary.BigEndian.AppendUint64(b, fromTime(t))
	}
	b = binary.BigEndian.AppendUint64(b, fromMicros(rec.IdleTimeout.Microseconds()))
	var flags byte
	if rec.Persistent {
		flags |= flagPersistent
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rec.Principal)))
	b = append(b, byte(len(rec.MovedTo)), byte(len(rec.Device.Address)), byte(len(rec.Device.UserAgent)))
	b = append(b, rec.Principal...)
	b = append(b, rec.MovedTo...)
	b = append(b, rec.Device.Address...)
	b = append(b, rec.Device.UserAgent...)
	return append(b, rec.Payload...), nil
}

// decode reads what encode wrote, and whatever else may be stored: everything
// that encode would not write is session.ErrUndecodable. The record shares no
// memory with v.
func decode(kind, v string) (rec session.Record, stamp time.Time, err error) {
	rec, stamp, payload, err := decodeHead(kind, v)
	if err == nil && payload != "" {
		rec.Payload = []byte(payload)
	}
	return rec, stamp, err
}

// decodeHead is decode but for the payload, of which v may lack any part.
func decodeHead(kind, v string) (rec session.Record, stamp time.Time, payload string, err error) {
	if len(v) < atTexts || v[:len(kind)] != kind || v[atFlags]&^flagPersistent != 0 {
		return rec, stamp, "", session.ErrUndecodable
	}
	rec.Version = uint64At(v, atVersion)
	copy(rec.Mark[:], v[atMark:])
	rec.LastSeen = toTime(uint64At(v, atLastSeen))
	rec.Expires = toTime(uint64At(v, atExpires))
	stamp = toTime(uint64At(v, atStamp))
	rec.Created = toTime(uint64At(v, atCreated))
	rec.Authenticated = toTime(uint64At(v, atAuth))
	rec.LifetimeEnd = toTime(uint64At(v, atLifetimeEnd))
	idle := toMicros(uint64At(v, atIdleTimeout))
	if idle > math.MaxInt64/1000 || idle < math.MinInt64/1000 {
		return session.Record{}, stamp, "", session.ErrUndecodable
	}
	rec.IdleTimeout = time.Duration(idle) * time.Microsecond
	rec.Persistent = v[atFlags]&flagPersistent != 0

	var texts [4]string
	rest := v[atTexts:]
	for i := range texts {
		n := int(v[atLengths+1+i])
		if i == 0 {
			n += int(v[atLengths]) << 8
		}
		if n > len(rest) {
			return session.Record{}, stamp, "", session.ErrUndecodable
		}
		texts[i], rest = strings.Clone(rest[:n]), rest[n:]
	}
	rec.Principal, rec.MovedTo = texts[0], session.ID(texts[1])
	rec.Device = session.Device{Address: texts[2], UserAgent: texts[3]}
	if checkText(&rec) != nil {
		return session.Record{}, stamp, "", session.ErrUndecodable
	}
	return rec, stamp, rest, nil
}

// checkText says which text of a record is outside its limits, never what it is.
func checkText(rec *session.Record) error {
	for _, text := range []struct {
		name, value string
		most        int
	}{
		{"principal", rec.Principal, session.MaxPrincipal},
		{"address", rec.Device.Address, session.MaxAddress},
		{"user agent", rec.Device.UserAgent, session.MaxUserAgent},
	} {
		if len(text.value) > text.most || !utf8.ValidString(text.value) || strings.IndexByte(text.value, 0) >= 0 {
			return fmt.Errorf("the %s is not text of at most %d bytes", text.name, text.most)
		}
	}
	if rec.MovedTo != "" && !rec.MovedTo.Valid() {
		return fmt.Errorf("moved-to is not an ID")
	}
	return nil
}

// encodeLease returns the value of a lease.
func encodeLease(l session.Lease) string { return kindLease + string(l[:]) }

func fromTime(t time.Time) uint64 { return fromMicros(t.UnixMicro()) }
func toTime(n uint64) time.Time   { return time.UnixMicro(toMicros(n)).UTC() }

// The sign bit is turned over, so that numbers sort as their bytes do.
func fromMicros(n int64) uint64 { return uint64(n) ^ 1<<63 }
func toMicros(n uint64) int64   { return int64(n ^ 1<<63) }

func uint64At(s string, at int) uint64 {
	var b [8]byte
	copy(b[:], s[at:])
	return binary.BigEndian.Uint64(b[:])
}

// number is the form in which scripts are given versions and times.
func number(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[:])
}
