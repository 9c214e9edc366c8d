package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy stands between an application and a server and passes on what each
// says to the other, until it is told to do worse. Its methods return when what
// they say holds for every connection, and may be called at any time.
type Proxy struct {
	// Addr is host:port, the same before and after Refuse.
	Addr string

	done    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	upstream string
	listener net.Listener // nil while it refuses
	links    map[*link]bool
	line     Line
	changed  chan struct{} // closed when line is another
	pieces   [2]int        // passed in each direction since line is what it is
}

// A Line says how badly a Proxy passes on. The zero value is a good line.
type Line struct {
	Requests, Replies Lane
	// HangUp closes each new connection as soon as it is accepted.
	HangUp bool
}

// A Lane is one direction of a line. A piece is what the proxy reads at once: a
// request or a reply, if they are small.
type Lane struct {
	// Hold keeps every piece back until the line is another. It is passed on
	// then, also if the sender has closed its end meanwhile.
	Hold bool
	// Delay each piece by so much, and by up to Jitter more.
	Delay, Jitter time.Duration
	// Slice passes each piece on in parts of so many bytes.
	Slice int
	// PerSecond is the number of bytes passed on in a second.
	PerSecond int
	// CutEvery cuts the connection instead of passing on each such piece: 1 is
	// every piece, 5 the fifth, the tenth and so on of all connections.
	CutEvery int
	// HalveEvery passes on the first half of each such piece, then cuts.
	HalveEvery int
}

// NewProxy starts a proxy before the server at upstream, host:port. It ends
// with the test, its connections too.
func NewProxy(t testing.TB, upstream string) *Proxy {
	t.Helper()
	p, err := startProxy(upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func startProxy(upstream string) (*Proxy, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: address(port), upstream: upstream, links: make(map[*link]bool), changed: make(chan struct{})}
	p.done, p.end = context.WithCancel(context.Background())
	if err := p.listen(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// port is the number in Addr.
func (p *Proxy) port() string {
	_, port, _ := net.SplitHostPort(p.Addr)
	return port
}

// lead sets the server that connections from now on lead to.
func (p *Proxy) lead(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
}

// Set makes the line what is given, for open connections and for new ones.
func (p *Proxy) Set(line Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.pieces = line, [2]int{}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Refuse makes the proxy refuse connections, after cutting those it has.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Cut ends all connections at both ends; what was on its way is lost.
func (p *Proxy) Cut() { p.endLinks(false) }

// Reset ends all connections as a firewall does that has forgotten them.
func (p *Proxy) Reset() { p.endLinks(true) }

func (p *Proxy) endLinks(reset bool) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.cut(reset)
		<-l.gone
	}
}

// Heal makes the line good and accepts connections again. What was held back is
// passed on.
func (p *Proxy) Heal(t testing.TB) {
	t.Helper()
	p.Set(Line{})
	if err := p.listen(); err != nil {
		t.Fatal(err)
	}
}

// Connections is the number of those that stand.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// listen accepts connections, if it does not yet. Somebody may have the port
// for a moment, as the near end of a connection.
func (p *Proxy) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil || p.done.Err() != nil {
		return nil
	}
	for end := time.Now().Add(startLimit); ; time.Sleep(10 * time.Millisecond) {
		l, err := net.Listen("tcp", p.Addr)
		if err == nil {
			p.listener = l
			p.running.Go(func() { p.accept(l) })
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("servers: proxy: %w", err)
		}
	}
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.connect(l, client.(*net.TCPConn)) })
	}
}

