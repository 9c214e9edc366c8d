package session

import (
	"context"
	"log/slog"
)

// Events observes what happens to sessions: for logs, metrics and alarms.
// Event is called on the request's own goroutine, or on a background one, and
// from many at once; it must return quickly. It must not panic,
// and the session is not in its context, since it may be locked meanwhile.
// It may be a [CallObserver], a [CacheObserver] and a [Validator] besides.
type Events interface {
	Event(ctx context.Context, e Event)
}

// An Event says what happened. It never holds a token or a value.
type Event struct {
	Kind      EventKind
	ID        ID     // the session's, if one is concerned
	Principal string // the session's, if it has one
	Op        string // what was being done: "load", "update", ...
	Key       string // the name of the value concerned, if one is
	Count     int    // how many records, if a purge tells
	Err       error  // why, if something failed
}

// EventKind is the kind of an Event.
type EventKind string

// The kinds of events, and the level at which SlogEvents logs them.
const (
	EventCreated      EventKind = "created"       // Debug: a session was stored for the first time
	EventRenewed      EventKind = "renewed"       // Debug: a session got a new token
	EventLogin        EventKind = "login"         // Info: a principal logged in
	EventDestroyed    EventKind = "destroyed"     // Info: a session was ended by its own request
	EventRevoked      EventKind = "revoked"       // Info: a session was ended from elsewhere; by a login, for Options.MaxSessions, if Op is "limit"
	EventRefused      EventKind = "refused"       // Info: a login was refused, since the principal has Options.MaxSessions
	EventExpired      EventKind = "expired"       // Debug: a cookie named a session that has expired
	EventUnknownToken EventKind = "unknown token" // Info: a cookie named no session
	EventAmbiguous    EventKind = "ambiguous"     // Warn: cookies of two principals came in one request
	EventUndecodable  EventKind = "undecodable"   // Warn: a stored record, or the value of Key, could not be read
	EventConflict     EventKind = "conflict"      // Debug: a parallel write came first; the changes are applied again
	EventEnded        EventKind = "ended"         // Info: a write was refused since its session had ended
	EventNotFresh     EventKind = "not fresh"     // Debug: RequireFresh asked for a fresh login
	EventStoreError   EventKind = "store error"   // Error: the store failed
	EventTouchFailed  EventKind = "touch failed"  // Warn: the time of use could not be stored; the request is not affected
	EventLateWrite    EventKind = "late write"    // Error: a change after the header was dropped, since it needs a cookie or could not be stored
	EventCacheError   EventKind = "cache error"   // Warn: cached_db could not use its cache; the database served
	EventCacheDown    EventKind = "cache down"    // Error: cached_db stopped asking its cache for a while
	EventCacheUp      EventKind = "cache up"      // Info: cached_db uses its cache again
	EventPending      EventKind = "pending"       // Warn: a cache entry must still be removed; tried in the background
	EventPurging      EventKind = "purging"       // Debug: a purge of expired sessions began
	EventPurged       EventKind = "purged"        // Info: a purge ended, having deleted Count records; Err if its context ended it
	EventPurgeFailed  EventKind = "purge failed"  // Error: a purge gave up, having deleted Count records
)

func (k EventKind) level() slog.Level {
	switch k {
	case EventStoreError, EventLateWrite, EventCacheDown, EventPurgeFailed:
		return slog.LevelError
	case EventUndecodable, EventAmbiguous, EventTouchFailed, EventCacheError, EventPending:
		return slog.LevelWarn
	case EventLogin, EventDestroyed, EventRevoked, EventRefused, EventUnknownToken, EventEnded, EventCacheUp, EventPurged:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

// SlogEvents logs each event as one line. A nil logger is slog.Default() at
// the time of the event.
func SlogEvents(l *slog.Logger) Events { return slogEvents{l} }

type slogEvents struct{ logger *slog.Logger }

func (s slogEvents) Event(ctx context.Context, e Event) {
	l := s.logger
	if l == nil {
		l = slog.Default()
	}
	level := e.Kind.level()
	if !l.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	if e.ID != "" {
		attrs = append(attrs, slog.String("id", string(e.ID)))
	}
	if e.Principal != "" {
		attrs = append(attrs, slog.String("principal", e.Principal))
	}
	if e.Op != "" {
		attrs = append(attrs, slog.String("op", e.Op))
	}
	if e.Key != "" {
		attrs = append(attrs, slog.String("key", e.Key))
	}
	if e.Count != 0 || e.Kind == EventPurged {
		attrs = append(attrs, slog.Int("count", e.Count))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	l.LogAttrs(ctx, level, "session: "+string(e.Kind), attrs...)
}
