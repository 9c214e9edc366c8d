package benchmarks

import "fmt"

// A Work is a kind of request.
type Work struct {
	Name   string
	Title  string // what the request does, for a heading
	Route  string
	Begins string // the route that begins the session it needs; "" if it comes without a cookie
	Answer string // what the body must be
	Cookie bool   // whether the answer must have a cookie

	// Once says that each request needs a session that no request had before.
	Once bool
	// Stores says that each request stores one session more.
	Stores bool
	// Big says that the session does not fit into a cookie.
	Big bool
}

// Works returns all of them, in the order of the tables.
func Works() []Work {
	return []Work{
		{Name: "untouched", Title: "The handler does not use the session", Route: Untouched, Begins: Fill, Answer: done},
		{Name: "read", Title: "Read one key of a session of 1 KB", Route: Read, Begins: Fill, Answer: name},
		{Name: "change", Title: "Change one key of a session of 1 KB", Route: Change, Begins: Fill, Answer: done},
		{Name: "first visit", Title: "First visit: no cookie yet, set one key", Route: First, Answer: done, Cookie: true, Stores: true},
		{
			Name: "login", Title: "Login: an anonymous session becomes a user's, under a new token",
			Route: Login, Begins: Anonymous, Answer: done, Cookie: true, Once: true, Stores: true,
		},
		{
			Name: "100 KB", Title: "Change one small key of a session that holds 100 KB in others",
			Route: Change, Begins: FillBig, Answer: done, Big: true,
		},
	}
}

// CanDo tells whether the contestant can do the work at all.
func (c Contestant) CanDo(w Work) bool { return c.Kind != Cookie || !w.Big }

// An Answer is what a site answered. Its bytes are valid until the next request.
type Answer struct {
	Status int
	Body   []byte
	Cookie []byte // name=value of the last Set-Cookie; empty if there was none
}

// A Client asks a site. cookie is name=value, or "".
type Client interface {
	Get(route, cookie string) (Answer, error)
}

// check returns an error unless the answer is the one to the work: what fails
// fast must not be taken for fast.
func (w Work) check(a Answer) error {
	switch {
	case a.Status != 200 || string(a.Body) != w.Answer:
		return fmt.Errorf("benchmarks: %s answers %d %.200q, want 200 %q", w.Route, a.Status, a.Body, w.Answer)
	case w.Cookie && len(a.Cookie) == 0:
		return fmt.Errorf("benchmarks: %s sets no cookie", w.Route)
	}
	return nil
}

// begin makes n sessions for the work by the site's own routes, and returns
// their cookies. Where none is needed it returns n times "".
func (w Work) begin(c Client, n int) ([]string, error) {
	cookies := make([]string, n)
	if w.Begins == "" {
		return cookies, nil
	}
	for i := range cookies {
		a, err := c.Get(w.Begins, "")
		if err != nil {
			return nil, err
		}
		if a.Status != 200 || string(a.Body) != done || len(a.Cookie) == 0 {
			return nil, fmt.Errorf("benchmarks: %s answers %d %.200q with the cookie %q", w.Begins, a.Status, a.Body, a.Cookie)
		}
		cookies[i] = string(a.Cookie)
		if w.Once { // a visitor has seen a page before; a cache knows the session
			a, err := c.Get(Read, cookies[i])
			if err != nil {
				return nil, err
			}
			if a.Status != 200 {
				return nil, fmt.Errorf("benchmarks: %s answers %d %.200q", Read, a.Status, a.Body)
			}
		}
	}
	return cookies, nil
}

// readWork and changeWork are the works by these names.
func readWork() Work   { return Works()[1] }
func changeWork() Work { return Works()[2] }
