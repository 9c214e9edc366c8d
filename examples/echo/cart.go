package main

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// cart is what the visitor wants to buy, signed in or not.
var cart = session.NewKey[[]string]("cart")

const (
	longestName = 64  // characters of a visitor's name
	longestItem = 200 // bytes of an item
	fullCart    = 200 // items

	// largestSession leaves room for a full cart, a byte of which may take six in
	// JSON, and for messages.
	largestSession = 512 << 10
)

// addItem adds to the cart. Parallel requests do not lose each other's items:
// the function given to Update runs on the newest cart.
func addItem(s *session.Session, item string) {
	cart.Update(s, func(items []string) []string { return append(items, item) })
	tell(s, "Added to your cart: "+item)
}

// removeItem removes one of that name, if there is one.
func removeItem(s *session.Session, item string) {
	if !slices.Contains(cart.Get(s), item) {
		return // and write nothing
	}
	cart.Update(s, func(items []string) []string {
		if i := slices.Index(items, item); i >= 0 {
			return slices.Delete(items, i, i+1)
		}
		return items
	})
	tell(s, "Removed from your cart: "+item)
}

// tell leaves a message for the next page, in place of one that no page has
// shown yet: they would fill the session of a visitor who only posts.
func tell(s *session.Session, text string) {
	s.Flashes()
	s.Flash("info", text)
}

// readName returns who wants to sign in, or a problem to show. A real shop asks
// for a password or a passkey here.
func readName(r *http.Request) (string, *problem) {
	name := strings.TrimSpace(r.PostFormValue("user"))
	n := utf8.RuneCountInString(name)
	if n < 1 || n > longestName || !printable(name) {
		return "", &problem{Field: "user", Value: name, Text: "Please enter a name of 1 to 64 characters, all of them printable."}
	}
	return name, nil
}

// readItem returns the item to add or remove, or a problem to show.
func readItem(r *http.Request) (string, *problem) {
	item := strings.TrimSpace(r.PostFormValue("item"))
	if len(item) < 1 || len(item) > longestItem || !printable(item) {
		return "", &problem{Field: "item", Value: item, Text: "Please enter an item of 1 to 200 bytes, all of it printable."}
	}
	return item, nil
}

// cartFull returns a problem if nothing more goes into the cart.
func cartFull(s *session.Session, item string) *problem {
	if len(cart.Get(s)) < fullCart {
		return nil
	}
	return &problem{Field: "item", Value: item, Text: "Your cart is full. Please remove something first."}
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// summary is the answer of GET /api/session.
type summary struct {
	User      string     `json:"user"`
	Cart      []string   `json:"cart"`
	ID        session.ID `json:"id"` // the session's public handle, not its secret
	CreatedAt string     `json:"created_at"`
	ExpiresAt string     `json:"expires_at"`
}

func summarize(s *session.Session) summary {
	return summary{
		User:      s.Principal(),
		Cart:      append([]string{}, cart.Get(s)...),
		ID:        s.ID(),
		CreatedAt: timestamp(s.CreatedAt()),
		ExpiresAt: timestamp(s.ExpiresAt()),
	}
}

// timestamp is "" for a session that is not stored.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
