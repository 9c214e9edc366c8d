package session

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checkEnvelope decodes what it encodes, and finds the same in it.
func checkEnvelope(t *testing.T, v values) {
	t.Helper()
	b := v.encode()
	if len(b) != v.size() {
		t.Fatalf("the envelope has %d bytes, size says %d", len(b), v.size())
	}
	back, err := decodeValues(b, v.codec)
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	if !slices.EqualFunc(v.apart(0), back.apart(0), func(a, b entry) bool { return a.key == b.key && bytes.Equal(a.raw, b.raw) }) {
		t.Fatalf("%v became %v", v.apart(0), back.apart(0))
	}
	if !bytes.Equal(back.encode(), b) {
		t.Fatal("the second envelope differs")
	}
}

func FuzzDecodeValues(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeValues(b, JSON)
		if err != nil {
			if !errors.Is(err, ErrUndecodable) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		checkEnvelope(t, v)
	})
}

func FuzzEnvelope(f *testing.F) {
	f.Fuzz(func(t *testing.T, k1 string, raw1 []byte, k2 string, raw2 []byte, gone string) {
		v, want := values{codec: JSON}, map[string][]byte{}
		for _, e := range []entry{{k1, raw1}, {k2, raw2}, {k1, raw2}} {
			v, want[e.key] = v.with(e.key, e.raw), e.raw
		}
		v = v.without(gone)
		delete(want, gone)
		if len(v.entries) != len(want) || !slices.IsSortedFunc(v.entries, func(a, b entry) int { return strings.Compare(a.key, b.key) }) {
			t.Fatalf("%v, want %v", v.entries, want)
		}
		for k, raw := range want {
			if got, ok := v.get(k); !ok || !bytes.Equal(got, raw) {
				t.Fatalf("%q is %q, want %q", k, got, raw)
			}
		}
		checkEnvelope(t, v)
	})
}

func TestAnEnvelopeHoldsAnyBytes(t *testing.T) {
	v := values{codec: JSON}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
		v = v.with(string([]byte{byte(i)}), all[:i])
	}
	v = v.with(string(all[:255]), bytes.Repeat(all, 4096)) // 1 MiB
	checkEnvelope(t, v)
}

func TestAnEnvelopeOfNothingIsNothing(t *testing.T) {
	v := values{codec: JSON}
	if v.with("a", nil).without("a").encode() != nil || v.size() != 0 {
		t.Error("no values have an envelope")
	}
	for _, b := range [][]byte{nil, {}} {
		if back, err := decodeValues(b, JSON); err != nil || back.len() != 0 || back.codec != JSON {
			t.Errorf("%v, %v", back, err)
		}
	}
}

func TestAChangeOfValuesLeavesTheValuesItCameFrom(t *testing.T) {
	v := values{codec: JSON}.with("a", []byte("1")).with("c", []byte("3"))
	before := fmt.Sprint(v.entries)
	v.with("a", []byte("x"))
	v.with("b", []byte("x"))
	v.with("d", []byte("x"))
	v.without("a")
	v.without("none")
	if now := fmt.Sprint(v.entries); now != before {
		t.Errorf("%s became %s", before, now)
	}
	b := v.encode()
	stored, err := decodeValues(bytes.Clone(b), JSON)
	if err != nil {
		t.Fatal(err)
	}
	checkEnvelope(t, stored.with("b", []byte("2")))
	checkEnvelope(t, stored.with("a", []byte("x")))
	checkEnvelope(t, stored.without("c"))
	checkEnvelope(t, stored.without("none"))
	if raw, ok := stored.get("c"); !ok || string(raw) != "3" || !bytes.Equal(stored.encode(), b) {
		t.Errorf("%q became %q", b, stored.encode())
	}
}

func TestASpoiledEnvelopeIsUndecodable(t *testing.T) {
	good := values{codec: JSON}.with("a", []byte("1")).with("b", []byte("22")).encode()
	for name, b := range map[string][]byte{
		"another version":    append([]byte{2}, good[1:]...),
		"no codec":           {1},
		"unknown codec":      bytes.Replace(good, []byte("json"), []byte("jsox"), 1),
		"one byte too many":  append(bytes.Clone(good), 0),
		"one byte too few":   good[:len(good)-1],
		"no keys":            []byte("\x01\x04json\x00"),
		"more keys than fit": []byte("\x01\x04json\x7fa"),
		"unsorted keys":      []byte("\x01\x04json\x02\x01b\x01\x01a\x0112"),
		"one key twice":      []byte("\x01\x04json\x02\x01a\x01\x01a\x0112"),
		"lengths that wrap":  []byte("\x01\x04json\x02\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01b\x02x"),
	} {
		if v, err := decodeValues(b, JSON); !errors.Is(err, ErrUndecodable) {
			t.Errorf("%s: %v, %v", name, v.entries, err)
		}
	}
	for i := range good {
		if _, err := decodeValues(good[:i], JSON); i > 0 && !errors.Is(err, ErrUndecodable) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestAnErrorAboutAnEnvelopeQuotesNoneOfIt(t *testing.T) {
	secret := "hunter2"
	for _, b := range [][]byte{
		[]byte("\x01\x07" + secret), append(values{codec: JSON}.with(secret, []byte(secret)).encode(), 1),
	} {
		if _, err := decodeValues(b, JSON); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("the error is %v", err)
		}
	}
}

// upper is a codec of its own: it encodes strings only.
type upper struct{}

func (upper) Name() string                       { return "upper" }
func (upper) Marshal(v any) ([]byte, error)      { return []byte(strings.ToUpper(v.(string))), nil }
func (upper) Unmarshal(data []byte, v any) error { *v.(*string) = string(data); return nil }

func TestAnEnvelopeKeepsTheCodecItWasBegunWith(t *testing.T) {
	old := values{codec: JSON}.with("a", []byte(`"x"`)).encode()
	v, err := decodeValues(old, upper{})
	if err != nil || v.codec != JSON || v.with("b", nil).codec != JSON || v.without("a").codec != JSON {
		t.Errorf("%v, %v", v, err)
	}
	fresh := values{codec: upper{}}.with("a", []byte("X")).encode()
	if v, err := decodeValues(fresh, upper{}); err != nil || v.codec != (upper{}) {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := decodeValues(fresh, JSON); !errors.Is(err, ErrUndecodable) {
		t.Errorf("%v", err)
	}
}
