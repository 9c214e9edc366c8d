package session

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// device is the client's description, within the limits of records.
func (m *Manager) device(r *http.Request) Device {
	d := m.opts.Device(r)
	return Device{Address: clip(d.Address, MaxAddress), UserAgent: clip(d.UserAgent, MaxUserAgent)}
}

// clip returns s as clean text of at most limit bytes.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) { // controls and bidirectional marks included
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
