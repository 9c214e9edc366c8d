package benchmarks

import (
	"net/http"
	"strconv"
	"sync/atomic"
)

// The routes that every contestant answers, each in the way that its users
// write a handler. All answer 200 and the text "ok", if nothing else is said.
// A handler whose library reports an error answers 500 with fail.
const (
	// Untouched does not use the session.
	Untouched = "/untouched"
	// Read answers with the value of nameKey.
	Read = "/read"
	// Change sets countKey to next().
	Change = "/change"
	// First is a visit without a cookie: it sets countKey.
	First = "/first"
	// Login turns the anonymous session of the request into that of user().
	Login = "/login"

	// Fill begins a session of values().
	Fill = "/fill"
	// FillBig begins a session of values() and bigValues().
	FillBig = "/fill-big"
	// Anonymous begins a session of anonymousValues().
	Anonymous = "/anonymous"

	// Mark loads the session, calls Env.Loaded, and sets the key that the
	// query names to true.
	Mark = "/mark"
	// Marks answers with the number of keys that Mark has set.
	Marks = "/marks"
)

// done is what most handlers answer.
const done = "ok"

var doneBody = []byte(done)

// ok answers with done.
func ok(w http.ResponseWriter) { _, _ = w.Write(doneBody) }

// fail answers with an error of a library.
func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

var sequence atomic.Int64

// next is a number that no request had before: a library might notice that a
// change changes nothing.
func next() int { return int(sequence.Add(1)) }

// user is the name of a user who never logged in before.
func user() string { return "user-" + strconv.FormatInt(sequence.Add(1), 10) }

// marks is how many keys there are for Mark.
const marks = 100

// markName is the n-th of them.
func markName(n int) string { return "mark" + strconv.Itoa(n) }

// markedIn counts the keys of Mark that has finds.
func markedIn(has func(name string) bool) string {
	count := 0
	for n := range marks {
		if has(markName(n)) {
			count++
		}
	}
	return strconv.Itoa(count)
}

// newMux routes with net/http, for contestants without a framework of their own.
func newMux(handlers map[string]http.HandlerFunc) *http.ServeMux {
	mux := http.NewServeMux()
	for path, handler := range handlers {
		mux.HandleFunc(path, handler)
	}
	return mux
}
