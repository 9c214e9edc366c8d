package servers

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
)

// MariaDB starts a MariaDB server that ends with the test. As root it runs
// under the account mysql or nobody.
func MariaDB(t testing.TB) *SQLServer {
	t.Helper()
	return MariaDBWith(t)
}

// MariaDBWith is MariaDB with more options for mariadbd.
func MariaDBWith(t testing.TB, options ...string) *SQLServer {
	t.Helper()
	return private(t, func() (*SQLServer, error) { return startMariaDB(options...) })
}

func startMariaDB(options ...string) (_ *SQLServer, err error) {
	const pkg = "mariadb-server"
	install, err := find("mariadb-install-db", pkg)
	if err != nil {
		return nil, err
	}
	program, err := find("mariadbd", pkg)
	if err != nil {
		return nil, err
	}
	h, err := newHome("maria", "mysql")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.remove()
		}
	}()
	data := h.Dir + "/data"
	if err := do(h, install, "--no-defaults", "--datadir="+data, "--skip-test-db", "--innodb-log-file-size=16M"); err != nil {
		return nil, err
	}
	secret := password()
	if err := h.write("init.sql", fmt.Sprintf(
		"CREATE DATABASE IF NOT EXISTS %[1]s;\n"+
			"CREATE OR REPLACE USER %[1]s@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
			"GRANT ALL ON *.* TO %[1]s@'127.0.0.1' WITH GRANT OPTION;\n", name, secret)); err != nil {
		return nil, err
	}
	s, err := launch(h, func() (int, error) { return freePort() }, func(port int) command {
		return command{
			Path: program,
			Args: append([]string{
				"--no-defaults", "--datadir=" + data, "--tmpdir=" + h.Dir, "--init-file=" + h.Dir + "/init.sql",
				"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--skip-name-resolve",
				"--socket=server.sock", "--pid-file=server.pid", // in the data folder: a socket's path must be short
				"--max-connections=" + maxConnections,
				"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci", // as Debian sets it
				"--innodb-flush-log-at-trx-commit=2", // a commit survives the server, not the machine
				"--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--performance-schema=OFF",
			}, options...),
			Home:  h,
			Ready: "ready for connections",
			Shut:  syscall.SIGTERM,
		}
	})
	if err != nil {
		return nil, err
	}
	user := name + ":" + secret
	return &SQLServer{
		DSN:  user + "@tcp(" + address(s.port) + ")/" + name + "?parseTime=true",
		URL:  "mysql://" + user + "@" + address(s.port) + "/" + name,
		Addr: address(s.port), secret: secret, server: s,
	}, nil
}
