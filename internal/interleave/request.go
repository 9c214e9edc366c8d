package interleave

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/seshat-go/seshat/core/session"
)

// Keys that the operations use.
var (
	count = session.NewKey[int]("count")
	name  = session.NewKey[string]("name")
)

const cookieName = "__Host-session"

// forge makes what has the form of a token, another one for each run.
func forge(run int64) string {
	secret := sha256.Sum256(fmt.Append(nil, "forged for run ", run))
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// idOf is the ID of a token, as package session defines it.
func idOf(token string) session.ID {
	secret, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || token == "" {
		return ""
	}
	sum := sha256.Sum256(append([]byte(cookieName+"\x00"), secret...))
	return session.ID(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// A request is one request of the browser, and all that it saw.
type request struct {
	w       *world
	op      Op
	name    string
	process int
	s       *session.Session
	m       *session.Manager
	ctx     context.Context

	made, marked int // what it brought to the store, for names

	mu      sync.Mutex
	history strings.Builder
	told    strings.Builder // events
	writes  []string        // that it tried on the store
	begun   bool
	done    bool

	// As of its beginning.
	came        string // with this token
	sawEnded    []*request
	sawAnswered []*request
	sawTokens   []issued
	unknown     bool // a write may have taken effect though it failed
	wroteAfter  bool // it tried to write after its session had been ended, and not before
	view        View
	err         error // of what ends sessions
	got         string
	flashes     []string
	status      int
	token       string // that the response set
	removed     bool   // the response removes the cookie
	cookies     int
	panicked    any
	created     map[session.ID]bool
	renewed     map[session.ID]bool
	destroyed   bool
	revoked     bool
	storeErrors int
}

// A View is what a request finds.
type View struct {
	ID        session.ID
	Principal string
	Count     int
	Name      string
	Keys      string
}

func look(s *session.Session) View {
	return View{s.ID(), s.Principal(), count.Get(s), name.Get(s), strings.Join(s.Keys(), " ")}
}

func (r *request) label() string {
	if r == nil {
		return "start"
	}
	return r.name
}

// note keeps what a call was told.
func (r *request) note(what, result string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprint(&r.history, what, "=", result, err, ";")
}

func (r *request) hears(e session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.told, "%+v %v\n", e, e.Err)
	switch e.Kind {
	case session.EventCreated:
		r.created = with(r.created, e.ID)
	case session.EventRenewed:
		r.renewed = with(r.renewed, e.ID)
	case session.EventDestroyed:
		r.destroyed = true
	case session.EventRevoked:
		r.revoked = true
	case session.EventStoreError, session.EventTouchFailed:
		r.storeErrors++
	}
}

func with(m map[session.ID]bool, id session.ID) map[session.ID]bool {
	if m == nil {
		m = make(map[session.ID]bool)
	}
	m[id] = true
	return m
}

// run is the request's own goroutine.
func (r *request) run() {
	ctx := context.WithValue(context.Background(), actorKey{}, r)
	if r.w.moving {
		_ = r.w.at(ctx, call{kind: beginning, what: "begin"}, func(context.Context, bool) (string, error) { return "", nil })
	}
	r.w.schedule.mu.Lock()
	dropped := r.w.dropped
	r.w.schedule.mu.Unlock()
	if !dropped {
		if r.w.moving {
			r.w.mu.Lock()
			r.came = r.w.jar
			r.w.mu.Unlock()
		} else {
			r.came = r.w.first
		}
		if r.op.forged {
			r.came = r.w.forgery
		}
		if r.op.elsewhere {
			r.came = ""
		}
		r.serve(ctx)
	}
	r.w.answered(r)
	r.w.schedule.mu.Lock()
	r.w.rests()
	r.w.schedule.mu.Unlock()
}

// goes is called before a call of the request is let go.
func (r *request) goes(g *gate, v verdict) {
	w := r.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if !r.begun {
		r.begun = true
		r.sawTokens = w.tokens
		for _, o := range w.requests {
			if !o.done {
				continue
			}
			r.sawAnswered = append(r.sawAnswered, o)
			if o.ends() {
				r.sawEnded = append(r.sawEnded, o)
			}
		}
	}
	if g.kind == writing && !g.cache && g.land == nil {
		r.writes = append(r.writes, strings.Fields(g.what)[0])
	}
	if v > reverse && g.kind == writing && !g.cache {
		r.unknown = true
	}
	if g.kind == writing && !g.cache && g.land == nil && r.op.writes && !r.unknown {
		for _, o := range w.requests {
			if o.done && o != r && w.covers(o, r.view.ID, r.view.Principal) && !w.excused(o, r.view.ID) {
				r.wroteAfter = true
			}
		}
	}
}

// ends tells whether the request ended a session, by its own account.
func (r *request) ends() bool {
	return r.op.ends != nothing && r.err == nil && r.status == http.StatusOK
}

// serve sends the request through its manager.
func (r *request) serve(ctx context.Context) {
	m := r.w.processes[min(r.process, len(r.w.processes)-1)].m
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://shop.example/", nil)
	if r.came != "" {
		req.Header.Set("Cookie", cookieName+"="+r.came)
	}
	rec := httptest.NewRecorder()
	func() {
		defer func() { r.panicked = recover() }()
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.s, r.m, r.ctx = m.From(req.Context()), m, req.Context()
			if !r.op.blind {
				r.view = look(r.s)
			}
			if r.op.do != nil {
				r.op.do(r)
			}
			if r.op.status != 0 {
				w.WriteHeader(r.op.status)
			}
		})).ServeHTTP(rec, req)
	}()
	r.status = rec.Code
	for _, c := range rec.Result().Cookies() {
		r.cookies++
		if c.Value != "" {
			r.token = c.Value
		} else {
			r.removed = true
		}
	}
}

