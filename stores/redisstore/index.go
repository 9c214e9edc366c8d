package redisstore

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// The index of a principal is two sorted sets with the same members (see
// entry). In the first all scores are 0, so that it is in the order of the
// members, which is that of lists. In the second the score is the time, in Unix
// milliseconds, when the record's key is gone for sure. By it entries are
// dropped that nobody else dropped, and both sets expire with their last record.
//
// An entry is written before its record, so that no record is without one. An
// entry without a record does no harm: List passes over it.

// indexed is what the index needs to know of a record.
type indexed struct {
	principal string
	created   time.Time
	added     time.Time // see entry
	ends      time.Time // when the session ends for sure
}

// indexedIn reads what a script answers after "done": the head of a record up
// to its principal.
func indexedIn(reply string) (in indexed, ok bool) {
	if reply == "" || reply[0] != done {
		return in, false
	}
	head := reply[1:]
	if len(head) < atTexts || len(head) != atTexts+int(binary.BigEndian.Uint16([]byte(head[atLengths:atLengths+2]))) {
		return in, false
	}
	return indexed{
		principal: head[atTexts:],
		created:   toTime(uint64At(head, atCreated)),
		added:     toTime(uint64At(head, atStamp)),
		ends:      later(toTime(uint64At(head, atExpires)), toTime(uint64At(head, atLifetimeEnd))),
	}, true
}

func (in indexed) entry(id session.ID) string {
	return entry{created: in.created, id: id, added: in.added}.String()
}

// args are those of the Lua function enlist.
func (in indexed) args(id session.ID, now time.Time) []any {
	ms := now.UnixMilli()
	return []any{
		in.entry(id),
		strconv.FormatInt(ms+keep(in.ends, now).Milliseconds(), 10),
		strconv.FormatInt(ms, 10),
		strconv.FormatInt(session.ExpiryGrace.Milliseconds(), 10),
	}
}

// enlist enters a record, or puts off the time when it is gone.
func (s *Store) enlist(ctx context.Context, id session.ID, in indexed) error {
	byCreated, byEnd := s.indexKeys(in.principal)
	_, err := s.run(ctx, enlistScript, []string{byCreated, byEnd}, in.args(id, time.Now())...)
	return err
}

// delist takes entries out.
func (s *Store) delist(ctx context.Context, principal string, entries ...any) error {
	byCreated, byEnd := s.indexKeys(principal)
	_, err := s.run(ctx, delistScript, []string{byCreated, byEnd}, entries...)
	return err
}

// follow brings the index in line with a record that was changed. The change has
// taken effect, so a failure is none of the caller's: a superfluous entry is
// passed over, and a touch makes up for a missing one.
func (s *Store) follow(ctx context.Context, id session.ID, was, is indexed) {
	if was.principal != "" && (is.principal != was.principal || !is.created.Equal(was.created)) {
		_ = s.delist(ctx, was.principal, was.entry(id))
	}
	if is.principal != "" {
		_ = s.enlist(ctx, id, is)
	}
}

// dropDead takes out of the index what has no record. A record that is just
// being created has its entry already: only entries are dropped that are older
// than two time limits and the grace for clocks that differ.
func (s *Store) dropDead(ctx context.Context, principal string, dead []entry) {
	old := time.Now().Add(-2*s.options.Timeout - session.ExpiryGrace)
	var members []any
	for _, e := range dead {
		if e.added.Before(old) {
			members = append(members, e.String())
		}
	}
	if len(members) > 0 {
		_ = s.delist(ctx, principal, members...)
	}
}
