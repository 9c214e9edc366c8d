// Package session keeps HTTP sessions on the server: m.Handler(mux) adds them
// to an application, session.From(r.Context()) is the session of a request.
//
//	var cart = session.NewKey[[]string]("cart")
//
//	sessions, err := session.New(session.Options{Store: store})
//	http.ListenAndServe(addr, sessions.Handler(mux))
//
//	s := session.From(r.Context())
//	cart.Update(s, func(c []string) []string { return append(c, "tea") })
//
// Gin, Echo and Chi have adapters of one line: packages ginsession,
// echosession and chisession. Stores are packages gormstore (SQL), redisstore
// and cacheddb (a cache in front of SQL), and [MemoryStore] here.
//
// # How a request goes
//
// Nothing is read before the handler uses the session; then it is loaded once.
// What the handler changes is kept as operations and stored just before the
// response header leaves, by compare-and-set: if a parallel request was first,
// the operations are applied again on what that one wrote. A response with
// status 500 or above, or a panic, stores nothing (what Save stored and Destroy
// ended before stays so). A request that only reads
// writes nothing, but for the time of last use, once per [Options].TouchInterval.
//
// If the session cannot be loaded or saved, the response of
// [Options].ErrorHandler goes out in place of the handler's: 503 if the store
// cannot be asked, 409 if the session was ended meanwhile. An outage never
// looks like a sign-out.
//
// # Tokens and IDs
//
// The cookie holds a token: 32 random bytes, which the server makes and only
// the browser keeps. Stores, lists and logs know the [ID], a hash of it. Login
// changes the token.
package session
