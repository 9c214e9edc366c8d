package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed devices.html
	devicesHTML string
	//go:embed page.css
	pageCSS string

	pages = template.Must(template.New("page.html").Parse(pageHTML + devicesHTML))
)

// page is what page.html shows.
type page struct {
	Style    template.CSS
	User     string
	Cart     []string
	Messages []session.Flash
	Problem  *problem
	Teas     []tea
	Devices  *deviceList // in place of the shop
}

// problem says what was wrong with a form field. The page shows it beside the
// field, and in it what was entered.
type problem struct {
	Field, Value, Text string
}

type tea struct{ Name, Note string }

var teas = []tea{
	{"Assam", "India, black, strong and malty"},
	{"Darjeeling", "India, black, first flush"},
	{"Earl Grey", "Black, with bergamot"},
	{"Lapsang Souchong", "China, black, smoked over pine"},
	{"Sencha", "Japan, green, grassy"},
	{"White Peony", "China, white, mild and sweet"},
}

// view is the page for a request. Messages are shown once, so a request for the
// header alone leaves them.
func view(r *http.Request, s *session.Session) page {
	p := page{Style: template.CSS(pageCSS), User: s.Principal(), Cart: cart.Get(s), Teas: teas}
	if r.Method != http.MethodHead {
		p.Messages = s.Flashes()
	}
	return p
}

// with is the page with a problem on it.
func (p page) with(wrong *problem) page {
	p.Problem = wrong
	return p
}

// Wrong returns the problem with a field, for the template.
func (p page) Wrong(field string) *problem {
	if p.Problem != nil && p.Problem.Field == field {
		return p.Problem
	}
	return nil
}

// protect is around the whole shop, whatever its framework: it refuses posts
// that other sites make, bounds them, and tells browsers what pages may do.
func protect(shop http.Handler) http.Handler {
	style := sha256.Sum256([]byte(pageCSS))
	policy := "default-src 'none'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'"
	shop = http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(shop, largestForm))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin") // with less, old browsers post without an origin, and are refused
		h.Set("X-Content-Type-Options", "nosniff")
		shop.ServeHTTP(w, r)
	})
}
