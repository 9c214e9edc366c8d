package benchmarks

import "encoding/binary"

// postgresProtocol finds the statements in what a client sends: Query is one,
// and so is each Execute; a client waits after Query and Sync. What opens the
// connection is not counted.
type postgresProtocol struct {
	rest    []byte
	started bool // the start-up message, which has no type, is over
}

// Messages of a client, by their first byte.
const (
	pgQuery   = 'Q'
	pgExecute = 'E'
	pgSync    = 'S'
)

func (p *postgresProtocol) feed(b []byte) []message {
	p.rest = append(p.rest, b...)
	var found []message
	for {
		head := 1
		if !p.started {
			head = 0
		}
		if len(p.rest) < head+4 {
			return found
		}
		size := head + int(binary.BigEndian.Uint32(p.rest[head:]))
		if len(p.rest) < size {
			return found
		}
		if p.started {
			switch p.rest[0] {
			case pgQuery:
				found = append(found, message{order: true, awaited: true})
			case pgExecute:
				found = append(found, message{order: true})
			case pgSync:
				found = append(found, message{awaited: true})
			}
		}
		p.started = true
		p.rest = p.rest[size:]
	}
}
