package interleave

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// IDs, marks and tokens are random. So that a state of one run can be known
// again in another, they get names by who made them first.

// meet names what a request brings to the store.
func (w *world) meet(r *request, id session.ID, mark [8]byte) {
	w.naming.Lock()
	defer w.naming.Unlock()
	by := r
	if by == nil {
		by = w.setup
	}
	if _, known := w.ids[id]; id != "" && !known {
		by.made++
		w.ids[id] = fmt.Sprint(by.name, ".", by.made)
		w.order = append(w.order, id)
		w.maker[id] = r
	}
	if _, known := w.marks[mark]; !known {
		by.marked++
		w.marks[mark] = fmt.Sprint(by.name, ".", by.marked)
	}
}

func (w *world) id(id session.ID) string {
	w.naming.Lock()
	defer w.naming.Unlock()
	if name, known := w.ids[id]; known || id == "" {
		return name
	}
	return "unknown"
}

var flashID = regexp.MustCompile(`"id":"[A-Z2-7]+"`)

// describe tells all of a record that the future depends on.
func (w *world) describe(rec session.Record, err error) string {
	switch {
	case errors.Is(err, session.ErrNotFound):
		return "nothing"
	case err != nil:
		return err.Error()
	case rec.MovedTo != "":
		return fmt.Sprint("v", rec.Version, " moved to ", w.id(rec.MovedTo))
	}
	w.naming.Lock()
	mark := w.marks[rec.Mark]
	w.naming.Unlock()
	payload := string(rec.Payload)
	if strings.Contains(payload, `"id":"`) {
		payload = flashID.ReplaceAllString(payload, "")
	}
	principal, _, _ := strings.Cut(rec.Principal, "-")
	payload = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, payload)
	if w.Most > 0 {
		principal += fmt.Sprint(rec.Created.Sub(w.started))
	}
	return fmt.Sprintf("v%d/%s/%s/%v/%v/%v/%s", rec.Version, mark, principal, w.since(rec.LastSeen), w.since(rec.Expires), w.since(rec.LifetimeEnd), payload)
}

func (w *world) since(t time.Time) time.Duration { return t.Sub(w.started).Truncate(time.Second) }

// key is all that the rest of the run depends on.
func (w *world) key() []byte {
	var b strings.Builder
	ctx := context.Background()
	truth, cache := w.truth.inner, w.cache.inner
	if w.truth.twin != nil {
		truth, cache = w.truth.twin, w.cache.twin
	}
	for _, id := range w.order {
		rec, err := truth.Load(ctx, id)
		fmt.Fprint(&b, w.ids[id], "=", w.describe(rec, err))
		if cache != nil {
			e, err := cache.Get(ctx, id)
			fmt.Fprint(&b, "|", w.describe(e.Record, err), "|", w.leases[id].by)
		}
		b.WriteByte('\n')
	}
	for _, g := range w.sorted() {
		fmt.Fprintln(&b, g.by.name, g.what, g.landing())
	}
	for _, r := range w.requests {
		if r.done && w.faulted == 0 {
			fmt.Fprintln(&b, r.name, r.summary(w))
		} else {
			fmt.Fprintln(&b, r.name, r.summary(w), r.history.String())
		}
	}
	fmt.Fprintln(&b, w.faults, w.evictions, w.clock.offset(), w.jarName(), w.ended, w.answers)
	if w.One {
		fmt.Fprintln(&b, w.latest)
	}
	return []byte(b.String())
}
