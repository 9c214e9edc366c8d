package storetest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// listed returns all of the principal as they must be listed, with their
// payloads.
func (b *broken) listed(ctx ctxt, principal string) []session.Stored {
	all := slices.DeleteFunc(b.all(ctx), func(s session.Stored) bool { return s.Record.Principal != principal })
	slices.SortFunc(all, func(a, b session.Stored) int {
		return cmp.Or(b.Record.Created.Compare(a.Record.Created), cmp.Compare(b.ID, a.ID))
	})
	return all
}

// lists lists what how returns, with positions in it as cursors.
func lists(how func(b *broken, ctx ctxt, principal string) []session.Stored) func(*broken) {
	return func(b *broken) {
		b.list = func(ctx ctxt, principal, after string, limit int) ([]session.Stored, string, error) {
			all := how(b, ctx, principal)
			from, _ := strconv.Atoi(after)
			from = max(0, min(from, len(all)))
			end := min(from+limit, len(all))
			if end == len(all) {
				return all[from:end], "", ctx.Err()
			}
			return all[from:end], strconv.Itoa(end), ctx.Err()
		}
	}
}

func bare(all []session.Stored) []session.Stored {
	for i := range all {
		all[i].Record.Payload = nil
	}
	return all
}

// like lists the records whose principals are alike.
func like(alike func(stored, asked string) bool) func(*broken) {
	return lists(func(b *broken, ctx ctxt, principal string) (all []session.Stored) {
		for _, r := range b.all(ctx) {
			if alike(r.Record.Principal, principal) {
				all = append(all, r)
			}
		}
		return bare(all)
	})
}

