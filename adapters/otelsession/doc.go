// Package otelsession tells OpenTelemetry what happens to sessions: metrics of
// what the engine reports, and spans around the calls of its store.
//
//	events := otelsession.New(otelsession.Options{})
//	sessions, err := session.New(session.Options{
//		Store:  cacheddb.New(cache, truth, cacheddb.Options{Events: events}), // or any other store
//		Events: events,
//	})
//
// It depends on the API of OpenTelemetry alone: which SDK and exporter take what
// it says, and how often spans are sampled, is the application's.
//
// # Metrics
//
// Each event of the engine is counted in one instrument. op stands for the
// attribute seshat.operation, which is what was being done.
//
//	instrument                    kind           unit       attributes                what it tells
//	seshat.session.created        counter        {session}                            stored for the first time
//	seshat.session.ended          counter        {session}  seshat.end.reason         destroyed, revoked, or expired
//	seshat.session.logins         counter        {login}                              principals that logged in, or reauthenticated
//	seshat.session.conflicts      counter        {conflict}                           a parallel write came first; applied again
//	seshat.session.refused_writes counter        {write}                              the session had ended meanwhile
//	seshat.session.payload.size   histogram      By                                   bytes of values in each write of some that succeeded
//	seshat.session.events         counter        {event}    seshat.event.kind         every event that has no other instrument
//	seshat.store.errors           counter        {error}    op                        the store failed; a touch too
//	seshat.store.call.duration    histogram      s          op, outcome, error.type   calls of Options.Store by the engine
//	seshat.tier.call.duration     histogram      s          seshat.tier, and as above calls of a cacheddb.Store to its cache and database
//	seshat.cache.loads            counter        {load}     seshat.cache.result       hit, miss, recheck, or bypass
//	seshat.cache.errors           counter        {error}    op                        cached_db could not use its cache
//	seshat.cache.pending_removals counter        {entry}    op                        entries that are to be removed in the background
//	seshat.cache.open_breakers    up-down counter {breaker}                           caches that are left alone at the moment: 0 is good
//
// What to know about some of them:
//
//   - ended by "expired" counts requests that came with an expired session: one that
//     nobody comes back to is not counted, one whose browser keeps coming back more than once.
//   - seshat.event.kind is a [session.EventKind] with underscores, such as
//     renewed, unknown_token, ambiguous, undecodable or late_write. There, pending
//     counts sign-outs and revocations of which a cache has yet to hear; the entries
//     themselves are in seshat.cache.pending_removals.
//   - The results of cached_db's loads are those of [session.CacheResult]. It tells
//     them, its faults and the calls of its tiers only if it has the same Events.
//   - A call of the store contains those of the tiers: do not add up the two durations.
//
// outcome stands for seshat.outcome: ok, not_found, exists, conflict, pending and
// unsupported are answers, canceled is a client that went away, and timeout, full, undecodable and error are
// failures. Failures alone are in error.type too.
//
// # Spans
//
// There is one around each call of a store, and of the tiers under cached_db, a
// child of whatever span the context has: the request's, if there is middleware for that.
// What a driver records of its own comes below it. Its name is "seshat.store load"
// and the like, with the tier and the operation, its kind internal, its
// attributes those of the durations, and its status, of a failure, is an error described by the
// outcome.
//
// # What is in none of them
//
// No session ID, principal, token, key, value or address, and no text of an
// error, which may quote any of these: attributes are taken from the tables above
// and from names in the code, so that there are few of each. Events that are
// passed on to Options.Events do hold IDs and principals, as its documentation says.
package otelsession
