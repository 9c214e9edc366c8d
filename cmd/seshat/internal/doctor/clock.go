package doctor

import (
	"fmt"
	"time"
)

// A reading is a server's clock, read between two looks at this machine's.
type reading struct{ before, server, after time.Time }

// off is by how much the server's clock differs for sure: 0 where the time that
// the question took may explain it.
func (c reading) off() time.Duration {
	switch {
	case c.server.Before(c.before):
		return c.server.Sub(c.before)
	case c.server.After(c.after):
		return c.server.Sub(c.after)
	}
	return 0
}

const (
	clockWarning = 2 * time.Second
	clockProblem = time.Minute
)

func (p place) clock(c reading) {
	off := c.off().Round(time.Millisecond)
	far := off.Abs()
	if far < clockWarning {
		return
	}
	severity := Warning
	if far >= clockProblem {
		severity = Problem
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	p.add(severity, "clock", fmt.Sprintf("the server's clock is %v %s this machine's", far, way),
		"Sessions end by the clocks of the application's machines: where those differ too, they end early or late, and above five minutes they are cleared while they live.",
		"Run chrony or systemd-timesyncd on all machines.")
}
