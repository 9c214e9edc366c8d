package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestAnAddressIsThePeersOrItsNetwork(t *testing.T) {
	for _, c := range []struct{ remote, whole, network string }{
		{"203.0.113.77:4711", "203.0.113.77", "203.0.113.0/24"},
		{"203.0.113.77", "203.0.113.77", "203.0.113.0/24"}, // as a middleware may set it
		{"[2001:db8:7:8::9]:4711", "2001:db8:7:8::9", "2001:db8:7::/48"},
		{"[2001:db8:7:8::9]", "2001:db8:7:8::9", "2001:db8:7::/48"},
		{"2001:db8:7:8::9", "2001:db8:7:8::9", "2001:db8:7::/48"},
		{"[::ffff:203.0.113.77]:1", "203.0.113.77", "203.0.113.0/24"},
		{"[fe80::1%eth0]:1", "fe80::1", "fe80::/48"},
		{"@", "", ""}, // a Unix socket
		{"", "", ""},
		{"<script>", "", ""},
		{"203.0.113.77, 198.51.100.1", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, siteURL, nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		if got := session.RemoteAddress(r); got != c.whole {
			t.Errorf("%q is %q, want %q", c.remote, got, c.whole)
		}
		if got := session.Truncated(session.RemoteAddress)(r); got != c.network {
			t.Errorf("%q is of %q, want %q", c.remote, got, c.network)
		}
	}
}

func TestADeviceHasTheAddressOfTheLogin(t *testing.T) {
	address := "203.0.113.77"
	s := newSite(t, session.Options{Device: session.DeviceAt(session.Truncated(func(*http.Request) string { return address }))})
	device := func() session.Device {
		list, err := s.m.List(context.Background(), "alice")
		if err != nil || len(list) != 1 {
			t.Fatalf("List: %v, %v", list, err)
		}
		return list[0].Device
	}
	b := s.browser()
	b.visit(login("alice")).want(200)
	address = "198.51.100.9"
	b.visit(renew).want(200)
	b.visit(add("tea")).want(200)
	if got := device(); got != (session.Device{Address: "203.0.113.0/24", UserAgent: "browser"}) {
		t.Errorf("after a renewal: %+v", got)
	}
	b.visit(login("alice")).want(200)
	if got := device().Address; got != "198.51.100.0/24" {
		t.Errorf("after a login: %q", got)
	}
}
