package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
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
// No bytes at all are no values. An envelope is taken apart when something is
// changed; to read a key, its index is searched.
type values struct {
	codec   Codec
	entries []entry
	stored  envelope // in place of entries
}

type entry struct {
	key string
	raw []byte
}

// An envelope is one that was found to be sound. Of the zero one there is none.
type envelope struct {
	all         []byte
	index, data int // where these begin
	count       int
}

const (
	envelopeVersion = 1
	maxKey          = 255 // bytes
)

// len is the number of keys.
func (v values) len() int { return v.stored.count + len(v.entries) }

// apart returns the entries in a slice of their own, with room for more.
func (v values) apart(more int) []entry {
	if v.stored.count == 0 {
		return append(make([]entry, 0, len(v.entries)+more), v.entries...)
	}
	e := &v.stored
	text := string(e.all[e.index:e.data]) // all keys share it
	entries := make([]entry, e.count, e.count+more)
	index, at := e.all[e.index:e.data], e.data
	for i := range entries {
		key, size, rest, _ := cutEntry(index)
		from := len(text) - len(rest) - uvarintLen(size) - len(key)
		entries[i] = entry{text[from : from+len(key)], e.all[at : at+size : at+size]}
		index, at = rest, at+size
	}
	return entries
}

func (v values) get(key string) ([]byte, bool) {
	if e := &v.stored; e.count > 0 {
		index, at := e.all[e.index:e.data], e.data
		for range e.count {
			name, size, rest, _ := cutEntry(index)
			if string(name) == key {
				return e.all[at : at+size : at+size], true
			}
			index, at = rest, at+size
		}
		return nil, false
	}
	i, ok := find(v.entries, key)
	if !ok {
		return nil, false
	}
	return v.entries[i].raw, true
}

func find(entries []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(entries, key, func(e entry, k string) int { return strings.Compare(e.key, k) })
}

func (v values) with(key string, raw []byte) values {
	entries := v.apart(1)
	i, ok := find(entries, key)
	if ok {
		entries[i].raw = raw
	} else {
		entries = slices.Insert(entries, i, entry{key, raw})
	}
	return values{codec: v.codec, entries: entries}
}

func (v values) without(key string) values {
	if _, ok := v.get(key); !ok {
		return v
	}
	entries := v.apart(0)
	i, _ := find(entries, key)
	return values{codec: v.codec, entries: slices.Delete(entries, i, i+1)}
}

// size is the length of the envelope.
func (v values) size() int {
	switch {
	case v.stored.count > 0:
		return len(v.stored.all)
	case len(v.entries) == 0:
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

// encode returns the envelope, which the caller must not change.
func (v values) encode() []byte {
	switch {
	case v.stored.count > 0:
		return v.stored.all
	case len(v.entries) == 0:
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
	name, rest, ok := cutString(b[1:])
	switch {
	case !ok:
		return v, fmt.Errorf("%w: envelope is cut short", ErrUndecodable)
	case string(name) == codec.Name():
	case string(name) == JSON.Name():
		v.codec = JSON
	default:
		return v, fmt.Errorf("%w: the codec of its values is not the one configured", ErrUndecodable)
	}
	count, rest, ok := cutUvarint(rest)
	if !ok || count == 0 || count > len(rest)/2 {
		return v, fmt.Errorf("%w: envelope has a wrong number of keys", ErrUndecodable)
	}
	e := envelope{all: b, index: len(b) - len(rest), count: count}
	var last []byte
	total := 0
	for i := range count {
		var key []byte
		var size int
		if key, size, rest, ok = cutEntry(rest); !ok || size > len(b)-total {
			return v, fmt.Errorf("%w: envelope is cut short", ErrUndecodable)
		}
		if i > 0 && bytes.Compare(key, last) <= 0 {
			return v, fmt.Errorf("%w: envelope has unsorted keys", ErrUndecodable)
		}
		last = key
		total += size
	}
	if total != len(rest) {
		return v, fmt.Errorf("%w: envelope has a wrong length", ErrUndecodable)
	}
	e.data = len(b) - len(rest)
	v.stored = e
	return v, nil
}

// The functions below take something off the beginning of b; ok is false where it is
// not there as a whole.

func cutEntry(b []byte) (key []byte, size int, rest []byte, ok bool) {
	if key, rest, ok = cutString(b); !ok {
		return nil, 0, nil, false
	}
	size, rest, ok = cutUvarint(rest)
	return key, size, rest, ok
}

func cutString(b []byte) (s, rest []byte, ok bool) {
	n, rest, ok := cutUvarint(b)
	if !ok || n > len(rest) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// cutUvarint accepts the shortest form only, and nothing that is no length.
func cutUvarint(b []byte) (n int, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return int(b[0]), b[1:], true
	}
	u, l := binary.Uvarint(b)
	if l <= 0 || u > math.MaxInt32 || l != uvarintLen(int(u)) {
		return 0, nil, false
	}
	return int(u), b[l:], true
}
