package redisstore

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func (s *Store) recordKey(id session.ID) string { return s.prefix + string(id) }
func (s *Store) cacheKey(id session.ID) string  { return s.prefix + "c:" + string(id) }

// indexKeys are the two sets of a principal. The braces put both in one slot.
func (s *Store) indexKeys(principal string) (byCreated, byEnd string) {
	key := s.prefix + "p:{" + base64.RawURLEncoding.EncodeToString([]byte(principal)) + "}"
	return key, key + ":end"
}

// recordID is the ID in the key of a record; false for every other key.
func (s *Store) recordID(key string) (session.ID, bool) {
	rest, ours := strings.CutPrefix(key, s.prefix)
	id := session.ID(rest)
	return id, ours && id.Valid()
}

// recordPattern matches the keys of all records, among others.
func (s *Store) recordPattern() string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	return escape.Replace(s.prefix) + strings.Repeat("?", idLen)
}

// An entry is what the index holds of a record. Its text sorts by creation and
// then by ID. added is when the record was created by the creating process's
// clock; it is in the record too, and tells an entry whose record is not there
// yet from one whose record is gone.
type entry struct {
	created time.Time
	id      session.ID
	added   time.Time
}

const (
	idLen    = 43
	entryLen = 8 + idLen + 8
)

func (e entry) String() string {
	b := make([]byte, 0, entryLen)
	b = binary.BigEndian.AppendUint64(b, fromTime(e.created))
	b = append(b, e.id...)
	b = binary.BigEndian.AppendUint64(b, fromTime(e.added))
	return string(b)
}

func parseEntry(s string) (e entry, ok bool) {
	if len(s) != entryLen {
		return e, false
	}
	e.created = toTime(uint64At(s, 0))
	e.id = session.ID(s[8 : 8+idLen])
	e.added = toTime(uint64At(s, 8+idLen))
	return e, e.id.Valid()
}
