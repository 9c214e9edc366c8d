package session

import "errors"

// Errors that stores and sessions return. Compare with errors.Is: they come
// wrapped with what was being done.
var (
	// ErrNotFound: no record under this ID.
	ErrNotFound = errors.New("session: not found")
	// ErrExists: Create found a record under this ID.
	ErrExists = errors.New("session: ID already in use")
	// ErrConflict: the record has another version than expected. From a
	// session it means that a parallel request changed the session in a way
	// that this request's changes cannot be applied on.
	ErrConflict = errors.New("session: changed by another request")
	// ErrUndecodable: the stored bytes cannot be read. The engine treats the
	// record as absent and reports EventUndecodable.
	ErrUndecodable = errors.New("session: stored record cannot be read")
	// ErrFull: the store's bound is reached and nothing may be evicted.
	ErrFull = errors.New("session: store is full")
	// ErrTooLarge: the values together exceed Options.MaxSize. Nothing was
	// stored; the session is as before.
	ErrTooLarge = errors.New("session: values too large")
	// ErrSessionEnded: the session that the request came with was ended,
	// expired, or got a new token meanwhile. Nothing was written.
	ErrSessionEnded = errors.New("session: ended meanwhile")
	// ErrTooManySessions: the principal has Options.MaxSessions already, so the
	// login was refused. The session is as it was before.
	ErrTooManySessions = errors.New("session: too many sessions")
	// ErrUnavailable: the store could not be asked, or could not say whether a
	// write took effect. The cause is wrapped beside it.
	ErrUnavailable = errors.New("session: store unavailable")
	// ErrPending: the session is ended in the database, but the cache could
	// not be told; it is tried again in the background until done, and no entry
	// is served beyond the re-check age while the database answers.
	ErrPending = errors.New("session: ended; the cache still has to be told")
	// ErrHeaderSent: a change that needs a cookie came after the response
	// header had left. Make it before the first byte of the body.
	ErrHeaderSent = errors.New("session: change needs a cookie, but the response header has been sent")
	// ErrNotFresh: the principal has not authenticated within the time that
	// RequireFresh asks for, or nobody is signed in.
	ErrNotFresh = errors.New("session: a fresh login is needed")
	// ErrInvalid: an argument is outside its limits; the text says which.
	ErrInvalid = errors.New("session: invalid argument")
)
