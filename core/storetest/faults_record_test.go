package storetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// keeps changes what is stored.
func keeps(how func(r *rec)) func(*broken) {
	return func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error { how(&r); return b.MemoryStore.Create(ctx, i, r) }
		b.update = func(ctx ctxt, i id, r rec, v uint64) error { how(&r); return b.MemoryStore.Update(ctx, i, r, v) }
	}
}

// loads changes what is loaded.
func loads(how func(r *rec)) func(*broken) {
	return func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			how(&r)
			return r, err
		}
	}
}

func moments(r *rec) []*time.Time {
	return []*time.Time{&r.Created, &r.Authenticated, &r.LastSeen, &r.Expires, &r.LifetimeEnd}
}

var recordFaults = []fault{
	{"marks name no successor", "Record/keeps every field", keeps(func(r *rec) { r.MovedTo = "" })},
	{"the address is cut", "Record/keeps every field", keeps(func(r *rec) { r.Device.Address = r.Device.Address[:min(15, len(r.Device.Address))] })},
	{"times are local", "Record/keeps every field", loads(func(r *rec) {
		for _, t := range moments(r) {
			*t = t.In(time.FixedZone("here", 3600))
		}
	})},
	{"times are to the millisecond", "Record/keeps times to the microsecond, near and far", keeps(func(r *rec) {
		for _, t := range moments(r) {
			*t = t.Truncate(time.Millisecond)
		}
	})},
	{"times overflow in nanoseconds", "Record/keeps times to the microsecond, near and far", keeps(func(r *rec) {
		for _, t := range moments(r) {
			if !t.IsZero() {
				*t = time.Unix(0, t.UnixNano()).UTC()
			}
		}
	})},
	{"times are in 32 bits of seconds", "Record/keeps times to the microsecond, near and far", keeps(func(r *rec) {
		r.LifetimeEnd = time.Unix(int64(int32(r.LifetimeEnd.Unix())), int64(r.LifetimeEnd.Nanosecond())).UTC()
	})},
	{"the zero time becomes 1970", "Record/keeps zero values", keeps(func(r *rec) {
		if r.Authenticated.IsZero() {
			r.Authenticated = time.Unix(0, 0).UTC()
		}
	})},
	{"idle timeouts are in seconds", "Record/keeps any idle timeout", keeps(func(r *rec) { r.IdleTimeout = r.IdleTimeout.Truncate(time.Second) })},
	{"the mark ends at a NUL", "Record/keeps every byte of the mark", keeps(func(r *rec) {
		if i := slices.Index(r.Mark[:], 0); i >= 0 {
			clear(r.Mark[i:])
		}
	})},
	{"text is trimmed", "Record/keeps any text", keeps(func(r *rec) { r.Principal = strings.TrimSpace(r.Principal) })},
	{"text has three bytes a character at most", "Record/keeps any text", keeps(func(r *rec) {
		r.Device.UserAgent = strings.Map(func(c rune) rune { return min(c, 0xffff) }, r.Device.UserAgent)
	})},
	{"the principal is 191 characters", "Record/keeps any text", keeps(func(r *rec) { r.Principal = r.Principal[:min(191, len(r.Principal))] })},
	{"the payload is text", "Record/keeps a payload of any bytes", keeps(func(r *rec) { r.Payload = []byte(strings.ToValidUTF8(string(r.Payload), "\ufffd")) })},
	{"the payload ends at a NUL", "Record/keeps a payload of any bytes", keeps(func(r *rec) { r.Payload, _, _ = bytesCut(r.Payload) })},
	{"an empty payload is null", "Record/keeps an empty payload", loads(func(r *rec) {
		if len(r.Payload) == 0 {
			r.Payload = []byte("null")
		}
	})},
	{"the payload is a BLOB of MySQL", "Record/keeps a payload of 1 MiB", keeps(func(r *rec) { r.Payload = r.Payload[:min(1<<16-1, len(r.Payload))] })},
	{"the payload given is kept", "Record/shares no memory with the caller", func(b *broken) {
		var m sync.Map
		b.create = func(ctx ctxt, i id, r rec) error { m.Store(i, r.Payload); return b.MemoryStore.Create(ctx, i, r) }
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if p, ok := m.Load(i); ok {
				r.Payload = p.([]byte)
			}
			return r, err
		}
	}},
	{"the payload kept is handed out", "Record/shares no memory with the caller", func(b *broken) {
		var m sync.Map
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if p, loaded := m.LoadOrStore(i, r.Payload); loaded {
				r.Payload = p.([]byte)
			}
			return r, err
		}
	}},
}

