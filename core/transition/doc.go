// Package transition moves sessions from one store to another while the
// application runs, signs nobody out, and revives nobody who signed out.
//
//	store := transition.New(old, young, transition.Options{Step: transition.CreateInOld})
//	sessions, err := session.New(session.Options{Store: store})
//
// # The move
//
// The old store is the one that is left, the new one that which is moved to. All
// processes are replaced three times, each time one by one, each time once the one
// before runs everywhere:
//
//  1. a [Store] of step [CreateInOld]: both stores are read, new sessions begin in the old one;
//  2. a [Store] of step [CreateInNew]: new sessions begin in the new one;
//  3. the new store alone.
//
// Between 2 and 3 [Copy] moves what is in the old store. It may run as soon as 1 runs
// everywhere, also before 2, and as often as one likes; the last one runs once 2 runs everywhere,
// while no other does, and [Report.Done] of it says that 3 may begin: if not, run it again.
// Once 3 runs everywhere, [Finish] removes the marks. [Verify] compares the two
// stores at any time.
//
// Why two deployments: while they are rolled out, processes of two generations run side by
// side. Those from before the move do not look into the new store, so nothing may
// begin there until the last of them has ended. Why no copier may run any more when
// the new store is used alone: where that deletes a session, nothing is left to
// tell a late copier.
//
// Two stores that are each a cached_db need caches apart: a Redis, number or prefix each.
// The database alone and cached_db are one table, so nothing is moved between them:
// see Options.ReadTruth of package cacheddb.
//
// # Words
//
// A mark is a record that takes the place of a session: it has nobody's data, and
// says of an ID in the old store that the session has *migrated*, so that the new store
// is to be asked, or, in either store, that it has *ended*. A mark is a moved
// mark, as a renewal leaves it, with a successor that does not exist, so every store can keep
// it, and a process outside of the transition takes the session for one that
// got a new token: no session, the cookie stays, a write is session.ErrSessionEnded.
// A *copy* is what a copier has put into the new store while the old one still has the session.
//
// # The protocol
//
// The old store decides. What it has is the session; migrated, or nothing there, means that the new
// store is asked; ended means that there is none. So there is one truth at any
// moment, which changes from the old store to the new one in a single step, and never back.
//
//   - Copy, of one record: create the copy; read the old record once more; compare and set
//     it into the migrated mark. If it changed meanwhile, begin again. If the new store has
//     an older copy, which a copier left that died, replace exactly that. If it has a newer one, or an ended mark,
//     leave both as they are: it is a difference. If the session has ended, remove the copy.
//   - Load, LoadFresh: the old store, and then, unless that has the session or the ended mark, the new
//     one. If the old store cannot be asked, that is the error.
//   - Create: the new store or the old, by the step, after a look into the other.
//   - Update: the old store; where that has nothing or the migrated mark, the new one.
//   - Touch: the old store and then the new one. A touch that the copier's second look
//     misses finds the copy.
//   - Delete: compare and set the old record into the ended mark; where that has migrated, the new
//     one: a copier that is late finds a mark in its place. Where the old store has
//     nothing, no copier can come, and the new record is deleted.
//   - Renewal: the successor of a session that is in the new store is brought there before
//     the session becomes a moved mark. So sessions only ever go from the old store to the new one.
//   - List: all of the old store, then all of the new one, so that a session that goes
//     over meanwhile is seen. What only the new one lists is looked up in the old one, since it
//     may be a copy of what has ended.
//   - A mark has the version of what it replaces and a large number, another one for
//     each kind: no request, and no copier that is late, ever writes over a mark by
//     a version that it knows.
//   - A mark lives for 400 days, as long as a session can, and so outlives every copy
//     made before it.
//
// The tests of this package run every order in which the calls of requests and of one or
// two copiers can interleave, with copiers that die at every point and calls that fail or arrive late,
// and show that leaving out any of these rules is noticed.
//
// # What it costs
//
// Calls of the two stores:
//
//	                     in the old store   migrated        begun in the new store
//	Load                 1 old              1 old, 1 new    1 old, 1 new
//	Update               1 old              2 old, 1 new    1 old, 1 new
//	Touch                1 old, 1 new       the same        the same
//	Create               1 old, 1 new                       1 old, 1 new
//	Delete               1 old              2 old, 1 new    1 old, 1 new
//	Copy of a record     2 old, 1 new       none            none
//
// Each Copy begins with three calls more, to see that the two are not one place.
//
// A renewal is a Create and an Update, and in step CreateInOld, of a session in the new store, up to four calls
// more. Each record that only the new store lists costs one old call in List and Scan. When
// Copy runs again it asks the new store once for each session that ended or
// expired in the old one; purge that first if there are many.
//
// # What remains
//
// Both stores are needed: while one of them is down, what needs it fails.
//
// A copier that dies between its two writes leaves a copy. Nobody reads it, and the next Copy
// removes it or goes on from it. Only if the session is given a shorter life
// meanwhile, and ends by that, and the old store drops it before Copy has run again, the copy is
// found in its place, and lives as long as the session had when it was copied. A call of
// a dead copier that is still on its way must have arrived before the last Copy begins:
// wait for as long as the time limit of the stores. A copier that stalls gives up what it read
// more than a minute ago.
//
// Where one of the stores is a cached_db, its own bounds hold (its Options.RecheckAge);
// and Delete, which is an update there, returns nil also where a cache could not be told yet,
// instead of session.ErrPending.
//
// The ID of a session that ended stays in use until its mark is gone, which the engine, whose
// IDs are random, does not notice.
//
// To turn back half way, go on to the end of the last Copy first, and then move
// back: the new store is the old one of that. Marks that are left of the first move are no
// hindrance.
package transition
