package benchmarks

import (
	"bytes"
	"strconv"
	"strings"
)

// redisProtocol finds the commands in what a client sends: RESP arrays of bulk
// strings.
type redisProtocol struct{ rest []byte }

// setup are the commands that a new connection sends of its own.
var setup = map[string]bool{"HELLO": true, "CLIENT": true, "AUTH": true, "SELECT": true}

func (p *redisProtocol) feed(b []byte) []message {
	p.rest = append(p.rest, b...)
	var found []message
	for {
		name, size := redisCommand(p.rest)
		if size == 0 {
			return found
		}
		p.rest = p.rest[size:]
		if !setup[strings.ToUpper(name)] {
			found = append(found, message{order: true, awaited: true})
		}
	}
}

// redisCommand returns the name of the command at the beginning and how long it
// is; 0 if it is not complete.
func redisCommand(b []byte) (name string, size int) {
	elements, at := redisNumber(b, 0, '*')
	if at == 0 {
		return "", 0
	}
	for n := range elements {
		length, text := redisNumber(b, at, '$')
		if text == 0 || text+length+2 > len(b) {
			return "", 0
		}
		if n == 0 {
			name = string(b[text : text+length])
		}
		at = text + length + 2
	}
	return name, at
}

// redisNumber reads a line of a letter and a number, and returns where the next
// one begins; 0 if it is not complete, or another line.
func redisNumber(b []byte, at int, letter byte) (number, next int) {
	if at >= len(b) || b[at] != letter {
		return 0, 0
	}
	end := bytes.Index(b[at:], []byte("\r\n"))
	if end < 0 {
		return 0, 0
	}
	number, err := strconv.Atoi(string(b[at+1 : at+end]))
	if err != nil || number < 0 {
		return 0, 0
	}
	return number, at + end + 2
}
