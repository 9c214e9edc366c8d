package cacheddb_test

import (
	"testing"

	"github.com/seshat-go/seshat/internal/interleave"
)

// The engine over cached_db, over two memory stores: requests stop before each
// call of the cache and before each of the database, and the cache may lose what
// it holds at any moment.

func TestTheEngineLosesNothingInAnyOrderOfCacheAndDatabase(t *testing.T) {
	stores := interleave.CachedMemory()
	interleave.Holds(t, stores, interleave.With(interleave.Few(2, interleave.Law1())[:4], interleave.Evicting(1)))
	interleave.Holds(t, stores, interleave.With(interleave.Few(2, interleave.Law3())[:3], interleave.Evicting(1), interleave.Warmed))
	interleave.Large(t, stores, interleave.With(interleave.Few(2, interleave.Law3()), interleave.Evicting(2), interleave.Faulty(1), interleave.SoundCache))
}

func TestTheEngineEndsSessionsInAnyOrderOfCacheAndDatabase(t *testing.T) {
	stores := interleave.CachedMemory()
	rows := interleave.Law2Pairs()
	interleave.Holds(t, stores, interleave.With(interleave.Staying(rows), interleave.Evicting(1)))
	interleave.Holds(t, stores, interleave.With(interleave.Staying(rows), interleave.Warmed))
	interleave.Large(t, stores, interleave.With(interleave.Moving(rows), interleave.Evicting(1), interleave.Warmed))
	interleave.Large(t, stores, interleave.With(interleave.Staying(rows), interleave.Faulty(1), interleave.SoundCache, interleave.Warmed))
}