var listFaults = []fault{
	{"everything is listed", "Lister/of nobody is an empty page", like(func(string, string) bool { return true })},
	{"payloads are listed", "Lister/returns whole records without payload, newest first", lists((*broken).listed)},
	{"the oldest comes first", "Lister/returns whole records without payload, newest first", lists(func(b *broken, ctx ctxt, p string) []session.Stored {
		all := bare(b.listed(ctx, p))
		slices.Reverse(all)
		return all
	})},
	{"the order is that of use", "Lister/returns each record once, whatever the size of a page", lists(func(b *broken, ctx ctxt, p string) []session.Stored {
		all := bare(b.listed(ctx, p))
		slices.SortFunc(all, func(a, b session.Stored) int { return b.Record.LastSeen.Compare(a.Record.LastSeen) })
		return all
	})},
	{"a full page is followed by an empty one", "Lister/returns each record once, whatever the size of a page", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			if after == "end" {
				return nil, "", nil
			}
			page, next, err := b.MemoryStore.List(ctx, p, after, limit)
			if next == "" && len(page) == limit {
				next = "end"
			}
			return page, next, err
		}
	}},
	{"a page is larger than asked for", "Lister/returns each record once, whatever the size of a page", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			return b.MemoryStore.List(ctx, p, after, limit+1)
		}
	}},
	{"the walk never ends", "Lister/returns each record once, whatever the size of a page", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			page, _, err := b.MemoryStore.List(ctx, p, "", limit)
			return page, "more", err
		}
	}},
	{"the cursor is a time alone", "Lister/returns each record once where many began at one moment", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			all := bare(b.listed(ctx, p))
			if at, err := strconv.ParseInt(after, 10, 64); err == nil {
				all = slices.DeleteFunc(all, func(s session.Stored) bool { return s.Record.Created.UnixMicro() >= at })
			}
			if len(all) <= limit {
				return all, "", nil
			}
			return all[:limit], strconv.FormatInt(all[limit-1].Record.Created.UnixMicro(), 10), nil
		}
	}},
	{"anonymous records are everybody's", "Lister/keeps to the principal", like(func(stored, asked string) bool { return stored == asked || stored == "" })},
	{"the cursor says whose list it is", "Lister/does not continue into another principal's with their cursor", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			if whose, rest, ok := strings.Cut(after, "|"); ok {
				p, after = whose, rest
			}
			page, next, err := b.MemoryStore.List(ctx, p, after, limit)
			if next != "" {
				next = p + "|" + next
			}
			return page, next, err
		}
	}},
	{"deleted records stay in the index", "Lister/has no deleted record", func(b *broken) {
		var gone []session.Stored
		b.remove = func(ctx ctxt, i id, v uint64) error {
			r, _ := b.MemoryStore.Load(ctx, i)
			gone = append(gone, session.Stored{ID: i, Record: r})
			return b.MemoryStore.Delete(ctx, i, v)
		}
		lists(func(b *broken, ctx ctxt, p string) []session.Stored { return bare(append(b.listed(ctx, p), gone...)) })(b)
	}},
	{"expired records are not listed", "Lister/has the records that expired", lists(func(b *broken, ctx ctxt, p string) []session.Stored {
		return bare(slices.DeleteFunc(b.listed(ctx, p), func(s session.Stored) bool { return s.Record.Expires.Before(time.Now()) }))
	})},
	{"the index keeps what became a mark", "Lister/has no moved mark", stale(func(r rec) bool { return r.MovedTo != "" })},
	{"the index keeps the times of the creation", "Lister/has a record once, and as it is, after updates and touches", func(b *broken) {
		var created sync.Map
		b.create = func(ctx ctxt, i id, r rec) error {
			created.Store(i, r)
			return b.MemoryStore.Create(ctx, i, r)
		}
		lists(func(b *broken, ctx ctxt, p string) []session.Stored {
			all := b.listed(ctx, p)
			for i := range all {
				r, _ := created.Load(all[i].ID)
				all[i].Record = r.(rec)
			}
			return bare(all)
		})(b)
	}},
	{"an update enters a record again", "Lister/has a record once, and as it is, after updates and touches", lists(func(b *broken, ctx ctxt, p string) []session.Stored {
		all := bare(b.listed(ctx, p))
		for _, r := range all {
			if r.Record.Version > 1 {
				all = append(all, r)
			}
		}
		return all
	})},
	{"the index keeps the principal of a deleted record", "Lister/has a record that was created again after its deletion", func(b *broken) {
		var first sync.Map
		b.create = func(ctx ctxt, i id, r rec) error {
			first.LoadOrStore(i, r.Principal)
			return b.MemoryStore.Create(ctx, i, r)
		}
		lists(func(b *broken, ctx ctxt, p string) []session.Stored {
			var all []session.Stored
			for _, whose := range []string{"bob", "alice"} {
				for _, r := range b.listed(ctx, whose) {
					if owner, _ := first.Load(r.ID); owner == p {
						all = append(all, r)
					}
				}
			}
			return bare(all)
		})(b)
	}},
	{"the cursor is a position", "Lister/walks on while records come, go and change", lists(func(b *broken, ctx ctxt, p string) []session.Stored {
		return bare(b.listed(ctx, p))
	})},
	{"a list reads the index first and the records then", "Lister/never misses a session that is being renewed", func(b *broken) {
		b.list = func(ctx ctxt, p, after string, limit int) ([]session.Stored, string, error) {
			index, next, err := b.MemoryStore.List(ctx, p, after, limit)
			for range 3 { // a create and an update, wherever the renewal is
				b.wait()
			}
			var page []session.Stored
			for _, s := range index {
				if r, err := b.MemoryStore.Load(ctx, s.ID); err == nil && r.Principal == p {
					page = append(page, session.Stored{ID: s.ID, Record: r})
				}
			}
			return bare(page), next, err
		}
	}},
	{"the index is read, extended and written", "Lister/shows concurrent creates once they returned", func(b *broken) {
		var mu sync.Mutex
		var index []id
		b.create = func(ctx ctxt, i id, r rec) error {
			mu.Lock()
			seen := slices.Clone(index)
			mu.Unlock()
			b.wait()
			mu.Lock()
			index = append(seen, i)
			mu.Unlock()
			return b.MemoryStore.Create(ctx, i, r)
		}
		lists(func(b *broken, ctx ctxt, p string) []session.Stored {
			return bare(slices.DeleteFunc(b.listed(ctx, p), func(s session.Stored) bool { return !slices.Contains(index, s.ID) }))
		})(b)
	}},
	{"principals are compared without case", "Principal/is compared byte by byte", like(strings.EqualFold)},
	{"principals are compared without spaces at the end", "Principal/is compared byte by byte", like(func(a, b string) bool {
		return strings.TrimRight(a, " ") == strings.TrimRight(b, " ")
	})},
	{"principals are compared by their beginning", "Principal/is compared byte by byte", like(func(a, b string) bool { return a[:min(254, len(a))] == b[:min(254, len(b))] })},
	{"principals are compared composed", "Principal/is compared byte by byte", like(func(a, b string) bool {
		compose := strings.NewReplacer("e\u0301", "é")
		return compose.Replace(a) == compose.Replace(b)
	})},
	{"a principal is a pattern", "Principal/is compared byte by byte", like(func(a, b string) bool { return a == b || b == "*" })},
}

// stale lists the first versions of the records that which selects.
func stale(which func(r rec) bool) func(*broken) {
	return func(b *broken) {
		var first sync.Map
		b.create = func(ctx ctxt, i id, r rec) error {
			first.Store(i, r)
			return b.MemoryStore.Create(ctx, i, r)
		}
		lists(func(b *broken, ctx ctxt, p string) []session.Stored {
			all := b.listed(ctx, p)
			for _, r := range b.all(ctx) {
				if which(r.Record) {
					r0, _ := first.Load(r.ID)
					all = append(all, session.Stored{ID: r.ID, Record: r0.(rec)})
				}
			}
			return bare(all)
		})(b)
	}
}
