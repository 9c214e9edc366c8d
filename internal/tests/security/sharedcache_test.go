package security_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A sharedCache stands before a site and keeps whatever RFC 9111 lets a shared
// cache keep, for as long as it lets it: each answer that does not say otherwise
// is taken for fresh (section 4.2.2), and is kept with its Set-Cookie (7.3).
type sharedCache struct {
	t       *testing.T
	client  *http.Client
	entries []kept
	hits    int
	through func(http.Header) // what something on the way does to headers
}

// A kept is a stored answer.
type kept struct {
	url    string
	asked  http.Header // of the request
	status int
	header http.Header
	body   string
}

// do answers a request from the cache, or from the site.
func (c *sharedCache) do(r *http.Request) (a answer, hit bool) {
	c.t.Helper()
	asked := r.Header.Clone()
	var stale *kept
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		for i := range c.entries {
			e := &c.entries[i]
			if e.url != r.URL.String() || !e.suits(asked) {
				continue
			}
			if e.fresh() {
				c.hits++
				return answer{c.t, e.status, e.header.Clone(), e.body}, true
			}
			if tag := e.header.Get("ETag"); tag != "" { // it may be validated (section 4.3)
				stale = e
				r.Header.Set("If-None-Match", tag)
			}
		}
	}
	response, err := c.client.Do(r)
	must(c.t, err)
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	must(c.t, err)
	if c.through != nil {
		c.through(response.Header)
	}
	if stale != nil && response.StatusCode == http.StatusNotModified {
		for k, v := range response.Header { // section 3.2
			stale.header[k] = slices.Clone(v)
		}
		c.hits++
		return answer{c.t, stale.status, stale.header.Clone(), stale.body}, true
	}
	e := kept{r.URL.String(), asked, response.StatusCode, response.Header.Clone(), strings.TrimSpace(string(body))}
	if r.Method == http.MethodGet && e.mayBeKept() {
		c.entries = append(c.entries, e)
	}
	return answer{c.t, response.StatusCode, response.Header, e.body}, false
}

// mayBeKept is section 3 for a shared cache.
func (e *kept) mayBeKept() bool {
	switch {
	case e.says("no-store"), e.says("private"):
		return false
	case e.asked.Get("Authorization") != "" && !e.says("public") && !e.says("s-maxage") && !e.says("must-revalidate"):
		return false
	case e.says("public"), e.says("max-age"), e.says("s-maxage"), e.header.Get("Expires") != "":
		return e.status >= 200 && e.status != http.StatusNotModified && e.status != http.StatusPartialContent
	}
	// Those that RFC 9110, section 15.1, lets be kept without being told.
	return slices.Contains([]int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}, e.status)
}

func (e *kept) fresh() bool {
	return !e.says("no-cache") && !e.says("max-age=0") && !e.says("s-maxage=0")
}

// says tells whether Cache-Control has a directive, whatever its argument.
func (e *kept) says(directive string) bool {
	for _, line := range e.header["Cache-Control"] {
		for d := range strings.SplitSeq(strings.ToLower(line), ",") {
			d = strings.TrimSpace(d)
			if name, _, _ := strings.Cut(d, "="); d == directive || name == directive {
				return true
			}
		}
	}
	return false
}

// suits is section 4.1: the request agrees in all that Vary names.
func (e *kept) suits(asked http.Header) bool {
	for _, line := range e.header["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || !slices.Equal(e.asked.Values(field), asked.Values(field)) {
				return false
			}
		}
	}
	return true
}
