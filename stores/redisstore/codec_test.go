package redisstore

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

const someID = session.ID("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE")

func fullRecord() session.Record {
	at := func(s int64) time.Time { return time.UnixMicro(s*1e6 + 123456).UTC() }
	return session.Record{
		Version:       math.MaxUint64,
		Mark:          [8]byte{0, 1, 2, 255, 254, 10, 13, 7},
		Principal:     strings.Repeat("ü", session.MaxPrincipal/2),
		Created:       at(1_700_000_000),
		Authenticated: at(1_700_000_001),
		LastSeen:      at(1_700_000_002),
		Expires:       at(1_700_000_003),
		LifetimeEnd:   at(250_000_000_000), // the year 9892
		IdleTimeout:   30*time.Minute + time.Microsecond,
		Persistent:    true,
		MovedTo:       someID,
		Device:        session.Device{Address: strings.Repeat("a", session.MaxAddress), UserAgent: strings.Repeat("u", session.MaxUserAgent)},
		Payload:       []byte("\x00\xff{\"cart\":[]}\r\n"),
	}
}

func TestARecordComesBackAsItWasStored(t *testing.T) {
	allBytes := make([]byte, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	changed := func(f func(*session.Record)) session.Record {
		r := fullRecord()
		f(&r)
		return r
	}
	for name, rec := range map[string]session.Record{
		"zero":        {},
		"full":        fullRecord(),
		"anonymous":   changed(func(r *session.Record) { r.Principal, r.Authenticated = "", time.Time{} }),
		"every byte":  changed(func(r *session.Record) { r.Payload = allBytes }),
		"a mebibyte":  changed(func(r *session.Record) { r.Payload = bytes.Repeat(allBytes, 4096) }),
		"before 1970": changed(func(r *session.Record) { r.Created = time.UnixMicro(-1).UTC() }),
	} {
		t.Run(name, func(t *testing.T) {
			stamp := time.UnixMicro(1_700_000_000_000_001).UTC()
			value, err := encode(kindRecord, &rec, stamp)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasSuffix(value, rec.Payload) {
				t.Error("the payload is not at the end of the value")
			}
			got, gotStamp, err := decode(kindRecord, string(value))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, rec) || !gotStamp.Equal(stamp) {
				t.Errorf("got %+v, %v", got, gotStamp)
			}
			if _, _, err := decode(kindEntry, string(value)); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("read as a cache entry: %v", err)
			}
		})
	}
}

func TestTimesAreKeptToTheMicrosecondInUTC(t *testing.T) {
	zone := time.FixedZone("somewhere", 3600)
	rec := session.Record{Created: time.Date(2026, 1, 2, 3, 4, 5, 6_007_999, zone)}
	value, err := encode(kindRecord, &rec, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	got, stamp, err := decode(kindRecord, string(value))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 6_007_000, time.UTC); got.Created != want {
		t.Errorf("got %v, want %v", got.Created, want)
	}
	if got.LastSeen != (time.Time{}) || stamp != (time.Time{}) {
		t.Errorf("the zero time came back as %v and %v", got.LastSeen, stamp)
	}
}

func TestARecordOutsideItsLimitsIsNotStored(t *testing.T) {
	for name, spoil := range map[string]func(*session.Record){
		"long principal":    func(r *session.Record) { r.Principal = strings.Repeat("p", session.MaxPrincipal+1) },
		"long address":      func(r *session.Record) { r.Device.Address = strings.Repeat("a", session.MaxAddress+1) },
		"long user agent":   func(r *session.Record) { r.Device.UserAgent = strings.Repeat("u", session.MaxUserAgent+1) },
		"NUL":               func(r *session.Record) { r.Principal = "a\x00b" },
		"not UTF-8":         func(r *session.Record) { r.Device.UserAgent = "secret\xff" },
		"moved to anything": func(r *session.Record) { r.MovedTo = "secret" },
	} {
		t.Run(name, func(t *testing.T) {
			rec := fullRecord()
			spoil(&rec)
			_, err := encode(kindRecord, &rec, time.Time{})
			if !errors.Is(err, session.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the record: %v", err)
			}
		})
	}
}

func TestEveryCutOfTheHeadIsUndecodable(t *testing.T) {
	rec := fullRecord()
	payload := rec.Payload
	rec.Payload = nil
	head, err := encode(kindRecord, &rec, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range head {
		if _, _, err := decode(kindRecord, string(head[:n])); !errors.Is(err, session.ErrUndecodable) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if len(head) > maxHead {
		t.Errorf("the head has %d bytes, more than maxHead", len(head))
	}
	// The payload alone may be cut: it has no form of its own.
	if rec, _, err := decode(kindRecord, string(head)+string(payload[:1])); err != nil || len(rec.Payload) != 1 {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	rec := fullRecord()
	value, _ := encode(kindRecord, &rec, rec.Created)
	f.Add(string(value))
	rec = session.Record{Version: 1, Payload: []byte("x")}
	value, _ = encode(kindRecord, &rec, time.Time{})
	f.Add(string(value))
	f.Fuzz(func(t *testing.T, v string) {
		rec, stamp, err := decode(kindRecord, v)
		if err != nil {
			if !errors.Is(err, session.ErrUndecodable) || !reflect.DeepEqual(rec, session.Record{}) {
				t.Fatalf("got %+v, %v", rec, err)
			}
			return
		}
		again, err := encode(kindRecord, &rec, stamp)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if string(again) != v {
			t.Fatalf("was %q, is %q", v, again)
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Fuzz(func(t *testing.T, version uint64, principal string, created, expires, idle int64, address, agent string, payload []byte, persistent bool) {
		rec := session.Record{
			Version: version, Principal: principal, Created: time.UnixMicro(created).UTC(), Expires: time.UnixMicro(expires).UTC(),
			IdleTimeout: time.Duration(idle/1000) * time.Microsecond, Persistent: persistent,
			Device: session.Device{Address: address, UserAgent: agent},
		}
		if len(payload) > 0 {
			rec.Payload = payload
		}
		value, err := encode(kindEntry, &rec, rec.Created)
		if err != nil {
			return
		}
		got, stamp, err := decode(kindEntry, string(value))
		if err != nil || !reflect.DeepEqual(got, rec) || stamp != rec.Created {
			t.Fatalf("was %+v, is %+v (%v)", rec, got, err)
		}
	})
}
