package servers

import (
	"crypto/rand"
	"strings"
)

// A SQLServer is a running database server. It has an empty database and a user
// who may do everything in it, and takes 200 connections. What was committed
// survives Kill and Restart, but not a crash of the machine: for speed, nothing
// is synced to disk.
type SQLServer struct {
	// DSN is what the Go driver takes: a postgres:// URL for PostgreSQL,
	// user:password@tcp(host:port)/database?parseTime=true for MariaDB.
	DSN string
	// URL is the same as a URL: postgres://... or mysql://...
	URL string
	// Addr is host:port.
	Addr   string
	secret string
	*server
}

// Through is the URL of the server behind a proxy.
func (s *SQLServer) Through(p *Proxy) string { return strings.Replace(s.URL, s.Addr, p.Addr, 1) }

// DSNThrough is the DSN of the server behind a proxy.
func (s *SQLServer) DSNThrough(p *Proxy) string { return strings.Replace(s.DSN, s.Addr, p.Addr, 1) }

// Password is that of the user whom the DSN names.
func (s *SQLServer) Password() string { return s.secret }

// name is the user, and MariaDB's database.
const name = "seshat"

const maxConnections = "200"

// password keeps other accounts of the machine out of the server.
func password() string { return rand.Text() }
