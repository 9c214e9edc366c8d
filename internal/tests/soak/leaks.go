package soak

import (
	"regexp"
	"strings"
	"syscall"
	"time"
)

// encoded is what may be a token in a text.
var encoded = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)

// leaks looks for tokens and items in what the shops printed.
func (o *Oracle) leaks(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, word := range encoded.FindAllString(text, -1) {
		if o.tokens[word] {
			o.violate(LeaksNothing, nil, "a token is in what a shop printed: ...%.300s", text[max(0, strings.Index(text, word)-200):])
			return
		}
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
		if strings.Contains(stack, "cacheddb.(*Store).runRepair") && r.oracle.reuniting() {
			continue // it ends when the cache has been told everything
		}
		r.oracle.Violate(InOperation, "%s has a goroutine left that serves nobody:\n%s", r.fleet.apps[place].Name, stack)
	}
}

// leftovers are the stacks in which Seshat is at work.
func leftovers(text string) (left []string) {
	for stack := range strings.SplitSeq(text, "\n\n") {
		if !strings.HasPrefix(strings.TrimSpace(stack), "goroutine ") {
			continue
		}
		if strings.Contains(stack, "seshat/core/") || strings.Contains(stack, "seshat/stores/") || strings.Contains(stack, "seshat/adapters/") {
			left = append(left, stack)
		}
	}
	return left
}

// reuniting tells whether a fault of the cache is not long ago.
func (o *Oracle) reuniting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.windows {
		if w.Tier == Cache && time.Since(w.mended()) < reunion {
			return true
		}
	}
	return false
}
