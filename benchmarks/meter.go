package benchmarks

import (
	"fmt"
	"net"
	"sync"
)

// Counts are what clients have sent to a server.
type Counts struct {
	// Orders are Redis commands (a script is one, what it calls is none) or SQL
	// statements.
	Orders int
	// Trips are round trips: orders that were sent before the answer to the
	// first of them are one.
	Trips int
}

func (c Counts) minus(d Counts) Counts { return Counts{c.Orders - d.Orders, c.Trips - d.Trips} }

// A protocol reads what a client says to a server.
type protocol interface {
	// feed takes the next bytes and returns the messages in them that count, as
	// far as they are complete.
	feed(b []byte) []message
}

// A message counts as an order, or as something to wait for, or both.
type message struct{ order, awaited bool }

// A Meter stands between clients and a server and counts what the clients send.
type Meter struct {
	Addr string // host:port, where clients connect

	listener net.Listener
	upstream string
	protocol func() protocol

	mu     sync.Mutex
	counts Counts
	conns  []net.Conn
	closed bool
	all    sync.WaitGroup
}

// NewRedisMeter counts the commands to the Redis server at an address.
func NewRedisMeter(upstream string) (*Meter, error) {
	return newMeter(upstream, func() protocol { return &redisProtocol{} })
}

// NewPostgresMeter counts the statements to the PostgreSQL server at an address.
func NewPostgresMeter(upstream string) (*Meter, error) {
	return newMeter(upstream, func() protocol { return &postgresProtocol{} })
}

func newMeter(upstream string, p func() protocol) (*Meter, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("benchmarks: meter: %w", err)
	}
	m := &Meter{Addr: listener.Addr().String(), listener: listener, upstream: upstream, protocol: p}
	m.all.Go(m.accept)
	return m, nil
}

// Counts returns what was counted so far, for all connections.
func (m *Meter) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// Close cuts all connections.
func (m *Meter) Close() {
	_ = m.listener.Close()
	m.mu.Lock()
	m.closed = true
	for _, c := range m.conns {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.all.Wait()
}

func (m *Meter) accept() {
	for {
		client, err := m.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", m.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		m.mu.Lock()
		if m.closed {
			_ = client.Close()
			_ = server.Close()
		}
		m.conns = append(m.conns, client, server)
		m.mu.Unlock()
		l := &metered{meter: m, answered: true}
		m.all.Go(func() { l.pass(server, client, m.protocol()) })
		m.all.Go(func() { l.pass(client, server, nil) })
	}
}

// metered is one connection through the meter.
type metered struct {
	meter    *Meter
	answered bool // the server said something since the last message
}

// pass passes on what one side says, after it has counted it.
func (l *metered) pass(to, from net.Conn, p protocol) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		l.count(p, buffer[:n])
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *metered) count(p protocol, b []byte) {
	l.meter.mu.Lock()
	defer l.meter.mu.Unlock()
	if p == nil {
		l.answered = true
		return
	}
	for _, m := range p.feed(b) {
		if m.order {
			l.meter.counts.Orders++
		}
		if m.awaited && l.answered {
			l.meter.counts.Trips++
			l.answered = false
		}
	}
}