// connect leads a client to the server, until one of them, or the proxy, ends it.
func (p *Proxy) connect(l net.Listener, client *net.TCPConn) {
	p.mu.Lock()
	upstream, hangUp := p.upstream, p.line.HangUp
	done, end := context.WithCancel(p.done)
	c := &link{client: client, done: done, end: end, gone: make(chan struct{})}
	if hangUp || p.listener != l {
		p.mu.Unlock()
		end()
		_ = client.Close()
		return
	}
	p.links[c] = true
	p.mu.Unlock()
	defer func() {
		c.cut(false)
		p.mu.Lock()
		delete(p.links, c)
		p.mu.Unlock()
		close(c.gone)
	}()

	conn, err := (&net.Dialer{Timeout: startLimit}).DialContext(done, "tcp", upstream)
	if err != nil {
		c.cut(true)
		return
	}
	server := conn.(*net.TCPConn)
	if !c.join(server) {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(c, server, client, 0) })
	pumps.Go(func() { p.pump(c, client, server, 1) })
	pumps.Wait()
}

// pump passes on what one end says, and then that it says no more.
func (p *Proxy) pump(c *link, to, from *net.TCPConn, direction int) {
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 && !p.pass(c, to, piece[:n], direction) {
			c.cut(false)
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			_ = to.CloseWrite()
			if direction == 1 { // the server is gone: whatever the client says has nowhere to go
				c.cut(false)
			}
			return
		case err != nil:
			c.cut(true)
			return
		}
	}
}

// pass sends one piece as the line allows, and tells whether the connection
// goes on.
func (p *Proxy) pass(c *link, to *net.TCPConn, piece []byte, direction int) bool {
	lane, changed := p.next(direction)
	for lane.Hold {
		if !c.wait(changed) {
			return false
		}
		lane, changed = p.next(direction)
	}
	if lane.CutEvery < 0 {
		return false
	}
	pause := lane.Delay
	if lane.Jitter > 0 {
		pause += rand.N(lane.Jitter)
	}
	if pause > 0 && !c.waitFor(pause, changed) {
		return false
	}
	if lane.HalveEvery < 0 {
		_, _ = to.Write(piece[:len(piece)/2])
		return false
	}
	size := len(piece)
	if lane.Slice > 0 {
		size = lane.Slice
	}
	for len(piece) > 0 {
		part := piece[:min(size, len(piece))]
		if lane.PerSecond > 0 && !c.waitFor(time.Duration(len(part))*time.Second/time.Duration(lane.PerSecond), changed) {
			return false
		}
		if _, err := to.Write(part); err != nil {
			return false
		}
		piece = piece[len(part):]
	}
	return true
}

// next is the lane for the next piece in a direction, and what is closed when
// it becomes another. CutEvery and HalveEvery are -1 if it is this piece's turn.
func (p *Proxy) next(direction int) (Lane, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lane := [...]Lane{p.line.Requests, p.line.Replies}[direction]
	if !lane.Hold {
		p.pieces[direction]++
	}
	for _, every := range []*int{&lane.CutEvery, &lane.HalveEvery} {
		if *every > 0 && p.pieces[direction]%*every == 0 {
			*every = -1
		}
	}
	return lane, p.changed
}

func (p *Proxy) close() {
	p.Refuse()
	p.end()
	p.running.Wait()
}

// A link is one connection: both its ends.
type link struct {
	client *net.TCPConn
	done   context.Context
	end    context.CancelFunc
	gone   chan struct{} // closed when nothing of it is left

	mu     sync.Mutex
	server *net.TCPConn // nil until it stands
	off    bool         // cut
}

// join adds the server's end; false if the link was cut meanwhile.
func (c *link) join(server *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = server
	if c.off {
		_ = server.Close()
	}
	return !c.off
}

func (c *link) cut(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return
	}
	c.off = true
	c.end()
	for _, conn := range []*net.TCPConn{c.client, c.server} {
		if conn == nil {
			continue
		}
		if reset {
			_ = conn.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// wait returns when something happens; false if that is the link's end.
func (c *link) wait(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	case <-c.done.Done():
		return false
	}
}

// waitFor is wait, and at most so long.
func (c *link) waitFor(d time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-changed:
		return true
	case <-c.done.Done():
		return false
	}
}
