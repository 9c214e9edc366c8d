// Package model_test runs the whole of Seshat, engine and stores, against plain
// models of what the laws say.
//
// One machine after another draws steps at random (package rapid), takes them in
// the store or the engine and in a plain map, and compares: see
// [TestStoresDoAsAPlainMapWould] and [TestSessionsDoAsAPlainMapWould]. Then
// many clients go at once, while the stores fail, and what they were answered
// must be possible in some order (package porcupine): see
// [TestHistoriesAreLinearizable]. That these would notice is shown with broken
// stores.
package model_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Variable names the environment variable for long runs: how many times as much
// as usual is tried.
const Variable = "SESHAT_MODEL_TIMES"

// times is how many times as much as usual is tried.
var times = 1

func TestMain(m *testing.M) {
	flag.Parse()
	if v := os.Getenv(Variable); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			fmt.Printf("%s is %q: give a number\n", Variable, v)
			os.Exit(1)
		}
		times = n
	}
	_ = flag.Set("rapid.nofailfile", "true") // a failure is printed with its seed
	_ = mysql.SetLogger(&mysql.NopLogger{})  // it tells of each statement whose caller went away
	servers.Main(m)
}

// leaksNothing has the test fail if goroutines are left when it is over, its
// pools closed. It is the first that a test calls.
func leaksNothing(t *testing.T) {
	t.Helper()
	if servers.Wanted() { // these stay, and so do the goroutines that watch them
		servers.SharedRedis(t)
		servers.SharedPostgres(t)
		servers.SharedMariaDB(t)
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
}
