package benchmarks

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

var write = flag.Bool("write", false, "TestResults and TestGrowth: measure, and write what was measured beside the code")

func TestMain(m *testing.M) {
	asked, err := Serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if asked {
		return
	}
	servers.Main(m)
}
