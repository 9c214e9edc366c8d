package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A principalShard holds a part of the index by principal: the records of each,
// oldest first, so that a new session goes to the end.
type principalShard struct {
	mu   sync.Mutex
	sets map[string][]*memoryRecord
}

// index enters a record of a locked recordShard under its principal.
// Anonymous records are not indexed.
func (s *MemoryStore) index(m *memoryRecord) {
	if m.rec.Principal == "" {
		return
	}
	p := &s.principals[s.shardOf(m.rec.Principal)]
	p.mu.Lock()
	defer p.mu.Unlock()
	m.principal, m.created = m.rec.Principal, m.rec.Created.UnixMicro()
	set := p.sets[m.principal]
	at, _ := slices.BinarySearchFunc(set, place{m.created, m.id}, comparePlace)
	p.sets[m.principal] = slices.Insert(set, at, m)
}

// unindex removes a record of a locked recordShard from the index.
func (s *MemoryStore) unindex(m *memoryRecord) {
	if m.rec.Principal == "" {
		return
	}
	p := &s.principals[s.shardOf(m.rec.Principal)]
	p.mu.Lock()
	defer p.mu.Unlock()
	set := p.sets[m.principal]
	at, found := slices.BinarySearchFunc(set, place{m.created, m.id}, comparePlace)
	switch {
	case !found:
	case len(set) == 1:
		delete(p.sets, m.principal)
	case at == 0: // the oldest, as when sessions expire in turn: nothing is moved
		set[0] = nil
		p.sets[m.principal] = set[1:]
	default:
		p.sets[m.principal] = slices.Delete(set, at, at+1)
	}
}

// A place is the position of a record in a list, and in text the cursor that
// continues after it.
type place struct {
	number int64 // when it was created; the shard, in a scan
	id     ID
}

func comparePlace(m *memoryRecord, p place) int {
	return cmp.Or(cmp.Compare(m.created, p.number), cmp.Compare(m.id, p.id))
}

func (p place) String() string { return strconv.FormatInt(p.number, 10) + "." + string(p.id) }

func parsePlace(s string) (place, error) {
	number, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id != "" && !ID(id).Valid() {
		return place{}, fmt.Errorf("%w: this is no cursor of a page before", ErrInvalid)
	}
	return place{n, ID(id)}, nil
}

func checkLimit(limit int) error {
	if limit < 1 {
		return fmt.Errorf("%w: the limit of a page is %d; it must be positive", ErrInvalid, limit)
	}
	return nil
}

// List implements [Lister]. No records are listed for the principal "".
func (s *MemoryStore) List(ctx context.Context, principal, after string, limit int) ([]Stored, string, error) {
	if err := cmp.Or(memoryContext(ctx), checkLimit(limit)); err != nil {
		return nil, "", err
	}
	for {
		refs, next, err := s.listed(principal, after, limit)
		if err != nil {
			return nil, "", err
		}
		if page, whole := s.page(refs, principal); whole {
			return page, next, nil
		}
	}
}

// page returns the listed records that are still there. It is not whole if one
// has become a moved mark meanwhile: then refs may lack its successor.
func (s *MemoryStore) page(refs []*memoryRecord, principal string) (page []Stored, whole bool) {
	page = make([]Stored, 0, len(refs))
	for _, m := range refs {
		sh := &s.records[s.shardOf(string(m.id))]
		sh.mu.Lock()
		rec, there := m.rec, sh.byID[m.id] == m
		sh.mu.Unlock()
		switch {
		case there && rec.Principal == principal:
			rec.Payload = nil
			page = append(page, Stored{m.id, rec})
		case there:
			return nil, false
		}
	}
	return page, true
}

// listed returns the records of a page, some of which may go before they are
// read, and the next cursor.
func (s *MemoryStore) listed(principal, after string, limit int) ([]*memoryRecord, string, error) {
	p := &s.principals[s.shardOf(principal)]
	p.mu.Lock()
	defer p.mu.Unlock()
	set := p.sets[principal]
	if after != "" {
		from, err := parsePlace(after)
		if err != nil {
			return nil, "", err
		}
		end, _ := slices.BinarySearchFunc(set, from, comparePlace)
		set = set[:end]
	}
	rest := max(len(set)-limit, 0)
	refs := slices.Clone(set[rest:])
	slices.Reverse(refs)
	if rest == 0 {
		return refs, "", nil
	}
	last := refs[len(refs)-1]
	return refs, place{last.created, last.id}.String(), nil
}

// Scan implements [Scanner]. A page has limit records but for the last.
func (s *MemoryStore) Scan(ctx context.Context, after string, limit int) ([]Stored, string, error) {
	if err := cmp.Or(memoryContext(ctx), checkLimit(limit)); err != nil {
		return nil, "", err
	}
	var from place
	if after != "" {
		var err error
		if from, err = parsePlace(after); err != nil {
			return nil, "", err
		}
	}
	var page []Stored
	for from.number >= 0 && from.number < memoryShards {
		if err := memoryContext(ctx); err != nil {
			return nil, "", err
		}
		sh := &s.records[from.number]
		for _, id := range sh.idsAfter(from.id) {
			if len(page) == limit {
				return page, from.String(), nil
			}
			from.id = id
			if rec, ok := sh.copyOf(id); ok {
				page = append(page, Stored{id, rec})
			}
		}
		from = place{number: from.number + 1}
	}
	return page, "", nil
}

// idsAfter returns the sorted IDs of a shard that come after the given one.
func (sh *recordShard) idsAfter(after ID) []ID {
	sh.mu.Lock()
	ids := make([]ID, 0, len(sh.byID))
	for id := range sh.byID {
		if id > after {
			ids = append(ids, id)
		}
	}
	sh.mu.Unlock()
	slices.Sort(ids)
	return ids
}

func (sh *recordShard) copyOf(id ID) (Record, bool) {
	sh.mu.Lock()
	m := sh.byID[id]
	if m == nil {
		sh.mu.Unlock()
		return Record{}, false
	}
	rec := m.rec
	sh.mu.Unlock()
	rec.Payload = bytes.Clone(rec.Payload)
	return rec, true
}
