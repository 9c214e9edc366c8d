package soak

import (
	"slices"
	"strings"
	"syscall"
	"time"
)

// tokenLength is that of a token, in the alphabet of base64url.
const tokenLength = 43

func inToken(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// findToken is where the first of the tokens is in a text, also where letters
// stand right before or after it; -1 if none is.
func (o *Oracle) findToken(text string) int {
	run := 0 // of letters that a token may have, up to here
	for i := range len(text) {
		if !inToken(text[i]) {
			run = 0
			continue
		}
		run++
		if begin := i + 1 - tokenLength; run >= tokenLength && o.tokens[text[begin:i+1]] {
			return begin
		}
	}
	return -1
}

// leaks looks for tokens and items in what the shops printed.
func (o *Oracle) leaks(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := o.findToken(text); at >= 0 {
		o.violate(LeaksNothing, nil, "a token is in what a shop printed: ...%.300s", text[max(0, at-200):])
		return
	}
	if at := strings.Index(text, "-item"); at >= 0 {
		o.violate(LeaksNothing, nil, "a value is in what a shop printed: ...%.300s", text[max(0, at-200):])
	}
}

// stackLimit is how long a process may take to print its stacks.
const stackLimit = 30 * time.Second

// stacks ends a process by SIGQUIT, which prints the stack of every goroutine,
// and looks for those that serve nobody any more.
func (r *run) stacks(place int) {
	p := r.fleet.shop(place)
	p.Signal(syscall.SIGQUIT)
	select {
	case <-p.Ended():
	case <-time.After(stackLimit):
		r.oracle.Violate(InOperation, "%s does not end by SIGQUIT", r.fleet.apps[place].Name)
		return
	}
	_, text, _ := strings.Cut(p.Output(), "SIGQUIT: quit")
	for _, stack := range leftovers(text) {
		if strings.Contains(stack, "cacheddb.(*Store).runRepair") && r.oracle.repairing(time.Now()) {
			continue // it ends when nothing is in doubt any more
		}
		if strings.Contains(stack, "session.(*Manager).PurgeEvery") {
			continue // it ends with the process
		}
		r.oracle.Violate(InOperation, "%s has a goroutine left that serves nobody:\n%s", r.fleet.apps[place].Name, stack)
	}
}

// leftovers are the stacks in which Seshat is at work, but for the one that waits
// for the next purge.
func leftovers(text string) (left []string) {
	for stack := range strings.SplitSeq(text, "\n\n") {
		if !strings.HasPrefix(strings.TrimSpace(stack), "goroutine ") || strings.Contains(stack, "main.purge.func1") {
			continue
		}
		if strings.Contains(stack, "seshat/core/") || strings.Contains(stack, "seshat/stores/") || strings.Contains(stack, "seshat/adapters/") {
			left = append(left, stack)
		}
	}
	return left
}

// repairing tells whether a fault is so short a time ago that a process may
// still have to tell the cache of a write, or to ask the database what became of
// one: either is tried again after half a minute at the latest.
func (o *Oracle) repairing(t time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.windows, func(w *Window) bool { return t.Sub(w.mended()) < reunion })
}
