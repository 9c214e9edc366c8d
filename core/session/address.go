package session

import (
	"net/http"
	"net/netip"
	"strings"
)

// DeviceAt is for Options.Device: the User-Agent, and the client's address as
// the given function tells it. Which address that is only the application knows,
// since it depends on the proxies in front of it:
//
//	session.DeviceAt(session.RemoteAddress)                     // no proxy, or one that sets RemoteAddr
//	session.DeviceAt(session.Truncated(session.RemoteAddress))  // the same, without the last part
//	session.DeviceAt(e.IPExtractor)                             // Echo's policy
//
// Chi's middleware.RealIP sets RemoteAddr; so can a middleware before the
// sessions from Gin's c.ClientIP(). A header such as X-Forwarded-For that no
// trusted proxy overwrites holds whatever the client likes.
func DeviceAt(address func(*http.Request) string) func(*http.Request) Device {
	return func(r *http.Request) Device {
		return Device{Address: address(r), UserAgent: r.UserAgent()}
	}
}

// RemoteAddress is the address at the other end of the connection, without the
// port: RemoteAddr as net/http, or a middleware, has set it. No header is asked.
func RemoteAddress(r *http.Request) string {
	addr, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return ""
	}
	return addr.String()
}

// Truncated returns the network that an address belongs to in place of the
// address: 203.0.113.0/24 or 2001:db8:7::/48. A /24 is the smallest IPv4 network
// that is routed by itself and a /48 is what one site gets in IPv6 (RFC 6177):
// enough to see that a session is used elsewhere, and no single household or
// person. What is no address becomes "".
func Truncated(address func(*http.Request) string) func(*http.Request) string {
	return func(r *http.Request) string {
		addr, ok := parseAddress(address(r))
		if !ok {
			return ""
		}
		bits := 48
		if addr.Is4() {
			bits = 24
		}
		network, _ := addr.Prefix(bits) // no error: the address has as many
		return network.String()
	}
}

// parseAddress reads an address with or without a port.
func parseAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}
