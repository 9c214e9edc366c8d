package interleave

import (
	"context"
	"net/http"
)

func (w *world) ungated() context.Context { return context.Background() }

// verdict judges a run that is over: by what holds whatever was done, and by the
// scenario's own law.
func (w *world) verdict() []string {
	w.schedule.mu.Lock()
	w.schedule.open = true
	w.schedule.mu.Unlock()
	for _, r := range w.requests {
		want := r.op.status
		if r.op.Name == Reauthenticates.Name && r.view.Principal == "" {
			want = http.StatusForbidden // nobody is signed in
		}
		switch {
		case r.panicked != nil && r.op.Name != Panics.Name:
			w.breaks("PANIC: %s: %v", r.name, r.panicked)
		case r.status != http.StatusOK && r.status != http.StatusConflict && r.status != want && (r.status != http.StatusServiceUnavailable || w.faulted == 0):
			w.breaks("ANSWER: %s was answered %d", r.name, r.status)
		case r.cookies > 1:
			w.breaks("COOKIE: %s was answered with %d cookies", r.name, r.cookies)
		case r.removed && r.op.ends != byDestroy:
			w.breaks("COOKIE: %s made the browser forget its token", r.name)
		case r.token != "" && !r.ok() && !(r.status == http.StatusServiceUnavailable && r.op.moves):
			w.breaks("COOKIE: %s was answered %d with a token", r.name, r.status)
		}
	}
	if w.judge != nil {
		w.judge(w)
	}
	return w.broken
}

// both has a run judged by several laws.
func both(judges ...func(*world)) func(*world) {
	return func(w *world) {
		for _, j := range judges {
			j(w)
		}
	}
}
