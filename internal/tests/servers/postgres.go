package servers

import (
	"strconv"
	"syscall"
	"testing"
)

// Postgres starts a PostgreSQL server that ends with the test. As root it runs
// under the account postgres or nobody.
func Postgres(t testing.TB) *SQLServer {
	t.Helper()
	return private(t, startPostgres)
}

func startPostgres() (_ *SQLServer, err error) {
	const pkg = "postgresql"
	initdb, err := find("initdb", pkg)
	if err != nil {
		return nil, err
	}
	program, err := find("postgres", pkg)
	if err != nil {
		return nil, err
	}
	h, err := newHome("pg", "postgres")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.remove()
		}
	}()
	secret := password()
	if err := h.write("password", secret); err != nil {
		return nil, err
	}
	data := h.Dir + "/data"
	if err := do(h, initdb, "-D", data, "-U", name, "--pwfile", h.Dir+"/password", "--auth", "password",
		"-E", "UTF8", "--locale", "C", "--no-sync"); err != nil {
		return nil, err
	}
	s, err := launch(h, func() (int, error) { return freePort() }, func(port int) command {
		args := []string{"-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", ""}
		for _, setting := range []string{
			"fsync=off", // what survives a killed server is written all the same
			"max_connections=" + maxConnections,
			"dynamic_shared_memory_type=mmap", // in the folder, not in /dev/shm
			"log_min_messages=warning", "log_min_error_statement=panic",
		} {
			args = append(args, "-c", setting)
		}
		return command{Path: program, Args: args, Home: h, Ready: "database system is ready to accept connections", Quit: syscall.SIGQUIT, Shut: syscall.SIGINT}
	})
	if err != nil {
		return nil, err
	}
	url := "postgres://" + name + ":" + secret + "@" + address(s.port) + "/postgres?sslmode=disable"
	return &SQLServer{DSN: url, URL: url, Addr: address(s.port), secret: secret, server: s}, nil
}
