// Package adaptertest shows that an adapter keeps the promises of package
// session in a framework: adaptertest.Run(t, adaptertest.Framework{Open: open}).
//
// The script builds applications of the framework out of neutral handlers and
// of handlers in the framework's own style, runs them on a real server, and
// asks them over TCP. It waits for events, never for time.
package adaptertest

import (
	"net/http"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A Framework is what the script must know of a framework and its adapter.
type Framework struct {
	// Open builds an application of the framework, with its Natives. The
	// script puts it on a server.
	Open func(t *testing.T, app App) http.Handler

	// Natives are handlers in the framework's own style.
	Natives []Native

	// Informational returns, of the writer that a handler has, the one to give
	// a status of 1xx to. Default: the writer itself. In a framework whose
	// writer takes the first status for the last it is one further in.
	Informational func(w http.ResponseWriter) http.ResponseWriter

	// Copies tells that the framework itself hands on a copy of the request, so
	// that net/http does not find the files of an upload to remove them.
	Copies bool

	// NoStatus tells that the framework keeps no status of its own, so that
	// App.Sent is never called.
	NoStatus bool
}

// An App is an application to be built. Its middleware is, from the outside in:
// what calls Sent, the framework's recovery unless RecoverInside is set, the
// adapter for each of Managers, the recovery if RecoverInside is set.
type App struct {
	// Routes are handlers by path, for every method. The writer is the one that
	// the framework shows to handlers, and the request is the framework's.
	Routes map[string]http.HandlerFunc

	// Managers serve all routes, outermost first. The adapter's middleware is
	// to be installed once for each, also if one comes twice.
	Managers []*session.Manager

	// Group serves, inside Managers, the routes whose path begins with GroupPath.
	Group []*session.Manager

	// Fresh is what the adapter's RequireFresh asks for, inside Managers, of the
	// routes whose path begins with FreshPath.
	Fresh time.Duration

	// RecoverInside puts the framework's recovery middleware inside the sessions.
	RecoverInside bool

	// Sent is called with the status that the framework itself knows, after
	// everything has run for a request, recovery included.
	Sent func(r *http.Request, status int)
}

// GroupPath begins the paths of the routes that belong to the group.
const GroupPath = "/group/"

// A Native is a handler in the framework's own style. Open serves it for GET at
// NativePath and the name, within App.Managers. It calls Visit first.
type Native struct {
	Name   string
	Status int    // of the response that the handler means
	Body   string // of that response, but for white space around it; "" is not compared
}

// NativePath begins the paths of native handlers.
const NativePath = "/native/"

// Run runs the script.
func Run(t *testing.T, fw Framework) {
	if fw.Informational == nil {
		fw.Informational = func(w http.ResponseWriter) http.ResponseWriter { return w }
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, Framework)
	}{
		{"responses", testResponses},
		{"native responses", testNatives},
		{"statuses", testStatuses},
		{"informational", testInformational},
		{"streams", testStreams},
		{"controller", testController},
		{"upgrades", testUpgrades},
		{"panics", testPanics},
		{"several managers", testManagers},
		{"groups", testGroups},
		{"failing loads", testFailingLoads},
		{"failing saves", testFailingSaves},
		{"error handler", testErrorHandler},
		{"preload", testPreload},
		{"headers", testHeaders},
		{"reads", testReads},
		{"sign-out", testSignOut},
		{"fresh logins", testFresh},
		{"late changes", testLate},
		{"contexts", testContexts},
		{"parallel", testParallel},
		{"uploads", testUploads},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, fw) })
	}
}