// answered is when the browser gets the response.
func (w *world) answered(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	w.answers++
	switch {
	case r.token != "":
		if !r.op.elsewhere {
			w.jar = r.token
		}
		w.tokens = append(w.tokens[:len(w.tokens):len(w.tokens)], issued{r.token, idOf(r.token), r})
	case r.removed:
		w.jar = ""
	}
	if r.ends() {
		w.ended += r.name + ";"
	}
}

// summary is all of a request that judges ask about.
func (r *request) summary(w *world) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprint(&b, r.begun, r.done, w.id(idOf(r.came)), r.wroteAfter, w.id(r.view.ID), r.view.Count, r.view.Name, r.view.Keys, r.view.Principal != "",
		errorName(r.err), r.got, r.flashes, r.status, w.id(idOf(r.token)), r.removed, r.cookies, r.destroyed, r.revoked, r.panicked)
	for _, o := range r.sawAnswered {
		fmt.Fprint(&b, " after ", o.name)
	}
	for _, ids := range []map[session.ID]bool{r.created, r.renewed} {
		b.WriteString("|")
		for _, id := range w.order {
			if ids[id] {
				fmt.Fprint(&b, w.ids[id])
			}
		}
	}
	return b.String()
}

func errorName(err error) string {
	for _, target := range []error{session.ErrNotFound, session.ErrPending, session.ErrSessionEnded, session.ErrUnavailable, session.ErrConflict} {
		if errors.Is(err, target) {
			return target.Error()
		}
	}
	return fmt.Sprint(err)
}

// visit is a request from afterwards with a token.
func (w *world) visit(token string, process int) (View, int) {
	r := &request{w: w, came: token, process: process}
	r.serve(context.Background())
	if r.panicked != nil {
		w.breaks("PANIC: %v", r.panicked)
	}
	if r.view.ID != "" && r.token != "" {
		w.breaks("a request that only read was sent a cookie")
	}
	return r.view, r.status
}
