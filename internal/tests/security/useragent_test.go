package security_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A userAgent keeps cookies as RFC 6265bis, sections 5.6 to 5.8, tells browsers
// to, and CHIPS for Partitioned. Every site is of the registrable domain
// example.com, and same-site with itself.
type userAgent struct {
	mu      sync.Mutex
	now     func() time.Time
	cookies []stored
	born    int
}

// A stored is a cookie in a user agent.
type stored struct {
	name, value, domain, path  string
	hostOnly, secure, httpOnly bool
	persistent, partitioned    bool
	sameSite                   string
	expires                    time.Time
	born                       int
	maxAge                     time.Duration // as kept: at most 400 days
	ignored, unknown           []string      // attributes
}

const (
	maxPair      = 4096 // octets of name and value
	maxAttribute = 1024 // octets of an attribute's value
	maxAge       = 400 * 24 * time.Hour
)

// Why a user agent keeps no cookie.
var (
	errControl    = errors.New("control character")
	errSize       = errors.New("name and value exceed 4096 octets")
	errEmpty      = errors.New("neither name nor value")
	errForeign    = errors.New("the domain is not the host's")
	errPlain      = errors.New("secure over plain http")
	errNone       = errors.New("SameSite=None without Secure")
	errPrefix     = errors.New("the prefix asks for more")
	errOvershadow = errors.New("a Secure cookie is there")
	errPartition  = errors.New("partitioned without Secure")
)

// receive takes one Set-Cookie line of a response from https or http and a host.
func (u *userAgent) receive(scheme, host, uriPath, line string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, b := range []byte(line) {
		if b < 0x20 && b != '\t' || b == 0x7f {
			return errControl
		}
	}
	pair, rest, _ := strings.Cut(line, ";")
	name, value, named := strings.Cut(pair, "=")
	if !named {
		name, value = "", name
	}
	c := stored{name: strings.Trim(name, " \t"), value: strings.Trim(value, " \t"), path: defaultPath(uriPath)}
	switch {
	case c.name == "" && c.value == "":
		return errEmpty
	case len(c.name)+len(c.value) > maxPair:
		return errSize
	}
	domain := ""
	var maxAgeSet bool
	for attribute := range strings.SplitSeq(rest, ";") {
		if attribute = strings.Trim(attribute, " \t"); attribute == "" {
			continue
		}
		key, val, _ := strings.Cut(attribute, "=")
		key, val = strings.Trim(key, " \t"), strings.Trim(val, " \t")
		if len(val) > maxAttribute {
			c.ignored = append(c.ignored, key)
			continue
		}
		switch strings.ToLower(key) {
		case "expires":
			if at, err := http.ParseTime(val); err == nil && !maxAgeSet {
				c.persistent, c.expires = true, at
			}
		case "max-age":
			if n, err := strconv.Atoi(val); err == nil {
				maxAgeSet, c.persistent = true, true
				c.maxAge = min(time.Duration(n)*time.Second, maxAge)
				c.expires = u.now().Add(c.maxAge)
				if n <= 0 {
					c.expires = time.Time{}
				}
			}
		case "domain":
			domain = strings.ToLower(strings.TrimPrefix(val, "."))
		case "path":
			if c.path = defaultPath(uriPath); strings.HasPrefix(val, "/") {
				c.path = val
			}
		case "secure":
			c.secure = true
		case "httponly":
			c.httpOnly = true
		case "samesite":
			c.sameSite = val
		case "partitioned":
			c.partitioned = true
		default:
			c.unknown = append(c.unknown, key)
		}
	}
	c.domain, c.hostOnly = host, domain == ""
	if domain != "" {
		if !domainMatches(host, domain) || !strings.Contains(domain, ".") {
			return errForeign
		}
		c.domain = domain
	}
	switch {
	case c.secure && scheme != "https":
		return errPlain
	case strings.EqualFold(c.sameSite, "None") && !c.secure:
		return errNone
	case c.partitioned && !c.secure:
		return errPartition
	case hasPrefix(c.name, "__Secure-") && !c.secure,
		hasPrefix(c.name, "__Host-") && (!c.secure || !c.hostOnly || c.path != "/" || !strings.Contains(strings.ToLower(rest), "path=")),
		(hasPrefix(c.name, "__Http-") || hasPrefix(c.name, "__Host-Http-")) && (!c.secure || !c.httpOnly), // as layered-cookies has it
		c.name == "" && (hasPrefix(c.value, "__Secure-") || hasPrefix(c.value, "__Host-")):
		return errPrefix
	}
	if !c.secure && scheme != "https" {
		for _, old := range u.cookies {
			if old.secure && old.name == c.name && (domainMatches(old.domain, c.domain) || domainMatches(c.domain, old.domain)) && pathMatches(c.path, old.path) {
				return errOvershadow
			}
		}
	}
	u.born++
	c.born = u.born
	u.cookies = slices.DeleteFunc(u.cookies, func(old stored) bool {
		same := old.name == c.name && old.domain == c.domain && old.hostOnly == c.hostOnly && old.path == c.path && old.partitioned == c.partitioned
		if same {
			c.born = old.born
		}
		return same
	})
	if c.persistent && !c.expires.After(u.now()) {
		return nil // a removal
	}
	u.cookies = append(u.cookies, c)
	return nil
}

// header is the Cookie header of a request, "" for none.
func (u *userAgent) header(scheme, host, uriPath string) string {
	var pairs []string
	for _, c := range u.sent(scheme, host, uriPath) {
		if pairs = append(pairs, c.name+"="+c.value); c.name == "" {
			pairs[len(pairs)-1] = c.value
		}
	}
	return strings.Join(pairs, "; ")
}

// sent are the cookies of a request, in the order of its header.
func (u *userAgent) sent(scheme, host, uriPath string) (out []stored) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.cookies {
		if c.hostOnly && c.domain != host || !c.hostOnly && !domainMatches(host, c.domain) ||
			!pathMatches(uriPath, c.path) || c.secure && scheme != "https" || c.persistent && !c.expires.After(u.now()) {
			continue
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b stored) int {
		if n := len(b.path) - len(a.path); n != 0 {
			return n
		}
		return a.born - b.born
	})
	return out
}

// end closes the browser: it drops the cookies that are not to outlive it.
func (u *userAgent) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cookies = slices.DeleteFunc(u.cookies, func(c stored) bool { return !c.persistent })
}

func (u *userAgent) clone() *userAgent {
	u.mu.Lock()
	defer u.mu.Unlock()
	return &userAgent{now: u.now, cookies: slices.Clone(u.cookies), born: u.born}
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func domainMatches(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func pathMatches(uriPath, path string) bool {
	return uriPath == path || strings.HasPrefix(uriPath, path) && (strings.HasSuffix(path, "/") || uriPath[len(path)] == '/')
}

// defaultPath is that of a cookie without one.
func defaultPath(uriPath string) string {
	if i := strings.LastIndexByte(uriPath, '/'); i > 0 {
		return uriPath[:i]
	}
	return "/"
}
