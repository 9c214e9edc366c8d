package main

import (
	"bytes"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

// steps is a command of 21 seconds that counts to 21.
func steps(t *testing.T, tl *tool) string {
	var out bytes.Buffer
	tl.stderr = &out
	synctest.Test(t, func(*testing.T) {
		p := tl.progress("sessions ended", 21)
		for range 21 {
			time.Sleep(time.Second)
			p.add(1)
		}
		p.end()
	})
	return out.String()
}

func TestWithoutATerminalProgressIsALineEveryFewSecondsAndALastOne(t *testing.T) {
	want := "sessions ended: 5 of 21, 1/s\nsessions ended: 10 of 21, 1/s\nsessions ended: 15 of 21, 1/s\nsessions ended: 20 of 21, 1/s\nsessions ended: 21 of 21, 1/s\n"
	if got := steps(t, &tool{}); got != want {
		t.Errorf("it shows\n%swant\n%s", got, want)
	}
}

func TestOnATerminalProgressIsABarThatGoesAway(t *testing.T) {
	got := steps(t, &tool{terminal: true})
	if !regexp.MustCompile(`sessions ended .*\(20/21`).MatchString(got) || bytes.ContainsRune([]byte(got), '\n') {
		t.Errorf("it shows %q", got)
	}
}

func TestQuietShowsNoProgress(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		if got := steps(t, &tool{terminal: terminal, quiet: true}); got != "" {
			t.Errorf("it shows %q", got)
		}
	}
}
