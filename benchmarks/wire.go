package benchmarks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// A wire is a keep-alive connection that knows just enough HTTP/1.1 for the
// answers of the contestants, so that asking costs the machine little. It is
// for one goroutine, and of no use after an error.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	a    Answer
}

// patience is how long an answer may take.
const patience = 20 * time.Second

func dial(addr string) (*wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: %w", err)
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *wire) close() { _ = c.conn.Close() }

// Get implements Client.
func (c *wire) Get(route, cookie string) (Answer, error) {
	return c.ask(request(route, cookie))
}

// request is the bytes of a request.
func request(route, cookie string) []byte {
	b := []byte("GET " + route + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: " + userAgent + "\r\n")
	if cookie != "" {
		b = append(b, "Cookie: "+cookie+"\r\n"...)
	}
	return append(b, "\r\n"...)
}

var (
	headLength = []byte("Content-Length: ")
	headCookie = []byte("Set-Cookie: ")
	headChunks = []byte("Transfer-Encoding: ")
)

// ask sends a request and reads the answer. It allocates nothing.
func (c *wire) ask(request []byte) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return Answer{}, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return Answer{}, fmt.Errorf("benchmarks: ask: %w", err)
	}
	c.a.Status, c.a.Cookie, c.a.Body = 0, c.a.Cookie[:0], c.a.Body[:0]
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return Answer{}, fmt.Errorf("benchmarks: read the answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			if length < 0 {
				return Answer{}, errors.New("benchmarks: the answer does not say how long it is")
			}
			err := c.body(length)
			return c.a, err
		case c.a.Status == 0:
			if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
				return Answer{}, fmt.Errorf("benchmarks: the answer begins with %q", line)
			}
			if c.a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return Answer{}, fmt.Errorf("benchmarks: the answer begins with %q", line)
			}
		case bytes.HasPrefix(line, headLength):
			if length, err = strconv.Atoi(string(line[len(headLength):])); err != nil {
				return Answer{}, fmt.Errorf("benchmarks: the answer says %q", line)
			}
		case bytes.HasPrefix(line, headCookie):
			cookie, _, _ := bytes.Cut(line[len(headCookie):], []byte(";"))
			c.a.Cookie = append(c.a.Cookie[:0], cookie...)
		case bytes.HasPrefix(line, headChunks):
			return Answer{}, errors.New("benchmarks: the answer comes in chunks")
		}
	}
}

func (c *wire) body(length int) error {
	if cap(c.a.Body) < length {
		c.a.Body = make([]byte, length)
	}
	c.a.Body = c.a.Body[:length]
	if _, err := io.ReadFull(c.in, c.a.Body); err != nil {
		return fmt.Errorf("benchmarks: read the answer: %w", err)
	}
	return nil
}
