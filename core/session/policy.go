package session

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Policy is what a manager does with its sessions, every default filled in: for people
// (String), and for programs that check it (Findings).
type Policy struct {
	Cookie        Cookie
	Secure        bool // the cookie's; the opposite of Options.Insecure
	Lifetime      time.Duration
	IdleTimeout   time.Duration // 0 is none
	TouchInterval time.Duration
	MaxSize       int // in bytes
	StoreTimeout  time.Duration

	MaxSessions              int // of one principal; 0 is any number
	MaxSessionsPreventsLogin bool
}

// Policy returns the manager's policy. Sessions may have times of their own besides
// (SetLifetime, SetIdleTimeout, SetPersistent).
func (m *Manager) Policy() Policy {
	o := &m.opts
	return Policy{
		Cookie: o.Cookie, Secure: !o.Insecure,
		Lifetime: o.Lifetime, IdleTimeout: o.IdleTimeout, TouchInterval: m.touchInterval(o.IdleTimeout),
		MaxSize: o.MaxSize, StoreTimeout: o.StoreTimeout,
		MaxSessions: o.MaxSessions, MaxSessionsPreventsLogin: o.MaxSessionsPreventsLogin,
	}
}

// Level returns the highest preset of NIST SP 800-63B-4 whose times the policy keeps, "" if
// it keeps none or the cookie is not Secure, which every level demands (section 5.1.1).
func (p Policy) Level() Preset {
	if !p.Secure {
		return ""
	}
	for _, level := range []Preset{AAL3, AAL2, AAL1} {
		lifetime, idle, _ := level.times()
		if p.Lifetime <= lifetime && (idle == 0 || p.IdleTimeout > 0 && p.IdleTimeout <= idle) {
			return level
		}
	}
	return ""
}

// String tells the policy in words, for the log at the start and for the record that OWASP
// ASVS 5.0 asks for (7.1.1), with the findings at its end. It has several lines, and may change
// with a release.
func (p Policy) String() string {
	var b strings.Builder
	section := func(title string, lines ...string) {
		fmt.Fprintln(&b, title)
		for _, line := range lines {
			if line != "" {
				fmt.Fprintln(&b, " ", line)
			}
		}
	}
	section(fmt.Sprintf("Cookie %q", p.Cookie.Name), p.cookieInWords()...)
	section("Times", p.timesInWords()...)
	section("Limits",
		p.sessionsInWords(),
		fmt.Sprintf("The values of a session take at most %s.", bytesInWords(p.MaxSize)),
		fmt.Sprintf("A call to the store takes at most %s.", inWords(p.StoreTimeout)))
	findings := p.Findings()
	if len(findings) == 0 {
		section("Findings", "None.")
		return b.String()
	}
	var lines []string
	for _, f := range findings {
		lines = append(lines, strings.Split(f.String(), "\n")...)
	}
	section("Findings", lines...)
	return b.String()
}

func (p Policy) cookieInWords() []string {
	c := &p.Cookie
	return []string{
		choose(p.Secure, "Secure: it is sent over https only.", "Not Secure: it is sent over plain http as well."),
		choose(!c.ScriptReadable, "HttpOnly: scripts cannot read it.", "Not HttpOnly: scripts on the page can read it."),
		map[http.SameSite]string{
			http.SameSiteLaxMode:    "SameSite=Lax: links on other sites bring it along, their forms that post and their scripts do not.",
			http.SameSiteStrictMode: "SameSite=Strict: nothing on other sites brings it along, not even a link.",
			http.SameSiteNoneMode:   "SameSite=None: every request that another site makes brings it along.",
		}[c.SameSite],
		choose(c.Domain == "", "No Domain: it is sent to this host only.", fmt.Sprintf("Domain=%s: it is sent to this domain and all its subdomains.", c.Domain)),
		choose(c.Path == "/", "Path=/: it is sent with every URL.", fmt.Sprintf("Path=%s: it is sent with URLs below that.", c.Path)),
		choose(c.Partitioned, "Partitioned: each site that embeds this one has a cookie of its own.", ""),
		choose(!c.BrowserSession, "It outlives the browser: whoever closes it stays signed in until the session ends.",
			"It ends with the browser, if that does not restore its tabs; the session on the server goes on until it ends."),
	}
}

func (p Policy) timesInWords() []string {
	idle := fmt.Sprintf("No idle timeout: a session that nobody uses goes on until then. Uses are stored once in %s, for lists of sessions.", inWords(p.TouchInterval))
	if p.IdleTimeout > 0 {
		idle = fmt.Sprintf("Idle timeout: it ends %s after its last use. Uses are stored once in %s, so it may end earlier by as much.", inWords(p.IdleTimeout), inWords(p.TouchInterval))
	}
	level := "NIST SP 800-63B-4: longer than for any level."
	if l := p.Level(); l != "" {
		level = fmt.Sprintf("NIST SP 800-63B-4: within the times of %s.", strings.ToUpper(string(l)))
	} else if !p.Secure {
		level = "NIST SP 800-63B-4: no level, since each demands a Secure cookie."
	}
	return []string{
		fmt.Sprintf("Lifetime: a session ends %s after it began or its last login, however much it is used.", inWords(p.Lifetime)),
		idle,
		"The application may give a session other times, or a cookie that does or does not outlive the browser.",
		level,
	}
}

func (p Policy) sessionsInWords() string {
	if p.MaxSessions == 0 {
		return "A user may be signed in any number of times at once."
	}
	return fmt.Sprintf("A user may be signed in %d time%s at once: a sign-in beyond that %s.", p.MaxSessions,
		choose(p.MaxSessions == 1, "", "s"), choose(p.MaxSessionsPreventsLogin, "is refused", "ends the oldest"))
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// inWords is a duration as people say it, in the largest unit that is exact.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.size; n > 0 && d%unit.size == 0 {
			return fmt.Sprintf("%d %s%s", n, unit.name, choose(n == 1, "", "s"))
		}
	}
	return d.String()
}

func bytesInWords(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d byte%s", n, choose(n == 1, "", "s"))
}
