package soak

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// An Exchange is one request of a browser and what came back.
type Exchange struct {
	Kind    Kind
	Process string // that was asked
	Token   string // the cookie sent; "" is none
	Item    string // added or removed
	User    string // logged in

	Sent, Done time.Time
	Status     int    // 0: no answer
	Err        string // why there was none
	NewToken   string // a cookie that was set
	Dropped    bool   // the cookie was removed
	Shown      *Shown // by a read that was answered
	Peers      int    // writes of the same browser under way at the same time, this one included
}

// Kind is what a request asks for.
type Kind string

// The kinds of requests.
const (
	Read   Kind = "read"   // GET /api/session
	Page   Kind = "page"   // GET /: also takes the messages out of the session
	Add    Kind = "add"    // POST /cart
	Remove Kind = "remove" // POST /cart/remove
	Login  Kind = "login"  // POST /login
	Logout Kind = "logout" // POST /logout
	Health Kind = "health" // GET /healthz: does not use the session
	Forged Kind = "forged" // a read with a cookie that nobody was given
	Stolen Kind = "stolen" // a read with the cookie of a session that has ended
)

func (k Kind) writes() bool { return k == Page || k == Add || k == Remove || k == Login || k == Logout }

// Shown is what a read answered about the session.
type Shown struct {
	ID   string   `json:"id"` // "" on a page, which does not tell it, and where there is no session
	User string   `json:"user"`
	Cart []string `json:"cart"`
	Page bool     `json:"-"`
}

// empty tells whether no session is shown. A page shows the same for a session
// without content.
func (s *Shown) empty() bool {
	if s.Page {
		return s.User == "" && len(s.Cart) == 0
	}
	return s.ID == ""
}

// cookieName is that of a shop on plain http.
const cookieName = "session"

// publicID is the handle that belongs to a token.
func publicID(token string) string {
	secret, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte(cookieName+"\x00"), secret...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
