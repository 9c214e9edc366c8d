package session

import (
	"bytes"
	"fmt"
)

// A Key names a value of type T in sessions. Make keys once, as package
// variables. Two keys of one name and different types see the same value; what
// does not decode into T is an absent value and an EventUndecodable, since types
// change between deployments.
type Key[T any] struct{ name string }

// NewKey returns the key of a name: 1 to 255 bytes, any but a leading "_",
// which is reserved. A wrong name is an error of the session where it is used.
func NewKey[T any](name string) Key[T] { return Key[T]{name} }

// Name returns the name, as Has and Keys know it.
func (k Key[T]) Name() string { return k.name }

// Get returns the value, or the zero value of T if there is none. It is decoded
// afresh: changing it does not change the session.
func (k Key[T]) Get(s *Session) T {
	v, _ := k.Lookup(s)
	return v
}

// Lookup is Get and tells whether there is a value.
func (k Key[T]) Lookup(s *Session) (T, bool) {
	s.lock()
	defer s.mu.Unlock()
	v, _, ok := k.lookup(s)
	return v, ok
}

func (k Key[T]) lookup(s *Session) (v T, raw []byte, ok bool) {
	if !s.checkKey(k.name) {
		return v, nil, false
	}
	if raw, ok = s.cur.values.get(k.name); !ok {
		return v, nil, false
	}
	v, ok = k.decode(s, s.id, s.cur.values.codec, raw)
	return v, raw, ok
}

func (k Key[T]) decode(s *Session, id ID, codec Codec, raw []byte) (T, bool) {
	var v T
	if err := codec.Unmarshal(raw, &v); err != nil {
		var zero T
		// The cause may quote the value, so it stays here.
		s.m.event(s.ctx(), Event{Kind: EventUndecodable, ID: id, Op: "get", Key: k.name, Err: fmt.Errorf("not a %T", zero)})
		return zero, false
	}
	return v, true
}

func (k Key[T]) encode(codec Codec, v T) ([]byte, error) {
	raw, err := codec.Marshal(v)
	if err != nil {
		return nil, &encodeError{k.name, fmt.Sprintf("%T", v), err}
	}
	return raw, nil
}

// encodeError is ErrInvalid, and leads to the cause. Its text leaves the cause
// out, since that may quote the value.
type encodeError struct {
	key, of string
	cause   error
}

func (e *encodeError) Error() string {
	return fmt.Sprintf("%v: the value of %q, a %s, cannot be encoded", ErrInvalid, e.key, e.of)
}

func (e *encodeError) Unwrap() []error { return []error{ErrInvalid, e.cause} }

// Set sets the value. It is encoded at once: changing v later does not change
// the session. Of parallel requests that set one key, one wins.
func (k Key[T]) Set(s *Session, v T) {
	s.lock()
	defer s.mu.Unlock()
	if !s.checkKey(k.name) {
		return
	}
	codec := s.cur.values.codec
	raw, err := k.encode(codec, v)
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		return
	}
	s.change(op{kind: opSet, key: k.name, raw: raw, codec: codec})
}

// Delete deletes the value, if there is one.
func (k Key[T]) Delete(s *Session) { s.Delete(k.name) }

// Pop returns the value and deletes it. Of parallel requests that pop one
// value, one answers with success; the others are ErrConflict when they save.
// It suits one-time values such as an OAuth state.
func (k Key[T]) Pop(s *Session) (T, bool) {
	s.lock()
	defer s.mu.Unlock()
	v, raw, ok := k.lookup(s)
	if ok {
		s.change(op{kind: opPop, key: k.name, raw: raw})
	}
	return v, ok
}

// Update sets the value to f of the present one (the zero value of T if there
// is none), exactly once for each request that succeeds, also among parallel
// ones: f runs again on what another request wrote. So f must be pure: it may
// run several times, and must neither use the session nor change what it got
// in place if others hold it.
func (k Key[T]) Update(s *Session, f func(T) T) {
	s.lock()
	defer s.mu.Unlock()
	id := s.id
	update := func(codec Codec, old []byte, present bool) ([]byte, error) {
		var v T
		if present {
			v, _ = k.decode(s, id, codec, old)
		}
		return k.encode(codec, f(v))
	}
	if !s.checkKey(k.name) || s.err != nil {
		return
	}
	for range maxAttempts {
		codec := s.cur.values.codec
		old, present := s.cur.values.get(k.name)
		raw, err := s.unlocked(func() ([]byte, error) { return update(codec, old, present) })
		if err != nil {
			if s.err == nil {
				s.err = err
			}
			return
		}
		now, still := s.cur.values.get(k.name)
		if still != present || !bytes.Equal(now, old) {
			continue // another goroutine of this request came between
		}
		n := len(s.ops)
		if s.change(op{kind: opSet, key: k.name, raw: raw, codec: codec}); len(s.ops) > n {
			s.ops[n] = op{kind: opUpdate, key: k.name, update: update}
		}
		return
	}
	s.err = fmt.Errorf("%w: the function given to Update of %q changes the session itself", ErrInvalid, k.name)
}

// unlocked runs f without holding mu, so that f cannot block for ever if it
// uses the session after all.
func (s *Session) unlocked(f func() ([]byte, error)) ([]byte, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	return f()
}
