package benchmarks

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// answering starts a server that answers each write of a client with one byte,
// and returns its address.
func answering(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				// One answer for each line that ends the client's turn.
				for in := bufio.NewReader(conn); ; {
					b, err := in.ReadByte()
					if err != nil {
						return
					}
					if b == endOfTurn {
						if _, err := conn.Write([]byte{1}); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// endOfTurn is a byte that the messages of these tests end with, and have
// nowhere else.
const endOfTurn = '!'

// ask sends texts through a meter and waits for the answer to each.
func ask(t *testing.T, m *Meter, turns ...string) {
	t.Helper()
	conn, err := net.Dial("tcp", m.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, turn := range turns {
		if _, err := io.WriteString(conn, turn); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, strings.Count(turn, string(endOfTurn)))); err != nil {
			t.Fatal(err)
		}
	}
}

// resp is a Redis command on the wire.
func resp(words ...string) string {
	b := "*" + number(float64(len(words))) + "\r\n"
	for _, w := range words {
		b += "$" + number(float64(len(w))) + "\r\n" + w + "\r\n"
	}
	return b
}

func TestARedisMeterCountsCommandsAndRoundTrips(t *testing.T) {
	m, err := NewRedisMeter(answering(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ask(t, m,
		resp("HELLO", "3", "!"), resp("client", "setinfo", "lib-name", "x!"), resp("AUTH", "p!"), resp("SELECT", "1!"), // opens the connection
		resp("PING", "!"),
		resp("GET", "key!"),
		resp("SET", "a", "*3\r\n$3\r\nSET")+resp("SET", "b", strings.Repeat("x", 100_000))+resp("DEL", "c!"), // a pipeline
		resp("EVALSHA", "abc", "1", "key!"),
	)
	if got, want := m.Counts(), (Counts{Orders: 6, Trips: 4}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// pg is a message of a PostgreSQL client; type 0 is the first one.
func pg(kind byte, body string) string {
	var b []byte
	if kind != 0 {
		b = append(b, kind)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+4))
	return string(append(b, body...))
}

func TestAPostgresMeterCountsStatementsAndRoundTrips(t *testing.T) {
	m, err := NewPostgresMeter(answering(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ask(t, m,
		pg(0, "\x00\x03\x00\x00user\x00me!\x00"), pg('p', "password!"), // opens the connection
		pg('Q', "-- ping!"),                        // 1 statement, 1 round trip
		pg('P', "select")+pg('D', "")+pg('S', "!"), // prepares: 1 round trip
		pg('B', "x")+pg('E', "x")+pg('S', "!"),     // 1 and 1
		pg('B', "x")+pg('E', "x")+pg('B', "y")+pg('E', strings.Repeat("y", 100_000))+pg('S', "!"), // a batch: 2 and 1
		pg('X', "!"),
	)
	if got, want := m.Counts(), (Counts{Orders: 4, Trips: 4}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestProtocolsReadMessagesThatComeInPieces(t *testing.T) {
	whole := resp("GET", "k") + resp("HELLO", "3") + resp("SET", "k", "v")
	var redis []message
	for i, p := 0, (&redisProtocol{}); i < len(whole); i++ {
		redis = append(redis, p.feed([]byte{whole[i]})...)
	}
	if len(redis) != 2 {
		t.Errorf("%d commands, want 2", len(redis))
	}
	whole = pg(0, "x") + pg('B', "x") + pg('E', "x") + pg('S', "")
	var postgres []message
	for i, p := 0, (&postgresProtocol{}); i < len(whole); i++ {
		postgres = append(postgres, p.feed([]byte{whole[i]})...)
	}
	if want := []message{{order: true}, {awaited: true}}; !slices.Equal(postgres, want) {
		t.Errorf("messages %+v, want %+v", postgres, want)
	}
}

func TestMetersCountWhatRealClientsSend(t *testing.T) {
	p := newPark(t)
	if p.admin == nil {
		t.Skip(servers.NotRun)
	}
	m, err := newMeteredEnv(p.env(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()

	rdb := redis.NewClient(&redis.Options{Addr: m.Redis})
	defer func() { _ = rdb.Close() }()
	ctx := context.Background()
	if err := rdb.Set(ctx, "meter", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before, _ := m.counts()
	if err := rdb.Get(ctx, "meter").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for range 3 {
			p.Incr(ctx, "meter")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	after, _ := m.counts()
	if got, want := after.minus(before), (Counts{Orders: 4, Trips: 2}); got != want {
		t.Errorf("Redis: counted %+v, want %+v", got, want)
	}

	db, err := openPostgres(m.Env)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	query := func() {
		var n int
		if err := db.QueryRow(`SELECT $1::int`, 1).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	query() // prepares
	query() // pings: the driver does not know yet how old the connection is
	_, before = m.counts()
	query()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	_, after = m.counts()
	if got, want := after.minus(before), (Counts{Orders: 3, Trips: 3}); got != want {
		t.Errorf("PostgreSQL: counted %+v, want %+v", got, want)
	}
}
