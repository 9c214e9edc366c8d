package faults_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// redisSights is what each fault looks like. The rest are those of the network.
var redisSights = map[string]sight{
	"Redis is killed":                                       {"EOF|reset", "refused"},
	"Redis is killed and restarted at once":                 {"EOF|reset", "NOSCRIPT"},
	"Redis is paused for a moment":                          {},
	"Redis is paused for longer than the time limit":        {"timeout", "timeout"},
	"Redis is flushed":                                      {},
	"Redis is full and refuses writes":                      {"", "OOM"},
	"Redis is full and evicts what was used least recently": {},
	"Redis is restarted from an older snapshot":             {"EOF|reset", "refused"},
	"Redis forks to save what it has":                       {},
	"Redis is restarted empty":                              {"EOF|reset", "NOSCRIPT"},
	"Redis drops all connections":                           {"EOF|reset", ""},
	"Redis drops all connections again and again":           {sometimes + "EOF|reset", sometimes + "EOF|reset"},
	"Redis drops idle connections":                          {idle, ""},
	"Redis takes no more clients":                           {"EOF|reset", "max number of clients"},
	"Redis asks for a password":                             {"EOF|reset", "NOAUTH"},
	"Redis lets all commands wait":                          {"timeout", "timeout"},
	"Redis lets all writes wait":                            {"", "timeout"},
	"Redis is a replica for a while and takes no writes":    {"", "READONLY"},
	"Redis is a replica for a while and serves nothing":     {"MASTERDOWN", "MASTERDOWN|READONLY"},
	"Redis is busy with a script":                           {"BUSY", "BUSY"},
	"Redis forgets its scripts":                             {"", "NOSCRIPT"},
	"Redis permits no writes":                               {"", "NOPERM"},
	"Redis cannot save and refuses writes":                  {"", "MISCONF"},
}

func TestEachFaultOfRedisHappensAndEnds(t *testing.T) {
	for _, args := range [][]string{nil, {"--appendonly", "yes"}} {
		name := "without persistence"
		if args != nil {
			name = "persistent"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := servers.Redis(t, args...)
			list := faults.Redis(r)
			for _, f := range list {
				t.Run(f.Name, func(t *testing.T) { redisFault(t, r, f) })
			}
		})
	}
}

func redisFault(t *testing.T, r *servers.RedisServer, f faults.Fault) {
	want, ok := redisSights[f.Name]
	if !ok {
		t.Fatal("not described")
	}
	f.Mend(t) // has no effect
	direct := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer func() { _ = direct.Close() }()
	c := &redisUser{addr: r.Addr}
	defer c.close()
	works(t, c)
	const keys = 200
	for n := range keys {
		if err := direct.Set(t.Context(), fmt.Sprintf("session:%d", n), strings.Repeat("v", 2000), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	came := look(t, &redisUser{addr: r.Addr}, f, want)
	counted := count(t, r.Addr)
	t.Cleanup(func() { f.Mend(t) })
	f.Inject(t)
	if !came() {
		t.Error("nothing has happened")
	}
	see(t, c, want)
	last := counted()
	f.Mend(t)
	f.Mend(t)
	works(t, c)

	left := direct.Exists(t.Context(), names(keys)...).Val()
	now, err := direct.Get(t.Context(), "counter").Int64()
	lostCount := err != nil || now < last
	switch f.Loss {
	case faults.Nothing:
		if left != keys || lostCount {
			t.Errorf("%d of %d keys are left, the counter is %d after %d (%v)", left, keys, now, last, err)
		}
	case faults.Recent:
		if left != keys || !lostCount || err != nil {
			t.Errorf("%d of %d keys are left, the counter is %d after %d (%v)", left, keys, now, last, err)
		}
	case faults.Records:
		if left == keys {
			t.Errorf("%d keys are all left", left)
		}
	}
	direct.FlushAll(t.Context())
}

func names(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("session:%d", i))
	}
	return all
}

// count returns when the first number is in Redis, counts on until it is
// stopped, and then tells the last acknowledged number.
func count(t *testing.T, addr string) (stop func() int64) {
	t.Helper()
	var last atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	started, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c := &redisUser{addr: addr}
		defer c.close()
		for n := int64(1); ctx.Err() == nil; n++ {
			if _, err := c.do(ctx, fmt.Sprintf("SET counter %d", n)); err == nil && last.Swap(n) == 0 {
				close(started)
			}
		}
	}()
	select {
	case <-started:
	case <-time.After(10 * time.Second):
		t.Error("nothing could be counted before the fault")
	}
	return func() int64 {
		cancel()
		<-done
		return last.Load()
	}
}

// A redisUser writes by a script, as a store does, on one plain connection.
type redisUser struct {
	addr string
	conn net.Conn
}

const script = "return redis.call('set',KEYS[1],ARGV[1])"

func (c *redisUser) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *redisUser) read(ctx context.Context) error {
	_, err := c.do(ctx, "GET user")
	return err
}

func (c *redisUser) write(ctx context.Context) error {
	_, err := c.do(ctx, fmt.Sprintf("EVALSHA %x 1 user v", sha1.Sum([]byte(script))))
	if err != nil && strings.HasPrefix(err.Error(), "-NOSCRIPT") { // the next time it is there
		_, _ = c.do(ctx, fmt.Sprintf("SCRIPT LOAD %q", script))
	}
	return err
}

// do sends a line and reads the first of the answer; the second, too, if there
// is one.
func (c *redisUser) do(ctx context.Context, line string) (answer string, err error) {
	defer func() {
		if err != nil && answer == "" {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = new(net.Dialer).DialContext(ctx, "tcp", c.addr); err != nil {
			return "", err
		}
	}
	end := time.Now().Add(patience / 2)
	if deadline, ok := ctx.Deadline(); ok {
		end = deadline
	}
	_ = c.conn.SetDeadline(end)
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return "", err
	}
	reader := bufio.NewReader(c.conn)
	if answer, err = reader.ReadString('\n'); err != nil {
		return "", err
	}
	switch answer[0] {
	case '-':
		return answer, errors.New(strings.TrimSpace(answer))
	case '$':
		if answer != "$-1\r\n" {
			return reader.ReadString('\n')
		}
	}
	return answer, nil
}
