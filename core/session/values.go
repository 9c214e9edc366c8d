package session

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// values is a session's data: raw encoded values under their keys, sorted. It
// is immutable: with and without return a changed copy, sharing the raw bytes.
//
// The envelope, its stored form, is an index before the values, so that reading
// one key decodes one value, and a change touches no other:
//
//	byte     format version, 1
//	string   name of the codec        (string: uvarint length, bytes)
//	uvarint  number of keys
//	for each key, ascending:  string key, uvarint length of its value
//	the values, in the order of the keys
//
// No bytes at all are no values.
type values struct {
	codec   Codec
	entries []entry
}

type entry struct {
	key string
	raw []byte
}

const (
	envelopeVersion = 1
	maxKey          = 255 // bytes
)

func (v values) find(key string) (int, bool) {
	return slices.BinarySearchFunc(v.entries, key, func(e entry, k string) int { return strings.Compare(e.key, k) })
}

func (v values) get(key string) ([]byte, bool) {
	i, ok := v.find(key)
	if !ok {
		return nil, false
	}
	return v.entries[i].raw, true
}

func (v values) with(key string, raw []byte) values {
	i, ok := v.find(key)
	out := make([]entry, len(v.entries), len(v.entries)+1)
	copy(out, v.entries)
	if ok {
		out[i].raw = raw
	} else {
		out = slices.Insert(out, i, entry{key, raw})
	}
	return values{v.codec, out}
}

func (v values) without(key string) values {
	i, ok := v.find(key)
	if !ok {
		return v
	}
	return values{v.codec, slices.Delete(slices.Clone(v.entries), i, i+1)}
}

// size is the length of the envelope.
func (v values) size() int {
	if len(v.entries) == 0 {
		return 0
	}
	n := 1 + uvarintLen(len(v.codec.Name())) + len(v.codec.Name()) + uvarintLen(len(v.entries))
	for _, e := range v.entries {
		n += uvarintLen(len(e.key)) + len(e.key) + uvarintLen(len(e.raw)) + len(e.raw)
	}
	return n
}

func uvarintLen(n int) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// encode returns the envelope.
func (v values) encode() []byte {
	if len(v.entries) == 0 {
		return nil
	}
	b := make([]byte, 0, v.size())
	b = append(b, envelopeVersion)
	b = appendString(b, v.codec.Name())
	b = binary.AppendUvarint(b, uint64(len(v.entries)))
	for _, e := range v.entries {
		b = appendString(b, e.key)
		b = binary.AppendUvarint(b, uint64(len(e.raw)))
	}
	for _, e := range v.entries {
		b = append(b, e.raw...)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeValues reads an envelope. The result shares b, which must not change.
// codec is that of sessions without values; the envelope may name it or JSON.
func decodeValues(b []byte, codec Codec) (values, error) {
	v := values{codec: codec}
	if len(b) == 0 {
		return v, nil
	}
	if b[0] != envelopeVersion {
		return v, fmt.Errorf("%w: envelope version %d", ErrUndecodable, b[0])
	}
	r := reader{rest: b[1:]}
	name := r.bytes(r.uvarint())
	switch {
	case r.bad:
		return v, fmt.Errorf("%w: envelope is cut short", ErrUndecodable)
	case string(name) == codec.Name():
	case string(name) == JSON.Name():
		v.codec = JSON
	default:
		return v, fmt.Errorf("%w: the codec of its values is not the one configured", ErrUndecodable)
	}
	count := r.uvarint()
	if r.bad || count == 0 || count > uint64(len(r.rest))/2 {
		return v, fmt.Errorf("%w: envelope has a wrong number of keys", ErrUndecodable)
	}
	index := r.rest
	var total uint64
	for range count { // to find where the values begin
		r.bytes(r.uvarint())
		length := r.uvarint()
		if total += length; r.bad || length > uint64(len(b)) {
			return v, fmt.Errorf("%w: envelope is cut short", ErrUndecodable)
		}
	}
	if total != uint64(len(r.rest)) {
		return v, fmt.Errorf("%w: envelope has a wrong length", ErrUndecodable)
	}
	entries := make([]entry, count)
	text := string(index[:len(index)-len(r.rest)]) // all keys share it
	keys, raws := reader{rest: index[:len(text)]}, r
	for i := range entries {
		n := keys.uvarint()
		at := len(text) - len(keys.rest)
		keys.bytes(n)
		entries[i] = entry{text[at : at+int(n)], raws.bytes(keys.uvarint())}
		if i > 0 && entries[i].key <= entries[i-1].key {
			return v, fmt.Errorf("%w: envelope has unsorted keys", ErrUndecodable)
		}
	}
	v.entries = entries
	return v, nil
}

// reader takes an envelope apart; bad once anything did not fit.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	n, l := binary.Uvarint(r.rest)
	if l <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[l:]
	return n
}

func (r *reader) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
