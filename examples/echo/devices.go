package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// mostDevices is how many devices the page shows.
const mostDevices = 50

// devices is where users see on which devices they are signed in, and end what
// they do not want.
type devices struct{ sessions *session.Manager }

// A reply is the way to another page, or a page.
type reply struct {
	to     string
	status int
	page   page
}

// deviceList is what devices.html shows.
type deviceList struct {
	Shown []device // this one first, then the newest
	More  int      // that are not shown
}

type device struct {
	ID                 session.ID // the session's public handle, not its secret
	Name, Address      string
	SignedIn, LastSeen time.Time
	This               bool
}

// Others tells whether anybody is signed in elsewhere.
func (l *deviceList) Others() bool { return len(l.Shown) > 1 }

func (d devices) show(r *http.Request, s *session.Session) (reply, error) {
	if s.Principal() == "" {
		return reply{to: "/"}, nil
	}
	list, err := d.list(r, s)
	if err != nil {
		return reply{}, err
	}
	p := view(r, s)
	p.Devices = list
	return reply{status: http.StatusOK, page: p}, nil
}

func (d devices) list(r *http.Request, s *session.Session) (*deviceList, error) {
	infos, err := d.sessions.List(r.Context(), s.Principal())
	if err != nil {
		return nil, err
	}
	var this, others []device
	for _, info := range infos {
		shown := device{
			ID:       info.ID,
			Name:     inWords(info.Device.UserAgent),
			Address:  info.Device.Address,
			SignedIn: info.Authenticated,
			LastSeen: info.LastSeen,
			This:     info.ID == s.ID(),
		}
		if shown.This {
			this = append(this, shown)
		} else {
			others = append(others, shown)
		}
	}
	all := append(this, others...)
	n := min(len(all), mostDevices)
	return &deviceList{Shown: all[:n], More: len(all) - n}, nil
}

// end signs one device out: the one with the ID in the form, if it is the user's.
func (d devices) end(r *http.Request, s *session.Session) (reply, error) {
	id := session.ID(r.PostFormValue("id"))
	switch {
	case s.Principal() == "":
		return reply{to: "/"}, nil
	case id == s.ID(): // this device, whose cookie is to go as well
		return reply{to: "/"}, s.Destroy(r.Context())
	}
	err := d.sessions.RevokeFor(r.Context(), s.Principal(), id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		answer, err := d.show(r, s)
		answer.status = http.StatusNotFound
		answer.page = answer.page.with(&problem{Field: "id", Text: "That device is not among those on which you are signed in."})
		return answer, err
	case err != nil && !errors.Is(err, session.ErrPending): // pending: it is ended all the same
		return reply{}, err
	}
	if s.Reload(r.Context()) == nil { // else the form had an older ID of this device
		tell(s, "The device is signed out.")
	}
	return reply{to: "/devices"}, nil
}

// endOthers signs all devices out but this one.
func (d devices) endOthers(r *http.Request, s *session.Session) (reply, error) {
	if s.Principal() == "" {
		return reply{to: "/"}, nil
	}
	n, err := d.sessions.RevokeAll(r.Context(), s.Principal(), session.Except(s))
	if err != nil && !errors.Is(err, session.ErrPending) {
		return reply{}, err
	}
	switch n {
	case 0:
		tell(s, "There was no other device to sign out.")
	case 1:
		tell(s, "The other device is signed out.")
	default:
		tell(s, fmt.Sprintf("%d other devices are signed out.", n))
	}
	return reply{to: "/devices"}, nil
}

// A word is shown for a User-Agent header that has one of the marks.
type word struct {
	text  string
	marks []string
}

// Browsers pretend to be others: the first that fits is meant.
var browsers = []word{
	{"Edge", []string{"Edg/", "EdgA/", "EdgiOS/", "Edge/"}},
	{"Opera", []string{"OPR/", "OPT/", "Opera"}},
	{"Samsung Internet", []string{"SamsungBrowser/"}},
	{"Yandex Browser", []string{"YaBrowser/"}},
	{"DuckDuckGo", []string{"DuckDuckGo/", "Ddg/"}},
	{"Firefox", []string{"Firefox/", "FxiOS/"}},
	{"Chrome", []string{"Chrome/", "CriOS/"}},
	{"Internet Explorer", []string{"Trident/", "MSIE "}},
	{"Safari", []string{"Safari/"}},
	{"curl", []string{"curl/"}},
}

var systems = []word{
	{"Windows", []string{"Windows"}},
	{"iPhone", []string{"iPhone"}},
	{"iPad", []string{"iPad"}},
	{"Android", []string{"Android"}},
	{"ChromeOS", []string{"CrOS"}},
	{"macOS", []string{"Macintosh"}},
	{"Linux", []string{"Linux"}},
}

// inWords names a device by its User-Agent header, of which nothing is shown as
// it came: a client may send what it likes.
func inWords(userAgent string) string {
	name := find(browsers, userAgent)
	if name == "" {
		name = "An unknown browser"
	}
	if system := find(systems, userAgent); system != "" {
		name += " on " + system
	}
	return name
}

func find(words []word, in string) string {
	for _, w := range words {
		for _, mark := range w.marks {
			if strings.Contains(in, mark) {
				return w.text
			}
		}
	}
	return ""
}
