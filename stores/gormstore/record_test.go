package gormstore_test

import (
	"testing"
	"testing/quick"
	"time"

	"github.com/seshat-go/seshat/stores/gormstore"
)

const micro = int64(time.Microsecond)

// Never after the expiry, so that Purge misses nothing; not long before it, so
// that Purge finds little in vain.
func TestTheIndexOfPurgeIsARoundedDownExpiry(t *testing.T) {
	property := func(a, b uint32, unit uint8) bool {
		scale := int64(1) << (unit % 31)
		lastSeen, expires := int64(a)*scale, int64(b)*scale
		got := gormstore.PurgeAfterOf(lastSeen, expires)
		early := expires - got
		return got >= 0 && early >= 0 && early <= max(0, (expires-lastSeen)/2) && early < int64(20*time.Hour)/micro
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 100_000}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ lastSeen, expires, want int64 }{
		{0, 0, 0}, {5, 5, 5}, {9, 5, 5}, {0, 1, 1}, {0, 3, 3}, {0, 4, 4}, {0, 5, 4}, {100, 109, 108}, {0, 1 << 62, 1 << 62}, {0, 1<<62 - 1, 1<<62 - 1<<36},
	} {
		if got := gormstore.PurgeAfterOf(c.lastSeen, c.expires); got != c.want {
			t.Errorf("last seen %d, expires %d: got %d, want %d", c.lastSeen, c.expires, got, c.want)
		}
	}
}

// A session in constant use, touched at the rate of the engine.
func TestMostTouchesLeaveTheIndexOfPurgeAlone(t *testing.T) {
	for _, c := range []struct {
		idle  time.Duration
		moves float64 // at most this part of the touches
	}{
		{10 * time.Minute, 0.5}, {30 * time.Minute, 0.5}, {12 * time.Hour, 0.4}, {24 * time.Hour, 0.15}, {14 * 24 * time.Hour, 0.06}, {400 * 24 * time.Hour, 0.06},
	} {
		idle, every := c.idle.Microseconds(), min(c.idle/10, time.Hour).Microseconds()
		now, moves := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), 0
		last := gormstore.PurgeAfterOf(now, now+idle)
		const touches = 2000
		for range touches {
			now += every
			if at := gormstore.PurgeAfterOf(now, now+idle); at != last {
				moves, last = moves+1, at
			}
		}
		if part := float64(moves) / touches; part > c.moves {
			t.Errorf("idle timeout %v: %.2f of the touches move the index, want at most %.2f", c.idle, part, c.moves)
		}
	}
}
