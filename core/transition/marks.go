package transition

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// What a store says of an ID.
type kind int

const (
	absent   kind = iota
	plain         // a session, or the moved mark of a renewal: the affair of the engine
	migrated      // ask the new store
	ended         // there is no such session any more, in neither store
)

// Marks are records like those of a renewal, so that every store can keep them, and
// a process outside of the transition that meets one sees a session that moved:
// it gives no access and takes no write. Such a record names itself as its
// successor if the session has migrated, and endedID, which nobody has, if it ended.
var endedID = func() session.ID {
	sum := sha256.Sum256([]byte("seshat: a session that ended while it was moved to another store"))
	return session.ID(base64.RawURLEncoding.EncodeToString(sum[:]))
}()

const (
	// markLife is as long as a session can live: a mark outlives every copy that was
	// made before it.
	markLife = 400 * 24 * time.Hour
	// The version of a mark is that of what it replaced and one of these: a request
	// that knows a version of the session never knows that of a mark, and a mark of
	// one kind is never taken for one of the other.
	migratedStep = 1 << 48
	endedStep    = 1 << 49
)

func kindOf(id session.ID, rec *session.Record) kind {
	switch rec.MovedTo {
	case id:
		return migrated
	case endedID:
		return ended
	}
	return plain
}

// mark is what replaces version of a record. The store keeps the LastSeen of that.
func mark(to session.ID, version uint64) session.Record {
	end := time.Now().UTC().Truncate(time.Microsecond).Add(markLife)
	rec := session.Record{Version: version, Expires: end, LifetimeEnd: end, MovedTo: to}
	_, _ = rand.Read(rec.Mark[:])
	return rec
}

// migratedMark keeps the place that rec has in an index by time.
func migratedMark(id session.ID, rec *session.Record) session.Record {
	m := mark(id, rec.Version+migratedStep)
	m.Created = rec.Created
	return m
}

func endedMark(version uint64) session.Record { return mark(endedID, version+endedStep) }
