package gormstore

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// goodRow is what a driver returns for a row of this package.
func goodRow(t testing.TB) []any {
	t.Helper()
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 123456000, time.UTC) }
	v, err := values(&session.Record{
		Version: 3, Mark: [8]byte{1, 2, 3, 255, 0, 10, 13, 7}, Principal: "bob", Created: at(0), Authenticated: at(1), LastSeen: at(2),
		Expires: at(3), LifetimeEnd: at(4), IdleTimeout: time.Hour, Persistent: true,
		Device: session.Device{Address: "10.0.0.1", UserAgent: "curl"}, Payload: []byte(`{"cart":["tea"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v[:len(columns)]
}

// scanValues is the part of a load after the driver.
func scanValues(values []any) (session.Record, error) {
	var r row
	for i, target := range r.targets() {
		if err := target.(interface{ Scan(v any) error }).Scan(values[i]); err != nil {
			return session.Record{}, err
		}
	}
	return r.record()
}

// driverValue is a value of any of the types that a driver may return.
func driverValue(kind uint8, n int64, text string) any {
	switch kind % 8 {
	case 0:
		return nil
	case 1:
		return n
	case 2:
		return text
	case 3:
		return []byte(text)
	case 4:
		return float64(n)
	case 5:
		return n&1 == 1
	case 6:
		return time.UnixMicro(n)
	default:
		return []byte(nil) // as some drivers return no bytes
	}
}

// FuzzRow puts any value that a driver may return into any column: the row
// cannot be read, or it is one that this package could have written.
func FuzzRow(f *testing.F) {
	good := goodRow(f)
	f.Fuzz(func(t *testing.T, column, kind uint8, n int64, text string) {
		stored := append([]any(nil), good...)
		stored[int(column)%len(stored)] = driverValue(kind, n, text)
		rec, err := scanValues(stored)
		if err != nil {
			switch {
			case !errors.Is(err, session.ErrUndecodable) || !reflect.DeepEqual(rec, session.Record{}):
				t.Fatalf("%v, %v", rec, err)
			case len(text) > 12 && strings.Contains(err.Error(), text):
				t.Fatalf("the error quotes the row: %v", err)
			}
			return
		}
		again, err := values(&rec)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if back, err := scanValues(again[:len(columns)]); err != nil || !reflect.DeepEqual(back, rec) {
			t.Fatalf("%+v came back as %+v (%v)", rec, back, err)
		}
	})
}

// FuzzCursor reads any text as what a page ended with: it is refused, or it
// names one place that every database can be asked for.
func FuzzCursor(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		created, id, err := parseCursor(s)
		if err != nil {
			if !errors.Is(err, session.ErrInvalid) || created != 0 || id != "" {
				t.Errorf("%d, %q, %v", created, id, err)
			}
			return
		}
		if !plainText(id, len(id)) {
			t.Errorf("the cursor %q has the ID %q", s, id)
		}
		if c, i, err := parseCursor(cursor(created, id)); err != nil || c != created || i != id {
			t.Errorf("%d and %q came back as %d and %q (%v)", created, id, c, i, err)
		}
	})
}
