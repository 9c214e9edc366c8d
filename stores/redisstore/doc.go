// Package redisstore keeps Seshat's sessions in Redis or Valkey:
//
//	store := redisstore.New(redis.NewClient(&redis.Options{Addr: "localhost:6379"}), redisstore.Options{})
//
// The store is a session.Store of its own, and a cache for package cacheddb.
// Both roles may be used over one server and prefix: their keys are apart.
// Redis 6.2 and newer and Valkey serve; one server, Sentinel
// (redis.NewFailoverClient) and Cluster (redis.NewClusterClient).
//
// # Keys
//
// With the default prefix, and P for the principal in base64url:
//
//	sessions:<id>          string: a record
//	sessions:c:<id>        string: a cache entry or a lease
//	sessions:p:{P}         sorted set: the sessions of the principal, by creation
//	sessions:p:{P}:end     sorted set: the same, by the time when they are gone for sure
//
// One session is one key, so that each step is one script on one slot. The value
// is a binary header of 80 bytes, the texts of the record, and the payload as it
// is to the end, so that redis-cli shows the values. A key lives
// session.ExpiryGrace longer than its record: Redis removes what has expired, and
// the engine decides what has.
//
// # Round trips
//
// Load is a GET; Create, Update, Touch and Delete are one script each. The index
// by principal costs, for sessions that have one:
//
//   - Create: nothing on one server; a second command, sent first, on Cluster,
//     where the index and the record are in different slots.
//   - Touch: a second command, which enters the session again, so that a lost
//     index comes back.
//   - Delete, and the Update that makes a moved mark: a second command, which
//     takes the session out.
//   - Update: nothing, unless it puts off the end of the session's lifetime.
//
// A server that does not know a script yet is sent its text in one command more.
//
// # Writes are sent once
//
// go-redis repeats commands that failed (Options.MaxRetries, 3 unless set), also
// where the first attempt may have taken effect. The store marks its writes so
// that the driver sends them once, whatever MaxRetries says; reads it repeats as
// set. Removing a cache entry is the exception: to repeat that does no harm.
//
// # Parallel requests
//
// Commands that come while others are under way wait for them, and are then sent
// together in one pipeline, up to 64 at a time: on a busy process that costs it and the server a
// fraction of what single commands cost. There is one such lane for reads, and one for
// writes; a batch that takes longer than 5 ms, on a slow network or since a value is large, makes
// room for another. A command that finds the lane free goes at once, and nothing is shared but the
// way: each caller has its own command, context and answer. Hooks of the client see a pipeline,
// with the context of its first caller. On Redis Cluster each command goes alone.
//
// # Time limits
//
// Each call ends with its context, and after Options.Timeout; what has not been
// sent by then never is. Only a write that is
// under way when its context is cancelled waits up to half a second for the
// answer, since to know what became of it is worth more.
//
// go-redis keeps to the deadline of a context only with ContextTimeoutEnabled,
// and to its cancellation never, so commands are sent by goroutines of their
// own, which are left behind if they must. With ContextTimeoutEnabled, on a
// *redis.Client, a command that need not wait for others needs none: a call is cheaper, and a
// server that hangs does not keep connections busy. But then a cancellation may be noticed only
// at the deadline or at the time limit.
//
// # A near cache
//
// With Options.Near a store keeps what it reads in the memory of the process too,
// and answers from there: for sites that read far more than they write. In this
// process a write is seen at once. What another process wrote, a logout too, is
// seen when Redis tells, mostly within a millisecond, and Options.Near.MaxStale
// later at most; see [NearOptions] for what that rests on. It works under cacheddb
// as well. Close such a store when the program ends:
//
//	store := redisstore.New(rdb, redisstore.Options{Near: redisstore.NearOptions{Bytes: 64 << 20}})
//	defer store.Close()
//
// # What Redis must be set to
//
// As the only store of the sessions: maxmemory-policy noeviction, or sessions,
// or the list of a person's sessions, vanish when memory is short. With
// noeviction a full server refuses writes: session.ErrFull. As the cache under
// cacheddb any policy serves.
//
// A user that Redis restricts needs these commands on keys with the prefix: GET,
// GETRANGE, SET, SETRANGE, DEL, EXISTS, TYPE, PTTL, PEXPIRE, ZADD, ZREM, ZRANGE,
// ZRANGEBYSCORE, EVAL, EVALSHA; and SCAN, PING and INFO. A near cache needs
// CLIENT TRACKING too.
//
// Redis copies to its replicas after it has answered: what it acknowledged in
// the moment before a failover can be lost, a logout too. Where that is not
// good enough, use package cacheddb in front of a database.
package redisstore
