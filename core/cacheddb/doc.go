// Package cacheddb is the cached_db tier: sessions live in a database, and a
// cache in front of it makes reading them cheap.
//
//	store := cacheddb.New(
//		redisstore.New(rdb, redisstore.Options{}),
//		gormstore.New(db, gormstore.Options{}),
//		cacheddb.Options{})
//	defer store.Close(context.Background())
//	sessions, err := session.New(session.Options{Store: store})
//
// A session that is in use costs one cache command to read, and one more and
// one statement to change. Nothing is lost with the cache: it may be flushed,
// full, evicting or away, and the answers are the same.
//
// # The protocol
//
// The database is the truth. Every operation first does there what it does, and
// then tells the cache, and only then answers. The cache may lose anything at
// any moment; what it must never do is keep an old record as if it were current.
// That comes about when a load and a write overlap: the load reads the old
// record, the write changes it and tells the cache, and then the load, late,
// puts the old record there. Hence these rules:
//
//   - Load: what the cache has is served. Where it has nothing, the load places a
//     lease there, a random mark, and only if there is nothing, not even another's
//     lease. Then it reads the database, and fills the cache by replacing exactly
//     its lease. A load without a lease, or whose lease is gone, serves what the
//     database said and fills nothing.
//   - Update: compare-and-set in the database. Then an older entry in the cache is
//     replaced, a lease is removed, and where there is nothing, nothing is placed:
//     a still newer write may have been told, and its entry evicted, meanwhile.
//   - Touch: the database, then the times of the entry are raised or a lease is
//     removed.
//   - Delete: the database, then whatever the cache has is removed.
//   - Create: the database only. The first load fills.
//   - LoadFresh, which the engine calls after a conflict or an unknown outcome,
//     reads the database and then tells the cache like an update that wrote what
//     was read: what it reads may be this request's own write, whose answer was
//     lost, and which is answered for on the strength of it. It can place
//     nothing old: an entry it replaces is older still.
//
// Since a write removes leases, a load that read the database before it cannot
// fill the cache after it. The tests of this package run every order in which
// the calls of two to four such operations can interleave, with evictions and
// faults at every point, and show that leaving out any of the rules of [Cache]
// is noticed.
//
// # Faults
//
// If the cache cannot be told of a write, its entry is removed in the background
// as soon as it lets itself be; until then this process does not look at it.
// An update succeeds nevertheless; a delete returns session.ErrPending. If the
// outcome of a write to the database is unknown, the entry is in doubt: it is
// compared with the database before it is served, and settled in the background.
// An entry in doubt is served only while the database is down.
//
// After a few failures in a row a breaker opens: the cache is left alone,
// requests do not wait for it, and the database serves. The cache is tried again
// in the background. When it answers, first the removals are made good, and then
// it is used again, but every entry last checked before that moment is compared
// with the database once, since other processes may have had no more luck.
//
// Two things no process can make good by itself: a process that dies between its
// two writes or before its removals, and a cache that forgets a write when it
// fails over. A process that still reaches the cache while the writer does not is
// a third. All are bounded by Options.RecheckAge: an entry older than that is
// compared with the database before it is served, or served as it is if the
// database does not answer within Options.RecheckTimeout.
//
// While the database is down, reads go on from the cache, except of entries that
// are known to be old or look expired; writes fail.
//
// Clocks matter only for the faults of this section, and may differ by five
// seconds between processes.
//
// # Switching
//
// The database alone and cached_db share the table, so nothing is copied when an
// application changes from one to the other. But while processes of both run side by side,
// those of the database alone do not tell the cache what they write, and the
// others would serve what it was before. So it takes two deployments, with
// Options.ReadTruth in the one between: beside the database alone, nobody reads the
// cache; beside the full cached_db, everybody tells it. With ReadTruth a write removes the entry:
// one that was brought up to date would look just checked, while the database alone
// goes on to change the record.
//
//	db -> ReadTruth -> cached_db
//	cached_db -> ReadTruth -> db
//
// Begin each deployment when the one before runs everywhere. What the cache
// still has from an earlier time as cached_db is older than Options.RecheckAge if that much time
// (one minute) has passed since the last process of then ended, and is compared with the
// database before it is served: so wait that long before the second deployment. Only
// while the database is down would such an entry be served as it is; to rule
// that out too, remove the keys of the cache's prefix before the second deployment.
package cacheddb
