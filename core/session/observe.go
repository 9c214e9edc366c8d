package session

import (
	"context"
	"errors"
)

// The interfaces below are optional powers of an [Events], as those of a [Store]
// are. New, and cacheddb.New for its own, looks for them once; what is not
// there costs nothing.

// A CallObserver is told of every call to a store: for the time that it takes,
// and for a span around it. What holds for Event holds for its methods and for
// the functions that they return.
type CallObserver interface {
	// BeginCall is called before the call. The call gets the context that
	// BeginCall returns: ctx, or one made from it. The function that it returns
	// is called once, after the call, with the error that came of it, as the
	// store returned it, or with one of ours if the store panicked. That error
	// may quote what a driver says, addresses and IDs included.
	BeginCall(ctx context.Context, c Call) (context.Context, func(err error))
}

// A Call is a call that begins. It never holds a token, an ID or a value.
type Call struct {
	Tier Tier
	// Op is the method: of a Store "load" (LoadFresh too), "create", "update",
	// "touch", "delete", "list" and "purge" (one batch); of a cache "get", "lease",
	// "fill", "replace", "touch", "refresh" and "remove".
	Op string
	// Size is how many bytes of payload the call writes; 0 if it writes none.
	Size int
}

// A Tier says whose call it is.
type Tier string

// Under cached_db a call of the engine contains calls of the two other tiers.
const (
	TierStore    Tier = "store"    // Options.Store, called by the engine
	TierCache    Tier = "cache"    // the cache of a cacheddb.Store
	TierDatabase Tier = "database" // its database: what it reads and writes for one session
)

// A CacheObserver is told how each load of a cacheddb.Store came out.
type CacheObserver interface {
	CacheLoad(ctx context.Context, r CacheResult)
}

// A CacheResult is what a cache was good for in one load.
type CacheResult string

// The results of loads.
const (
	CacheHit     CacheResult = "hit"     // the cache had the record, and that was served
	CacheMiss    CacheResult = "miss"    // the cache had nothing
	CacheRecheck CacheResult = "recheck" // the cache had an entry that was to be compared with the database first
	CacheBypass  CacheResult = "bypass"  // the cache was not asked, or did not answer
)

// errNoAnswer is what an observer is told of a call that panicked.
var errNoAnswer = errors.New("session: the store panicked")

// observe makes a call within sight of the observer, if there is one.
func (m *Manager) observe(ctx context.Context, c Call, f func(context.Context) error) error {
	if m.calls == nil {
		return f(ctx)
	}
	ctx, end := m.calls.BeginCall(ctx, c)
	err := errNoAnswer
	defer func() { end(err) }()
	err = f(ctx)
	return err
}
