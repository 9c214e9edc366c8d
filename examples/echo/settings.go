package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// settings come from the environment. A variable that is not set, or empty,
// has its default.
type settings struct {
	addr     string // ADDR, 127.0.0.1:8080
	sessions fromenv.Settings
}

// readSettings returns the settings, or all that is wrong with them.
func readSettings() (settings, error) {
	s := settings{addr: cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		err = fmt.Errorf("ADDR is %q: it must be HOST:PORT or :PORT", s.addr)
	}
	var wrong error
	s.sessions, wrong = fromenv.Read(fromenv.Settings{
		Engine:        "cached_db",
		DatabaseURL:   "sqlite:shop.db",
		CookieSecure:  new(!loopback(host)),
		DeviceAddress: "full", // shown to nobody but the user
	})
	return s, errors.Join(err, wrong)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