func bytesCut(p []byte) (before, after []byte, found bool) {
	if i := slices.Index(p, 0); i >= 0 {
		return p[:i], p[i+1:], true
	}
	return p, nil, false
}

// ids changes the ID of every call.
func ids(how func(i id) id) func(*broken) {
	return func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) { return b.MemoryStore.Load(ctx, how(i)) }
		b.create = func(ctx ctxt, i id, r rec) error { return b.MemoryStore.Create(ctx, how(i), r) }
		b.update = func(ctx ctxt, i id, r rec, v uint64) error { return b.MemoryStore.Update(ctx, how(i), r, v) }
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error { return b.MemoryStore.Touch(ctx, how(i), l, e, v) }
		b.remove = func(ctx ctxt, i id, v uint64) error { return b.MemoryStore.Delete(ctx, how(i), v) }
	}
}

var keyFaults = []fault{
	{"any ID will do", "ID/malformed is ErrNotFound or no effect, and nothing is stored", ids(func(i id) id {
		if i.Valid() {
			return i
		}
		return id(strings.Repeat("A", 43))
	})},
	{"a malformed ID is an error of the driver", "ID/malformed is ErrNotFound or no effect, and nothing is stored", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			if !i.Valid() {
				return errOther
			}
			return b.MemoryStore.Delete(ctx, i, v)
		}
	}},
	{"the case of letters is ignored", "ID/that differs in the case of letters is another ID", ids(func(i id) id {
		return id(strings.ToLower(string(i[:len(i)-1]))) + i[len(i)-1:]
	})},
	{"an ID is a pattern", "ID/may consist of any of its characters", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			for _, r := range b.all(ctx) {
				if strings.HasPrefix(string(i), "__") || r.ID == i {
					_ = b.MemoryStore.Delete(ctx, r.ID, v)
				}
			}
			return nil
		}
	}},
	{"the payload is kept once for equal marks", "ID/is the only key: records alike but for it are apart", func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			for _, other := range b.all(ctx) {
				if other.Record.Mark == r.Mark {
					return session.ErrExists
				}
			}
			return b.MemoryStore.Create(ctx, i, r)
		}
	}},
	{"two stores are one", "Apart/two stores keep different records under one ID", func(*broken) {}},
	{"two stores are one to writes", "Apart/an update, touch or delete does not reach the other store", func(*broken) {}},
	{"two stores are one to lists", "Apart/lists are apart", func(*broken) {}},
	{"two stores are one to scans", "Apart/scans are apart", func(*broken) {}},
	{"two stores are one to purges", "Apart/purges are apart", func(*broken) {}},
}

// heedless ignores the context in every call, and then says err of it.
func heedless(err func(ctxt) error) func(*broken) {
	return func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			return cmp.Or(b.MemoryStore.Update(context.WithoutCancel(ctx), i, r, v), err(ctx))
		}
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, e := b.MemoryStore.Load(context.WithoutCancel(ctx), i)
			return r, cmp.Or(e, err(ctx))
		}
	}
}

var contextFaults = []fault{
	{"the context is ignored", "Context/cancelled before the call is an error without an effect", heedless(func(ctxt) error { return nil })},
	{"the context is looked at after the write", "Context/cancelled before the call is an error without an effect", heedless(ctxt.Err)},
	{"the deadline is an error of the driver", "Context/past its deadline before the call is an error without an effect", func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			if ctx.Err() == context.DeadlineExceeded {
				return rec{}, errors.New("i/o timeout")
			}
			return b.MemoryStore.Load(ctx, i)
		}
	}},
	{"writers go on when cancelled", "Context/cancelled during calls leaves whole records and a store that works", heedless(func(ctxt) error { return nil })},
	{"a cancelled write is undone after it was acknowledged", "Context/cancelled during calls leaves whole records and a store that works", func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(context.WithoutCancel(ctx), i)
			if ctx.Err() != nil && err == nil && r.Version > 5 {
				r.Version = 5
				_ = b.force(context.WithoutCancel(ctx), i, r)
			}
			return r, cmp.Or(err, ctx.Err())
		}
	}},
}
