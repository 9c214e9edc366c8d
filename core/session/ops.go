package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// An op is one change that the request made. Its operations are kept until they
// are saved, so that they can be applied again on what another request wrote.
type op struct {
	kind   opKind
	key    string
	raw    []byte                                                      // set: the new value; pop: the one that was taken
	codec  Codec                                                       // set: of the new value
	update func(codec Codec, old []byte, present bool) ([]byte, error) // update
	flash  []flash                                                     // flash: added; flashes: taken
	d      time.Duration                                               // setIdle
	at     time.Time                                                   // setLifetime
	on     bool                                                        // setPersistent
}

type opKind int

const (
	opSet opKind = iota
	opDelete
	opClear
	opUpdate
	opPop
	opFlash
	opFlashes
	opSetIdle
	opSetLifetime
	opSetPersistent
)

// apply makes the change in st. On an error st is as before.
func (o *op) apply(m *Manager, st *state) error {
	v := st.values
	switch o.kind {
	case opSet:
		if v.codec.Name() != o.codec.Name() {
			if v.len() > 0 {
				return fmt.Errorf("%w: the codec of its values is another now", ErrConflict)
			}
			v.codec = o.codec
		}
		v = v.with(o.key, o.raw)
	case opDelete:
		v = v.without(o.key)
	case opClear:
		v = values{codec: v.codec}
	case opUpdate:
		old, ok := v.get(o.key)
		raw, err := o.update(v.codec, old, ok)
		if err != nil {
			return err
		}
		v = v.with(o.key, raw)
	case opPop:
		if now, ok := v.get(o.key); !ok || !bytes.Equal(now, o.raw) {
			return fmt.Errorf("%w: another request took or replaced the value of %q", ErrConflict, o.key)
		}
		v = v.without(o.key)
	case opFlash:
		stored, _ := v.flashes()
		raw, err := json.Marshal(append(stored, o.flash...))
		if err != nil {
			return err
		}
		v = v.with(flashKey, raw)
	case opFlashes:
		stored, _ := v.flashes()
		left := slices.DeleteFunc(stored, func(f flash) bool {
			return slices.ContainsFunc(o.flash, func(taken flash) bool { return taken.ID == f.ID })
		})
		if v = v.without(flashKey); len(left) > 0 {
			raw, err := json.Marshal(left)
			if err != nil {
				return err
			}
			v = v.with(flashKey, raw)
		}
	case opSetIdle:
		st.rec.IdleTimeout = o.d
	case opSetLifetime:
		st.rec.LifetimeEnd = o.at
	case opSetPersistent:
		st.rec.Persistent = o.on
	}
	switch o.kind {
	case opSet, opUpdate, opFlash:
		if size := v.size(); size > m.opts.MaxSize {
			return fmt.Errorf("%w: %d bytes with %q, and Options.MaxSize is %d", ErrTooLarge, size, o.key, m.opts.MaxSize)
		}
	}
	st.values = v
	if o.setting() {
		st.rec.seen(st.rec.LastSeen)
	}
	return nil
}

// setting tells whether the operation concerns the record and the cookie
// rather than the values.
func (o *op) setting() bool { return o.kind >= opSetIdle }

// change makes a change now and keeps it for the save; mu is held.
func (s *Session) change(o op) {
	if s.err != nil {
		return
	}
	if err := o.apply(s.m, &s.cur); err != nil {
		s.err = err
		return
	}
	s.ops = append(s.ops, o)
}

// invalid keeps the error of a wrong argument; mu is held.
func (s *Session) invalid(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
}

// checkKey tells whether a name may be used; mu is held.
func (s *Session) checkKey(key string) bool {
	switch {
	case key == "" || len(key) > maxKey:
		s.invalid("the key %.40q has %d bytes; a key has 1 to %d", key, len(key), maxKey)
	case key[0] == '_':
		s.invalid("the key %q begins with \"_\", which is reserved", key)
	default:
		return true
	}
	return false
}

// Has tells whether the session has a value under the name.
func (s *Session) Has(name string) bool {
	s.lock()
	defer s.mu.Unlock()
	_, ok := s.cur.values.get(name)
	return ok && !reserved(name)
}

// Delete deletes the value under the name, if there is one.
func (s *Session) Delete(name string) {
	s.lock()
	defer s.mu.Unlock()
	if _, ok := s.cur.values.get(name); ok && !reserved(name) {
		s.change(op{kind: opDelete, key: name})
	}
}

// Keys returns the names of all values, sorted.
func (s *Session) Keys() []string {
	s.lock()
	defer s.mu.Unlock()
	names := make([]string, 0, s.cur.values.len())
	for _, e := range s.cur.values.apart(0) {
		if !reserved(e.key) {
			names = append(names, e.key)
		}
	}
	return names
}

// Len returns how many values the session has.
func (s *Session) Len() int { return len(s.Keys()) }

// Clear deletes all values and flash messages. The session stays, with its
// principal and token; see Destroy to end it.
func (s *Session) Clear() {
	s.lock()
	defer s.mu.Unlock()
	if s.cur.values.len() > 0 {
		s.change(op{kind: opClear})
	}
}

func reserved(name string) bool { return name != "" && name[0] == '_' }

// SetIdleTimeout sets how long after its last use this session ends, in place
// of Options.IdleTimeout; 0 is never. It must not be negative. The next login
// begins with Options.IdleTimeout again.
func (s *Session) SetIdleTimeout(d time.Duration) {
	s.lock()
	defer s.mu.Unlock()
	if d < 0 {
		s.invalid("SetIdleTimeout(%v): give a positive duration, or 0 for none", d)
		return
	}
	s.change(op{kind: opSetIdle, d: micros(d)})
}

// SetLifetime ends this session d from now, in place of Options.Lifetime, and
// sets the age of its cookie, which is sent again: see SetPersistent. It must be
// positive and at most 400 days. The next login begins a lifetime of
// Options.Lifetime again.
func (s *Session) SetLifetime(d time.Duration) {
	s.lock()
	defer s.mu.Unlock()
	if d <= 0 || d > maxLifetime {
		s.invalid("SetLifetime(%v): give a positive duration of at most 400 days", d)
		return
	}
	s.change(op{kind: opSetLifetime, at: s.m.now().Add(micros(d))})
}

// SetPersistent sets whether the cookie outlives the browser, in place of
// Options.Cookie.BrowserSession. It sends the cookie again, so it is best called
// together with Login, whose session otherwise follows the option again: if a
// parallel response sets the cookie too, the browser keeps the one that arrives last.
func (s *Session) SetPersistent(on bool) {
	s.lock()
	defer s.mu.Unlock()
	s.change(op{kind: opSetPersistent, on: on})
}
