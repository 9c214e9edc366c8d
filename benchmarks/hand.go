package benchmarks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// handSession is a session as somebody writes it who knows its keys: a struct,
// which encoding/json reads several times faster than a map.
type handSession struct {
	Name        string            `json:"name,omitempty"`
	Count       int               `json:"count,omitempty"`
	Email       string            `json:"email,omitempty"`
	Locale      string            `json:"locale,omitempty"`
	Theme       string            `json:"theme,omitempty"`
	Timezone    string            `json:"timezone,omitempty"`
	CSRF        string            `json:"csrf,omitempty"`
	Cart        string            `json:"cart,omitempty"`
	Permissions string            `json:"permissions,omitempty"`
	Preferences string            `json:"preferences,omitempty"`
	User        string            `json:"user,omitempty"`
	Other       map[string]string `json:"other,omitempty"` // what is not known beforehand
}

// handStore is where the session is kept: one command or statement each.
type handStore interface {
	load(ctx context.Context, token string) ([]byte, error)
	save(ctx context.Context, token string, data []byte) error
	remove(ctx context.Context, token string) error
}

// handLifetime is how long a hand-written session lives.
const handLifetime = 14 * 24 * time.Hour

var errNoSession = errors.New("benchmarks: no such session")

// hand is the session that a careful person writes without a library: the
// whole of it is loaded where it is used, and saved where it was changed.
type hand struct {
	store handStore
	env   Env
}

func (h hand) load(r *http.Request) (token string, s handSession, err error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", s, errNoSession
	}
	data, err := h.store.load(r.Context(), cookie.Value)
	if err != nil {
		return "", s, err
	}
	return cookie.Value, s, json.Unmarshal(data, &s)
}

func (h hand) save(r *http.Request, token string, s *handSession) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return h.store.save(r.Context(), token, data)
}

// begin saves the session under a new token and sets the cookie.
func (h hand) begin(w http.ResponseWriter, r *http.Request, s *handSession) error {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(random[:])
	if err := h.save(r, token, s); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: int(handLifetime / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// change loads the session, changes and saves it.
func (h hand) change(w http.ResponseWriter, r *http.Request, change func(*handSession)) {
	token, s, err := h.load(r)
	if err == nil {
		change(&s)
		err = h.save(r, token, &s)
	}
	if err != nil {
		fail(w, err)
		return
	}
	ok(w)
}

func (h hand) routes() http.Handler {
	fill := func(w http.ResponseWriter, r *http.Request) {
		s, err := handValues(r.URL.Path)
		if err == nil {
			err = h.begin(w, r, s)
		}
		if err != nil {
			fail(w, err)
			return
		}
		ok(w)
	}
	return newMux(map[string]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) { ok(w) },
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, s, err := h.load(r)
			if err != nil {
				fail(w, err)
				return
			}
			_, _ = io.WriteString(w, s.Name)
		},
		Change: func(w http.ResponseWriter, r *http.Request) {
			h.change(w, r, func(s *handSession) { s.Count = next() })
		},
		First: func(w http.ResponseWriter, r *http.Request) {
			if err := h.begin(w, r, &handSession{Count: next()}); err != nil {
				fail(w, err)
				return
			}
			ok(w)
		},
		Login: func(w http.ResponseWriter, r *http.Request) {
			old, s, err := h.load(r)
			if err == nil {
				s.User = user()
				err = h.begin(w, r, &s)
			}
			if err == nil {
				err = h.store.remove(r.Context(), old)
			}
			if err != nil {
				fail(w, err)
				return
			}
			ok(w)
		},
		Fill:      fill,
		FillBig:   fill,
		Anonymous: fill,
		Mark: func(w http.ResponseWriter, r *http.Request) {
			h.change(w, r, func(s *handSession) {
				h.env.loaded()
				if s.Other == nil {
					s.Other = make(map[string]string)
				}
				s.Other[r.URL.RawQuery] = "true"
			})
		},
		Marks: func(w http.ResponseWriter, r *http.Request) {
			_, s, err := h.load(r)
			if err != nil {
				fail(w, err)
				return
			}
			_, _ = io.WriteString(w, markedIn(func(name string) bool { return s.Other[name] != "" }))
		},
	})
}

// handValues is the struct with what a route puts into a session.
func handValues(route string) (*handSession, error) {
	data, err := json.Marshal(filled(route))
	if err != nil {
		return nil, err
	}
	var s handSession
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if route == FillBig {
		s.Other = make(map[string]string)
		for key, value := range bigValues() {
			s.Other[key], _ = value.(string)
		}
	}
	return &s, nil
}
