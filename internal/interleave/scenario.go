package interleave

import (
	"context"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A Scenario is what is explored: a browser that has a session, and requests
// of it that begin at any moment.
type Scenario struct {
	Name string
	Ops  []Op
	// One puts all requests into one process, where the writes of a session
	// queue; else each has a process of its own.
	One bool
	// Anonymous leaves the session without a principal; else alice is logged in.
	Anonymous bool
	// Warm has the session read once before, so that a cache holds it.
	Warm bool
	// Faults is how many calls of one run may fail, Evictions how often the
	// cache may lose what it holds. OnlyTruth spares the cache the faults.
	Faults, Evictions int
	OnlyTruth         bool
	// Most is Options.MaxSessions, and Prevents MaxSessionsPreventsLogin.
	Most     int
	Prevents bool

	judge     func(*world) // looks at the outcome of a run
	unexcused bool         // the stated exception to law 2 is not made
}

// An Engine is a way to keep sessions.
type Engine struct {
	Name string
	// Open returns the tiers for some runs, or the same ones again.
	Open func() Tiers
	// Real tells that servers keep them: calls take real time, and each is made
	// to a memory store too, which must answer the same.
	Real bool
	// Tiered tells that there is a cache, each call of which is a step too.
	Tiered bool
	// Broken puts a defect between the requests and the tiers, to see whether it is noticed.
	Broken func(Tiers) Tiers
}

// Tiers are the stores of an engine: the truth, and a cache in front of it
// unless it is nil.
type Tiers struct {
	Truth Truth
	Cache cacheddb.Cache
}

// Truth is a store that can list. Purge is asked if it is a session.Purger.
type Truth interface {
	session.Store
	session.Lister
}

// Memory is a memory store.
func Memory() Engine {
	return Engine{Name: "memory", Open: func() Tiers { return Tiers{Truth: memory()} }}
}

// CachedMemory is a memory store in front of another.
func CachedMemory() Engine {
	return Engine{Name: "cached_db(memory, memory)", Tiered: true, Open: func() Tiers { return Tiers{Truth: memory(), Cache: memory()} }}
}

func memory() *session.MemoryStore { return session.NewMemoryStore(session.MemoryOptions{}) }

type actorKey struct{}

// requestOf returns the request on whose behalf a call is made, nil if it is
// one of the scenario's own.
func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(actorKey{}).(*request)
	return r
}
