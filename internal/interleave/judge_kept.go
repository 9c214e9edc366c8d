package interleave

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seshat-go/seshat/core/session"
)

// views is what the tokens that responses carried open, each session once.
func (w *world) views() []View {
	var out []View
	for _, t := range w.tokens {
		for p := range w.processes {
			v, status := w.visit(t.token, p)
			if status != http.StatusOK {
				w.breaks("a request from afterwards was answered %d", status)
			}
			known := slices.IndexFunc(out, func(o View) bool { return o.ID == v.ID })
			switch {
			case v.ID == "":
			case known < 0:
				out = append(out, v)
			case out[known] != v:
				w.breaks("STALE: process %d finds %v, another %v", p, v, out[known])
			}
			if w.cache.inner == nil {
				break
			}
		}
	}
	return out
}

// only returns the one session that there is, if nothing is unsettled.
func (w *world) only() (View, bool) {
	var main []View
	for _, v := range w.views() {
		if w.root(v.ID) == w.start {
			main = append(main, v)
		}
	}
	if w.unsettled(w.start) {
		return View{}, false
	}
	if len(main) != 1 {
		w.breaks("SPLIT: %d sessions came of one that nobody ended", len(main))
		return View{}, false
	}
	return main[0], true
}

func (r *request) ok() bool { return r.status == http.StatusOK }

// keeps checks law 1: of every request that was answered with success the
// change is there, once, and of no other that was told no.
func keeps(w *world) {
	v, ok := w.only()
	if !ok {
		return
	}
	exact, most := 0, 0
	popped, overwritten := 0, false
	shown, flashed, perhaps := map[string]int{}, map[string]bool{}, false
	for _, r := range w.requests {
		same := w.root(r.view.ID) == w.start // else it found no session and began one
		if same && r.ok() {
			exact += r.op.adds
		}
		if same && (r.status != http.StatusConflict || r.op.Name == Saves.Name) {
			most += r.op.adds
		}
		switch r.op.Name {
		case Sets.Name, Sets2.Name:
			key := map[string]string{Sets.Name: "one", Sets2.Name: "two"}[r.op.Name]
			if same && r.ok() && !slices.Contains(strings.Fields(v.Keys), key) {
				w.breaks("LOST: what %s set is gone", r.name)
			}
		case SetsName.Name:
			overwritten = overwritten || r.ok()
		case Pops.Name:
			if r.ok() && r.got == "once" {
				popped++
			}
		case Flashes.Name, Flashes2.Name:
			text := map[string]string{Flashes.Name: "first", Flashes2.Name: "second"}[r.op.Name]
			if same && r.ok() {
				flashed[text] = true
			}
		case Shows.Name:
			perhaps = perhaps || !r.ok() // it may have taken what it did not show
			for _, text := range r.flashes {
				if r.ok() {
					shown[text]++
				}
			}
		}
	}
	if v.Count < exact || v.Count > most {
		w.breaks("LOST: counted %d, want %d to %d", v.Count, exact, most)
	}
	if popped > 1 || popped == 1 && v.Name == "once" {
		w.breaks("LOST: %d requests popped one value, and %q is there", popped, v.Name)
	}
	if popped == 0 && !overwritten && w.faulted == 0 && v.Name != "once" {
		w.breaks("LOST: nobody popped the value, and %q is there", v.Name)
	}
	if len(flashed) == 0 && len(shown) == 0 {
		return
	}
	last := &request{w: w, came: w.tokenOf(v.ID), op: Shows}
	last.serve(w.ungated())
	for _, text := range last.flashes {
		shown[text]++
	}
	for text, n := range shown {
		if n > 1 {
			w.breaks("TWICE: the message %q was shown %d times", text, n)
		}
	}
	for text := range flashed {
		if shown[text] == 0 && !perhaps {
			w.breaks("LOST: the message %q was shown to nobody", text)
		}
	}
}

func (w *world) tokenOf(id session.ID) string {
	for _, t := range w.tokens {
		if t.id == id {
			return t.token
		}
	}
	return ""
}

// seen checks law 3: whoever began after an answer sees what it wrote; and
// law 8: nobody is answered with success who was shown no session for a fault.
func seen(w *world) {
	for _, r := range w.requests {
		if !r.ok() || r.op.blind || r.came == "" {
			continue
		}
		least, moved := 0, false
		var keys []string
		for _, o := range w.requests {
			if moved = moved || o != r && o.op.moves && !slices.Contains(r.sawAnswered, o); o == r {
				continue
			}
			if !slices.Contains(r.sawAnswered, o) || !o.ok() || o.view.ID == "" || w.root(o.view.ID) != w.root(r.view.ID) {
				continue
			}
			least += o.op.adds
			switch o.op.Name {
			case Sets.Name:
				keys = append(keys, "one")
			case Sets2.Name:
				keys = append(keys, "two")
			}
		}
		switch {
		case r.view.ID == "" && !moved:
			w.breaks("SIGNED OUT: %s found no session, though nobody ended it", r.name)
		case r.view.ID == "" || w.unsettled(r.view.ID):
		case r.view.Count < least:
			w.breaks("STALE: %s counts %d, and %d had been answered", r.name, r.view.Count, least)
		default:
			for _, key := range keys {
				if !slices.Contains(strings.Fields(r.view.Keys), key) {
					w.breaks("STALE: %s finds %q, and %q had been set", r.name, r.view.Keys, key)
				}
			}
		}
	}
}
