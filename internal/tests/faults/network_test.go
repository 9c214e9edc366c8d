package faults_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// A passage is what a fault of the network does to 12 calls, each on a
// connection that stands, or on a new one where the one before was broken.
type passage struct {
	calls  string        // what all failed calls end with
	failed int           // how many
	done   int           // how many the server has carried out while it lasts
	later  int           // how many it carries out once it is mended
	takes  time.Duration // what they all take at least
	pieces bool          // answers come in pieces
}

const asked = 12

var passages = map[string]passage{
	"tea refuses connections":                                {calls: "refused|EOF|reset", failed: asked, done: 0, later: 0},
	"all connections to tea are cut":                         {calls: "EOF|reset", failed: 1, done: asked - 1, later: 0},
	"all connections to tea are reset":                       {calls: "reset", failed: 1, done: asked - 1, later: 0},
	"tea accepts connections and closes them":                {calls: "EOF|reset|broken pipe", failed: asked, done: 0, later: 0},
	"tea is far away":                                        {done: asked, takes: asked * 40 * time.Millisecond},
	"requests to tea come late":                              {calls: "timeout", failed: asked, done: 0, later: asked},
	"replies of tea come late":                               {calls: "timeout", failed: asked, done: asked, later: 0},
	"requests to tea are lost in silence":                    {calls: "timeout", failed: asked, done: 0, later: 0},
	"replies of tea are lost in silence":                     {calls: "timeout", failed: asked, done: asked, later: 0},
	"every third request to tea is lost with its connection": {calls: "EOF|reset", failed: asked / 3, done: asked - asked/3, later: 0},
	"every third reply of tea is lost with its connection":   {calls: "EOF|reset", failed: asked / 3, done: asked, later: 0},
	"every third request to tea is cut in its middle":        {calls: "EOF|reset", failed: asked / 3, done: asked - asked/3, later: 0},
	"every third reply of tea is cut in its middle":          {calls: "EOF|reset", failed: asked / 3, done: asked, later: 0},
	"packets to and from tea are sliced":                     {done: asked, pieces: true},
	"the line to tea is slow":                                {done: asked, takes: asked * 25 * time.Millisecond},
	"one process is cut off from tea":                        {calls: "refused|EOF|reset", failed: asked, done: 0, later: 0},
	"one process hears nothing from tea":                     {calls: "timeout", failed: asked, done: asked, later: 0},
	"requests of one process to tea come late":               {calls: "timeout", failed: asked, done: 0, later: asked},
}

func TestEachFaultOfTheNetworkHappensAndEnds(t *testing.T) {
	none := leftovers(t)
	t.Run("all", func(t *testing.T) {
		first, second := servers.NewProxy(t, "127.0.0.1:1"), servers.NewProxy(t, "127.0.0.1:1")
		list := faults.Network("tea", first, second)
		described(t, list, passages)
		for _, f := range list {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				networkFault(t, f.Name)
			})
		}
	})
	none()
}

func networkFault(t *testing.T, name string) {
	upstream := startEcho(t)
	first, second := servers.NewProxy(t, upstream.addr), servers.NewProxy(t, upstream.addr)
	var f faults.Fault
	for _, other := range faults.Network("tea", first, second) {
		if other.Name == name {
			f = other
		}
	}
	want := passages[name]
	f.Mend(t) // has no effect
	c, other := &caller{addr: first.Addr}, &caller{addr: second.Addr}
	defer c.close()
	defer other.close()
	for _, c := range []*caller{c, other} {
		if err := c.call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := upstream.done.Load()
	t.Cleanup(func() { f.Mend(t) })
	f.Inject(t)
	if want.calls == "timeout" {
		c.patience = 100 * time.Millisecond
	}
	failed, pieces, began := 0, c.pieces, time.Now()
	for range asked {
		if err := c.call(t.Context()); err != nil {
			failed++
			if !matches(err, want.calls) {
				t.Errorf("a call gives %v, not %q", err, want.calls)
			}
		}
	}
	if done := upstream.awaited(before + int64(want.done)); failed != want.failed || done != before+int64(want.done) {
		t.Errorf("%d of %d calls failed and %d were carried out, not %d and %d", failed, asked, done-before, want.failed, want.done)
	}
	if took := time.Since(began); took < want.takes || (c.pieces > pieces+asked) != want.pieces {
		t.Errorf("%d calls took %v, and their answers came in %d pieces", asked, took, c.pieces-pieces)
	}
	if strings.Contains(name, "one process") {
		if err := other.call(t.Context()); err != nil {
			t.Errorf("the other process: %v", err)
		}
		before++
	}
	f.Mend(t)
	f.Mend(t)
	if done := upstream.awaited(before + int64(want.done+want.later)); done != before+int64(want.done+want.later) {
		t.Errorf("%d calls were carried out in the end, not %d", done-before, want.done+want.later)
	}
	c.close()
	c.patience = 0
	if err := c.call(t.Context()); err != nil {
		t.Errorf("after it is mended: %v", err)
	}
	c.close()
	other.close()
	for first.Connections()+second.Connections() > 0 {
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
}

// A caller sends a line and expects it back, many times over.
type caller struct {
	addr     string
	patience time.Duration
	conn     net.Conn
	pieces   int // of answers
}

const (
	request = "oolong\n"
	times   = 60
)

func (c *caller) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *caller) call(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = new(net.Dialer).DialContext(ctx, "tcp", c.addr); err != nil {
			return err
		}
	}
	_ = c.conn.SetDeadline(time.Now().Add(cmp.Or(c.patience, 10*time.Second)))
	if _, err := io.WriteString(c.conn, request); err != nil {
		return err
	}
	reply := make([]byte, len(request)*times)
	for n := 0; n < len(reply); c.pieces++ {
		got, err := c.conn.Read(reply[n:])
		if n += got; string(reply[:n]) != strings.Repeat(request, times)[:n] {
			return errors.New("other bytes: " + string(reply[:n]))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An echo is a server that answers each line with many of it.
type echo struct {
	addr string
	done atomic.Int64
}

func startEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{addr: l.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				for lines := bufio.NewReader(conn); ; {
					line, err := lines.ReadString('\n')
					if err != nil {
						return
					}
					e.done.Add(1)
					_, _ = io.WriteString(conn, strings.Repeat(line, times))
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return e
}

// awaited waits a little until so many calls are carried out, and tells how many
// are.
func (e *echo) awaited(n int64) int64 {
	for end := time.Now().Add(2 * time.Second); e.done.Load() < n && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	return e.done.Load()
}
