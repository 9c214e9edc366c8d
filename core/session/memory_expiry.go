package session

import (
	"container/heap"
	"context"
	"time"
)

// dueHeap orders the records of a shard by expiry, so that finding the expired
// ones costs nothing where there are none. A touch leaves a record where it
// is; it is moved to its later place when it comes to the top.
type dueHeap []*memoryRecord

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *dueHeap) Push(x any) {
	m := x.(*memoryRecord)
	m.slot = len(*h)
	*h = append(*h, m)
}

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return m
}

// Purge implements [Purger].
func (s *MemoryStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	for i := range s.records {
		if err := memoryContext(ctx); err != nil {
			return n, err
		}
		sh := &s.records[i]
		sh.mu.Lock()
		n += s.dropDue(sh, before, limit-n)
		sh.mu.Unlock()
	}
	return n, nil
}

// PurgesItself tells [Manager.PurgeEvery] that it is not needed.
func (s *MemoryStore) PurgesItself() bool { return true }

// dropExpired drops every record that need not be kept any longer. Where there
// is none, as when many new sessions are refused in a row, it looks at one
// record of each shard.
func (s *MemoryStore) dropExpired(now time.Time) {
	before := now.Add(-ExpiryGrace)
	for i := range s.records {
		sh := &s.records[i]
		sh.mu.Lock()
		s.dropDue(sh, before, len(sh.due))
		sh.mu.Unlock()
	}
}

// dropDue drops at most limit records of a locked shard that expired before
// the given time, and returns how many.
func (s *MemoryStore) dropDue(sh *recordShard, before time.Time, limit int) int {
	n := 0
	for n < limit && len(sh.due) > 0 && sh.due[0].due < before.UnixMicro() {
		m := sh.due[0]
		if due := m.rec.Expires.UnixMicro(); due > m.due {
			m.due = due
			heap.Fix(&sh.due, 0)
			continue
		}
		s.drop(sh, m)
		n++
	}
	return n
}

// drop removes a record from its locked shard.
func (s *MemoryStore) drop(sh *recordShard, m *memoryRecord) {
	delete(sh.byID, m.id)
	heap.Remove(&sh.due, m.slot)
	s.unindex(m)
	s.budget.add(-1, -m.size)
}
