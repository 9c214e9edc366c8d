package session

import "time"

// The methods that take a shard need it locked.

// find returns what is under id, after dropping it if its time is over.
func (c *memoryCache) find(sh *cacheShard, id ID) *cacheItem {
	item := sh.byID[id]
	if item == nil || !item.over(sh, time.Now()) {
		return item
	}
	c.drop(sh, item)
	return nil
}

func (item *cacheItem) over(sh *cacheShard, now time.Time) bool {
	if item.list == &sh.leases {
		return !now.Before(item.until)
	}
	return now.After(item.entry.Record.Expires.Add(ExpiryGrace))
}

// put makes item hold entry, whose payload is the cache's own.
func (c *memoryCache) put(sh *cacheShard, item *cacheItem, entry Cached) {
	payload := entry.Record.Payload
	entry.Record.Payload = nil
	entry.Record = ownRecord(entry.Record, &item.entry.Record)
	entry.Record.Payload = payload
	entry.Checked = toMicro(entry.Checked)
	size := recordSize(&entry.Record)
	if size > c.budget.maxBytes { // alone it would evict everything
		c.drop(sh, item)
		return
	}
	c.budget.add(0, size-item.size)
	item.entry, item.size, item.lease = entry, size, Lease{}
	c.unlist(sh, item)
	sh.entries.pushFront(item)
}

func (c *memoryCache) drop(sh *cacheShard, item *cacheItem) {
	delete(sh.byID, item.id)
	c.unlist(sh, item)
	c.budget.add(-1, -item.size)
}

// unlist takes item out of the list it is in.
func (c *memoryCache) unlist(sh *cacheShard, item *cacheItem) {
	if item.list == &sh.leases {
		c.leases.Add(-1)
	}
	item.list.remove(item)
}

// evict drops items, of each shard in turn, until the cache is within its
// bounds. No shard may be locked.
func (c *memoryCache) evict() {
	for c.budget.over() {
		sh := &c.shards[c.victim.Add(1)%memoryShards]
		sh.mu.Lock()
		if item := c.coldest(sh, time.Now()); item != nil {
			c.drop(sh, item)
		}
		sh.mu.Unlock()
	}
}

// coldest returns the item of a shard to evict: the oldest lease if it has
// ended or the cache has many, else the least recently used entry. It is nil if
// another shard must be asked.
func (c *memoryCache) coldest(sh *cacheShard, now time.Time) *cacheItem {
	lease, entry := sh.leases.last(), sh.entries.last()
	switch {
	case c.leases.Load() > 1+c.budget.maxItems/8:
		return lease
	case lease != nil && (entry == nil || lease.over(sh, now)):
		return lease
	default:
		return entry
	}
}

// An itemList is a doubly linked ring through a root item.
type itemList struct {
	root cacheItem
	len  int
}

func (l *itemList) init() { l.root.prev, l.root.next = &l.root, &l.root }

func (l *itemList) pushFront(item *cacheItem) {
	item.list, item.prev, item.next = l, &l.root, l.root.next
	item.prev.next, item.next.prev = item, item
	l.len++
}

func (l *itemList) remove(item *cacheItem) {
	item.prev.next, item.next.prev = item.next, item.prev
	item.list, item.prev, item.next = nil, nil, nil
	l.len--
}

func (l *itemList) moveToFront(item *cacheItem) {
	l.remove(item)
	l.pushFront(item)
}

func (l *itemList) last() *cacheItem {
	if l.len == 0 {
		return nil
	}
	return l.root.prev
}
