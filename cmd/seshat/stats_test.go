package main

import (
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestCountsThatAreNotCompleteSaySo(t *testing.T) {
	for _, complete := range []bool{true, false} {
		st := newStats("db")
		st.add(&session.Record{}, time.Now())
		st.Complete = complete
		var out strings.Builder
		if st.text(&out); strings.Contains(out.String(), "not complete") == complete {
			t.Errorf("complete: %v, and it says\n%s", complete, out.String())
		}
	}
}
