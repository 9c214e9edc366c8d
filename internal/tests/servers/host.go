package servers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// find returns the path of a server's program: from PATH, or from folders
// where distributions put servers. Among several versions the newest wins.
func find(program, debianPackage string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return filepath.Abs(path)
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	slices.SortFunc(versions, func(a, b string) int { return version(b) - version(a) })
	for _, path := range append(versions, "/usr/sbin/"+program, "/usr/local/sbin/"+program) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("servers: %s not found; install it (Debian: apt-get install %s)", program, debianPackage)
}

// version is the number in /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// account chooses whom a server runs as when the tests run as root.
func account(names []string) (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return -1, -1, nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		return uid, gid, errors.Join(err1, err2)
	}
	return 0, 0, fmt.Errorf("servers: none of the accounts %s and nobody exists to run a server as", strings.Join(names, ", "))
}

// Ports are taken below the range from which systems take ports for outgoing
// connections, so that a killed server's port is still free when it restarts.
// A Redis Cluster node uses busOffset above its own, too.
const (
	firstPort = 10000
	lastPort  = 19999
	busOffset = 10000
)

// FreePort returns a port on which nothing listens at the moment.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// freePort returns a port on which, and offsets above which, nobody listens.
func freePort(offsets ...int) (int, error) {
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(lastPort-firstPort+1))
		if err != nil {
			return 0, err
		}
		port := firstPort + int(n.Int64())
		free := unused(port)
		for _, offset := range offsets {
			free = free && unused(port+offset)
		}
		if free {
			return port, nil
		}
	}
	return 0, errors.New("servers: no free port found")
}

func unused(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
