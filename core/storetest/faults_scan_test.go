package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// scans changes the pages of Scan.
func scans(how func(page []session.Stored) []session.Stored) func(*broken) {
	return func(b *broken) {
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			page, next, err := b.MemoryStore.Scan(ctx, after, limit)
			return how(page), next, err
		}
	}
}

func without(which func(r rec) bool) func([]session.Stored) []session.Stored {
	return func(page []session.Stored) []session.Stored {
		return slices.DeleteFunc(page, func(s session.Stored) bool { return which(s.Record) })
	}
}

var scanFaults = []fault{
	{"a scan of nothing finds something", "Scanner/of an empty store is empty", scans(func(page []session.Stored) []session.Stored {
		return append(page, session.Stored{})
	})},
	{"scans lack marks", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.MovedTo != "" }))},
	{"scans lack anonymous records", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.Principal == "" && r.MovedTo == "" }))},
	{"scans lack expired records", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.Expires.Before(time.Now()) }))},
	{"scans lack payloads", "Scanner/returns all records whole, whatever the size of a page", scans(bare)},
	{"scans lack the first of each page", "Scanner/returns all records whole, whatever the size of a page", scans(func(page []session.Stored) []session.Stored {
		return page[min(1, len(page)):]
	})},
	{"scans show deleted records", "Scanner/has no deleted record", func(b *broken) {
		var created []session.Stored
		b.create = func(ctx ctxt, i id, r rec) error {
			created = append(created, session.Stored{ID: i, Record: r})
			return b.MemoryStore.Create(ctx, i, r)
		}
		b.scan = func(ctx ctxt, _ string, _ int) ([]session.Stored, string, error) {
			all := b.all(ctx)
			for _, c := range created {
				if !slices.ContainsFunc(all, func(s session.Stored) bool { return s.ID == c.ID }) {
					all = append(all, c)
				}
			}
			return all, "", ctx.Err()
		}
	}},
	{"the cursor of a scan is a position", "Scanner/walks on while records come and go", func(b *broken) {
		lists(func(b *broken, ctx ctxt, _ string) []session.Stored {
			all := b.all(ctx)
			slices.SortFunc(all, func(a, b session.Stored) int { return a.Record.Created.Compare(b.Record.Created) })
			return all
		})(b)
		page := b.list
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			return page(ctx, "", after, limit)
		}
	}},
	{"scans hand out the payload kept", "Scanner/shares no memory with the store", func(b *broken) {
		var m sync.Map
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if p, ok := m.Load(i); ok {
				r.Payload = p.([]byte)
			}
			return r, err
		}
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			page, next, err := b.MemoryStore.Scan(ctx, after, limit)
			for _, r := range page {
				m.Store(r.ID, r.Record.Payload)
			}
			return page, next, err
		}
	}},
	{"the server cannot be reached", "Pinger/reaches the store", func(b *broken) {
		b.ping = func(context.Context) error { return errors.New("connection refused") }
	}},
	{"the configuration is refused", "Validator/accepts what open made", func(b *broken) {
		b.valid = func() error { return session.ErrInvalid }
	}},
}
