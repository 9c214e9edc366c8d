package benchmarks

import "net/http"

// A Kind says where a contestant keeps its sessions, and with it what the
// comparison with a session written by hand is made to.
type Kind string

// The kinds of contestants.
const (
	Nowhere  Kind = "nowhere"
	Memory   Kind = "memory"
	Cookie   Kind = "cookie"
	SQLite   Kind = "SQLite"
	Redis    Kind = "Redis"
	Postgres Kind = "PostgreSQL"
	Cached   Kind = "Redis, PostgreSQL" // a cache in front of the truth
)

// A Contestant is one way to keep sessions: a library, a store and a framework.
type Contestant struct {
	Name  string // as the tables show it, and as a process is told to serve it
	Kind  Kind
	Ours  bool // Seshat
	Login Renewal

	// New makes a site that answers the routes of route.go. Sites of one
	// contestant in several processes share their sessions where the kind allows.
	New func(Env) (*Site, error)
}

// A Renewal says what a contestant can do at a login.
type Renewal int

// What becomes of the token at a login.
const (
	Renews   Renewal = iota // a new one, and the old one opens nothing
	KeepsOld                // the library knows no renewal: the token stays
)

// An Env is where a contestant finds what it needs.
type Env struct {
	Redis    string // host:port
	Postgres string // postgres:// URL, with a schema of the contestant's own
	Dir      string // an empty folder

	// Loaded, if it is not nil, is called by the handler of Mark between
	// loading the session and changing it.
	Loaded func() `json:"-"`
}

// loaded calls Loaded.
func (e Env) loaded() {
	if e.Loaded != nil {
		e.Loaded()
	}
}

// A Site answers the routes. Close gives back what New took.
type Site struct {
	http.Handler
	Close func() error
}

// NeedsServers tells whether the contestant needs Redis or PostgreSQL.
func (c Contestant) NeedsServers() bool {
	return c.Kind == Redis || c.Kind == Postgres || c.Kind == Cached
}

// Names of contestants that others are compared with.
const (
	NoSessions     = "no sessions"
	HandRedis      = "hand-written, Redis"
	HandPostgres   = "hand-written, PostgreSQL"
	SCSMemory      = "scs, memstore"
	SCSRedis       = "scs, goredisstore"
	SCSGorm        = "scs, gormstore (PostgreSQL)"
	SeshatMemory   = "Seshat, memory"
	SeshatRedis    = "Seshat, redisstore"
	SeshatPostgres = "Seshat, gormstore (PostgreSQL)"
	SeshatCached   = "Seshat, cacheddb (Redis, PostgreSQL)"
	SeshatNear     = "Seshat, redisstore with near cache"
)

// HandWritten is the contestant that one of the kind is compared with: the
// hand-written session on the same server, and on Redis where there is none.
func (k Kind) HandWritten() string {
	if k == Postgres {
		return HandPostgres
	}
	return HandRedis
}

// Contestants returns all of them, in the order of the tables.
func Contestants() []Contestant {
	return []Contestant{
		{Name: NoSessions, Kind: Nowhere, Login: KeepsOld, New: newNone},
		{Name: HandRedis, Kind: Redis, New: newHandRedis},
		{Name: HandPostgres, Kind: Postgres, New: newHandPostgres},

		{Name: SeshatMemory, Kind: Memory, Ours: true, New: newSeshatMemory},
		{Name: "Seshat, gormstore (SQLite)", Kind: SQLite, Ours: true, New: newSeshatSQLite},
		{Name: SeshatPostgres, Kind: Postgres, Ours: true, New: newSeshatPostgres},
		{Name: SeshatRedis, Kind: Redis, Ours: true, New: newSeshatRedis},
		{Name: SeshatCached, Kind: Cached, Ours: true, New: newSeshatCached},
		{Name: SeshatNear, Kind: Redis, Ours: true, New: newSeshatNear},

		{Name: SCSMemory, Kind: Memory, New: newSCSMemory},
		{Name: SCSRedis, Kind: Redis, New: newSCSRedis},
		{Name: SCSGorm, Kind: Postgres, New: newSCSGorm},
		{Name: "scs, pgxstore", Kind: Postgres, New: newSCSPgx},

		{Name: "gin-contrib, cookie", Kind: Cookie, Login: KeepsOld, New: newGinCookie},
		{Name: "gin-contrib, redis", Kind: Redis, Login: KeepsOld, New: newGinRedis},
		{Name: "gin-contrib, gorm (PostgreSQL)", Kind: Postgres, Login: KeepsOld, New: newGinGorm},
		{Name: "echo-contrib, rbcervilla redisstore", Kind: Redis, Login: KeepsOld, New: newEchoRedis},
		{Name: "gorilla, cookie", Kind: Cookie, Login: KeepsOld, New: newGorillaCookie},
	}
}
