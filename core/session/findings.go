package session

import (
	"fmt"
	"net/http"
)

// A Finding is one thing in a policy that is not as security standards would have it.
type Finding struct {
	// Check is a name that stays the same: "cookie.insecure".
	Check string
	// Serious tells that sessions are open to others. What is not serious may be chosen on
	// purpose.
	Serious bool
	// Found is what is so, Means what it does to sessions, and Do what to do about it.
	Found, Means, Do string
}

// String is the finding in three lines.
func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s\n  %s\n  Do: %s", choose(f.Serious, "SERIOUS", "note"), f.Check, f.Found, f.Means, f.Do)
}

// Findings compares the policy with RFC 6265bis, OWASP ASVS 5.0 and NIST SP 800-63B-4. The
// serious ones come first.
func (p Policy) Findings() (out []Finding) {
	c := &p.Cookie
	prefixed := hasPrefixFold(c.Name, hostPrefix) || hasPrefixFold(c.Name, securePrefix) || hasPrefixFold(c.Name, httpPrefix)
	hostOnly := hasPrefixFold(c.Name, hostPrefix) // also hostHTTPPrefix
	for _, rule := range []struct {
		broken bool
		Finding
	}{
		{!p.Secure, Finding{
			"cookie.insecure", true, "The cookie is not Secure.",
			"Anybody on the network path can take over sessions (ASVS 3.3.1; NIST demands it).",
			"Serve over https and leave out Options.Insecure.",
		}},
		{c.ScriptReadable, Finding{
			"cookie.scripts", true, "The cookie is not HttpOnly.",
			"A script on a page, also an injected one, can read the token and send it away (ASVS 3.3.4).",
			"Leave out Cookie.ScriptReadable.",
		}},
		{c.SameSite == http.SameSiteNoneMode, Finding{
			"cookie.samesite", false, "SameSite=None.",
			"Other sites can make requests in the user's name (ASVS 3.3.2, 3.5.1)" + choose(c.Partitioned, ", where they embed this one.", "."),
			"Leave out Cookie.SameSite, unless other sites embed this one; then check the origin of every request that changes something" +
				choose(c.Partitioned, ".", ", and set Cookie.Partitioned."),
		}},
		{c.Domain != "", Finding{
			"cookie.domain", false, "Domain=" + c.Domain + ".",
			"Whoever controls a subdomain, or a page on one, can read the token and set another (ASVS 3.3.3, 3.5.4).",
			"Leave out Cookie.Domain, or have no subdomain that is not trusted as this host is.",
		}},
		{p.Secure && !prefixed, Finding{
			"cookie.prefix", false, fmt.Sprintf("The cookie's name, %q, has no prefix.", c.Name),
			"Subdomains, and pages over plain http, can set a cookie of this name (ASVS 3.3.1).",
			choose(c.Domain == "" && c.Path == "/", `Leave out Cookie.Name, or begin it with "__Host-". Renaming signs everybody out.`,
				`Leave out Cookie.Domain and Path so that the name can begin with "__Host-"; else begin it with "__Secure-". Renaming signs everybody out.`),
		}},
		{p.Secure && prefixed && c.Domain == "" && !hostOnly, Finding{
			"cookie.prefix", false, fmt.Sprintf("The cookie's name, %q, does not begin with \"__Host-\".", c.Name),
			"Subdomains can set a cookie of this name (ASVS 3.3.3).",
			`Leave out Cookie.Path and Name, or begin it with "__Host-". Renaming signs everybody out.`,
		}},
		{!c.BrowserSession, Finding{
			"cookie.persistent", false, "The cookie outlives the browser.",
			"Whoever uses the computer next is signed in (NIST 5.1 advises against it).",
			"Set Cookie.BrowserSession, and SetPersistent(true) for users who ask to stay signed in.",
		}},
		{p.IdleTimeout == 0, Finding{
			"times.idle", false, "There is no idle timeout.",
			"A session that was left somewhere can be used until its lifetime ends (ASVS 7.3.1; NIST from AAL2 on).",
			"Set Options.IdleTimeout, or Options.Preset.",
		}},
		{p.IdleTimeout > 0 && p.TouchInterval > p.IdleTimeout/2, Finding{
			"times.touch", false, fmt.Sprintf("Uses are stored only once in %s.", inWords(p.TouchInterval)),
			fmt.Sprintf("Sessions in use end up to that much before their idle timeout of %s.", inWords(p.IdleTimeout)),
			"Leave out Options.TouchInterval: it is a tenth of the idle timeout then.",
		}},
		{p.Lifetime > LifetimeAAL1, Finding{
			"times.lifetime", false, fmt.Sprintf("A session may last %s.", inWords(p.Lifetime)),
			"A stolen token is good for as long; NIST advises 30 days at most (2.1.3).",
			"Shorten Options.Lifetime, or write down why it is longer (ASVS 7.1.1).",
		}},
	} {
		if rule.broken {
			out = append(out, rule.Finding)
		}
	}
	return out
}
