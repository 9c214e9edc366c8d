package session

import (
	"crypto/rand"
	"encoding/json"
	"errors"
)

// A Flash is a message for the next page that the user sees.
type Flash struct {
	Kind string // of the application's choice: "info", "error"
	Text string
}

// flash is a Flash as stored. Its ID lets a request take just the messages that
// it showed.
type flash struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

const flashKey = "_flash"

var errFlashes = errors.New("not a list of messages")

// flashes returns the stored messages; what cannot be read is none, and not whole.
func (v values) flashes() (out []flash, whole bool) {
	raw, ok := v.get(flashKey)
	if !ok {
		return nil, true
	}
	if json.Unmarshal(raw, &out) != nil {
		return nil, false
	}
	return out, true
}

// Flash adds a message, to be shown once by the page that calls Flashes.
func (s *Session) Flash(kind, text string) {
	s.lock()
	defer s.mu.Unlock()
	s.change(op{kind: opFlash, key: "flash", flash: []flash{{rand.Text(), kind, text}}})
}

// Flashes returns the messages in the order they were added, and removes
// exactly these: one that a parallel request adds meanwhile stays for the next
// page. It is a write only if there are any.
func (s *Session) Flashes() []Flash {
	s.lock()
	defer s.mu.Unlock()
	stored, whole := s.cur.values.flashes()
	if !whole {
		s.m.event(s.ctx(), Event{Kind: EventUndecodable, ID: s.id, Op: "get", Key: "flash", Err: errFlashes})
	}
	if len(stored) == 0 {
		return nil
	}
	out := make([]Flash, len(stored))
	for i, f := range stored {
		out[i] = Flash{f.Kind, f.Text}
	}
	s.change(op{kind: opFlashes, flash: stored})
	return out
}
