package faults

import (
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Network lists what goes wrong on the way to a server: name is what the server
// is called, through are the proxies before it, one for each process of the
// application. A fault of one process is that of the first.
func Network(name string, through ...*servers.Proxy) []Fault {
	if len(through) == 0 {
		return nil
	}
	list := network(name, through)
	if first := through[0]; len(through) > 1 {
		list = append(list,
			broken("one process is cut off from "+name, (*servers.Proxy).Refuse, first),
			bad("one process hears nothing from "+name, servers.Line{Replies: servers.Lane{Hold: true}}, first).ending((*servers.Proxy).Cut, first),
			bad("requests of one process to "+name+" come late", servers.Line{Requests: servers.Lane{Hold: true}}, first),
		)
	}
	return list
}

// network lists what goes wrong on all lines at once.
func network(name string, through []*servers.Proxy) []Fault {
	every := func(what string, line servers.Line) Fault { return bad(what, line, through...) }
	return []Fault{
		broken(name+" refuses connections", (*servers.Proxy).Refuse, through...),
		broken("all connections to "+name+" are cut", (*servers.Proxy).Cut, through...),
		broken("all connections to "+name+" are reset", (*servers.Proxy).Reset, through...),
		every(name+" accepts connections and closes them", servers.Line{HangUp: true}).after((*servers.Proxy).Cut, through...),
		every(name+" is far away", servers.Line{
			Requests: servers.Lane{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond},
			Replies:  servers.Lane{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond},
		}),
		every("requests to "+name+" come late", servers.Line{Requests: servers.Lane{Hold: true}}),
		every("replies of "+name+" come late", servers.Line{Replies: servers.Lane{Hold: true}}),
		every("requests to "+name+" are lost in silence", servers.Line{Requests: servers.Lane{Hold: true}}).ending((*servers.Proxy).Cut, through...),
		every("replies of "+name+" are lost in silence", servers.Line{Replies: servers.Lane{Hold: true}}).ending((*servers.Proxy).Cut, through...),
		every("every third request to "+name+" is lost with its connection", servers.Line{Requests: servers.Lane{CutEvery: 3}}),
		every("every third reply of "+name+" is lost with its connection", servers.Line{Replies: servers.Lane{CutEvery: 3}}),
		every("every third request to "+name+" is cut in its middle", servers.Line{Requests: servers.Lane{HalveEvery: 3}}),
		every("every third reply of "+name+" is cut in its middle", servers.Line{Replies: servers.Lane{HalveEvery: 3}}),
		every("packets to and from "+name+" are sliced", servers.Line{
			Requests: servers.Lane{Slice: 61, PerSecond: 128 << 10}, Replies: servers.Lane{Slice: 61, PerSecond: 128 << 10},
		}),
		every("the line to "+name+" is slow", servers.Line{
			Requests: servers.Lane{PerSecond: 16 << 10}, Replies: servers.Lane{PerSecond: 16 << 10},
		}),
	}
}

// broken is a fault of connections, not of what is said on them.
func broken(name string, how func(*servers.Proxy), through ...*servers.Proxy) Fault {
	return Fault{Name: name, Inject: each(how, through), Mend: heal(through)}
}

// bad is a line that passes on badly.
func bad(name string, line servers.Line, through ...*servers.Proxy) Fault {
	return Fault{Name: name, Inject: each(func(p *servers.Proxy) { p.Set(line) }, through), Mend: heal(through)}
}

// after is f with something done to the proxies once it has happened.
func (f Fault) after(do func(*servers.Proxy), through ...*servers.Proxy) Fault {
	inject := f.Inject
	f.Inject = func(t testing.TB) {
		inject(t)
		each(do, through)(t)
	}
	return f
}

// ending is f with something done to the proxies before it is mended.
func (f Fault) ending(do func(*servers.Proxy), through ...*servers.Proxy) Fault {
	mend := f.Mend
	f.Mend = func(t testing.TB) {
		each(do, through)(t)
		mend(t)
	}
	return f
}

func each(do func(*servers.Proxy), through []*servers.Proxy) func(testing.TB) {
	return func(testing.TB) {
		for _, p := range through {
			do(p)
		}
	}
}

func heal(through []*servers.Proxy) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		for _, p := range through {
			p.Heal(t)
		}
	}
}
