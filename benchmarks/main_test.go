package benchmarks

import (
	"fmt"
	"os"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

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
