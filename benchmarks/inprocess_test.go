package benchmarks

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheClientAllocatesNothingOfItsOwn(t *testing.T) {
	set := []string{"session=" + strings.Repeat("x", 1500) + "; Path=/"}
	c := newInProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Set-Cookie"] = set }))
	r, err := prepare(c.ctx, Change, "")
	if err != nil {
		t.Fatal(err)
	}
	c.call(r)
	if n := testing.AllocsPerRun(100, func() { c.call(r) }); n != 0 {
		t.Errorf("%v allocations of the client are counted as the handler's", n)
	}
}

func TestAnAnswerWithoutItsCookieEndsTheRun(t *testing.T) {
	site, err := newNone(Env{})
	if err != nil {
		t.Fatal(err)
	}
	c := newInProcess(site)
	for _, w := range Works() {
		if !w.Cookie {
			continue
		}
		w.Route = Untouched // the same answer, without a cookie
		requests, err := c.prepareCalls(w, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.measureCalls(w, requests, time.Millisecond); err == nil {
			t.Errorf("%s without a cookie is taken for a good answer", w.Name)
		}
	}
}

func TestABudgetThatIsMissedLooksMissed(t *testing.T) {
	if b := atLeast("x", 0.966, 0.97, times); b.Met || "at least "+b.Measured == b.Want {
		t.Errorf("%+v", b)
	}
	if b := atMost("x", 1.1004, 1.1, times); b.Met || "at most "+b.Measured == b.Want {
		t.Errorf("%+v", b)
	}
}

// TestTheNearCacheIsWarmWhenRoundTripsAreCounted: and what it asks Redis by itself is not counted.
func TestTheNearCacheIsWarmWhenRoundTripsAreCounted(t *testing.T) {
	p := newPark(t)
	for _, c := range p.able() {
		if c.Name != SeshatNear {
			continue
		}
		counted, err := countRoundTrips(c, p.env(t))
		if err != nil {
			t.Fatal(err)
		}
		if n := counted["read"].Trips; n != 0 {
			t.Errorf("read, warm: %v round trips", n)
		}
	}
}
