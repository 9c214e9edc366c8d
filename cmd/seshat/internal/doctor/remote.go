package doctor

import (
	"net"
	"net/url"
	"strings"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// address is where a URL leads to.
type address struct {
	scheme, host string
	password     bool
}

func addressOf(u fromenv.URL) address {
	parsed, err := url.Parse(string(u))
	if err != nil {
		return address{}
	}
	_, password := parsed.User.Password()
	a := address{scheme: parsed.Scheme, host: parsed.Hostname(), password: password || parsed.Query().Get("password") != ""}
	if socket := parsed.Query().Get("host"); a.host == "" && strings.HasPrefix(socket, "/") {
		a.scheme = "unix"
	}
	return a
}

// remote tells whether what is sent there leaves this machine.
func (a address) remote() bool {
	ip := net.ParseIP(a.host)
	return a.scheme != "unix" && a.host != "" && !strings.EqualFold(a.host, "localhost") && (ip == nil || !ip.IsLoopback())
}

func (p place) network(a address, encrypted bool) {
	if !a.remote() {
		return
	}
	if !a.password && strings.HasPrefix(a.scheme, "redis") {
		p.add(Warning, "redis.password", "no password, and "+a.host+" is another machine", "Whoever reaches the port can read and change every session.",
			"Set a user with a password (ACL SETUSER, or requirepass), and name it in REDIS_URL.")
	}
	if !encrypted {
		p.add(Note, "network.plain", "the connection to "+a.host+" is not encrypted", "Whoever is on the way can read the values of sessions, and change them.",
			"Use rediss://, or sslmode=verify-full for PostgreSQL, or tls=true for MySQL, unless the network is yours alone.")
	}
}
