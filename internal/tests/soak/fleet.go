package soak

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/examples"
)

// A fleet is the processes of one application: a shop of each framework, which
// share their servers. A process that is replaced keeps its place.
type fleet struct {
	t    testing.TB // with which every process ends, also one that replaces another
	apps []examples.App
	env  [][]string // of each place
	dir  string
	http *http.Client
	urls []string // of what answers in their place, if given

	mu    sync.Mutex
	shops []*examples.Process // by place
	all   []*examples.Process // ever started
}

// patience is how long a browser waits for an answer: longer than any limit,
// so that what hangs is known to hang.
const patience = 90 * time.Second

// begin starts a shop at each place.
func (f *fleet) begin(t testing.TB, env [][]string) {
	t.Helper()
	f.t, f.env, f.dir, f.shops = t, env, t.TempDir(), make([]*examples.Process, len(f.apps))
	f.http = newClient(t)
	for place := range f.apps {
		f.start(place)
	}
}

func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 20, IdleConnTimeout: 30 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// start puts a new process in a place, and returns the one that was there.
func (f *fleet) start(place int) (before *examples.Process) {
	f.t.Helper()
	p := f.apps[place].Start(f.t, f.dir, f.env[place]...)
	f.mu.Lock()
	defer f.mu.Unlock()
	before = f.shops[place]
	f.shops[place] = p
	f.all = append(f.all, p)
	return before
}

func (f *fleet) shop(place int) *examples.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shops[place]
}

func (f *fleet) url(place int) string {
	if f.urls != nil {
		return f.urls[place]
	}
	return f.shop(place).URL
}

// started are all processes that ever ran.
func (f *fleet) started() []*examples.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*examples.Process(nil), f.all...)
}

// ask is one request to be made.
type ask struct {
	kind        Kind
	place       int
	token       string
	item, user  string
	peers       int
	handWritten string // a Cookie header
}

var paths = map[Kind]string{
	Read: "/api/session", Forged: "/api/session", Stolen: "/api/session", Page: "/",
	Add: "/cart", Remove: "/cart/remove", Login: "/login", Logout: "/logout", Health: "/healthz",
}

// send makes the request and reads the answer.
func (f *fleet) send(a ask) *Exchange {
	x := &Exchange{Kind: a.kind, Process: f.apps[a.place].Name, Token: a.token, Item: a.item, User: a.user, Peers: max(a.peers, 1)}
	method, form := http.MethodGet, url.Values{}
	switch a.kind {
	case Add, Remove:
		method, form = http.MethodPost, url.Values{"item": {a.item}}
	case Login:
		method, form = http.MethodPost, url.Values{"user": {a.user}}
	case Logout:
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, f.url(a.place)+paths[a.kind], strings.NewReader(form.Encode()))
	if err != nil {
		x.Err = err.Error()
		return x
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.token != "" {
		r.Header.Set("Cookie", cookieName+"="+a.token)
	}
	if a.handWritten != "" {
		r.Header.Set("Cookie", a.handWritten)
	}
	x.Sent = time.Now()
	res, err := f.http.Do(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	x.Done = time.Now()
	if err != nil {
		x.Err = err.Error()
		return x
	}
	x.Status = res.StatusCode
	for _, c := range res.Cookies() {
		if c.Name == cookieName && (c.MaxAge < 0 || c.Value == "") {
			x.Dropped = true
		} else if c.Name == cookieName {
			x.NewToken = c.Value
		}
	}
	if x.Status == http.StatusOK && a.kind != Health {
		x.Shown = shown(a.kind, body)
		if x.Shown == nil {
			x.Err = "cannot be read: " + string(body)
		}
	}
	return x
}

var (
	inCart   = regexp.MustCompile(`name="item" value="([^"]*)" aria-label="Remove `)
	signedIn = regexp.MustCompile(`Signed in as <strong>([^<]*)</strong>`)
)

// shown reads what an answer says of the session, nil if it is not whole.
func shown(kind Kind, body []byte) *Shown {
	if kind != Page {
		s := &Shown{}
		if err := json.Unmarshal(body, s); err != nil {
			return nil
		}
		return s
	}
	if !strings.HasSuffix(strings.TrimSpace(string(body)), "</html>") {
		return nil
	}
	s := &Shown{Page: true}
	if m := signedIn.FindSubmatch(body); m != nil {
		s.User = string(m[1])
	}
	for _, m := range inCart.FindAllSubmatch(body, -1) {
		s.Cart = append(s.Cart, string(m[1]))
	}
	return s
}
