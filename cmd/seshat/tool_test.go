package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAnIDThatBeginsWithADashIsNoFlag(t *testing.T) {
	id := "-" + strings.Repeat("A", 42)
	for _, c := range []struct{ args, want string }{
		{"seshat show " + id + " --values", "seshat show --values -- " + id},
		{"seshat --json revoke " + id, "seshat --json revoke -- " + id},
		{"seshat revoke --user " + id, "seshat revoke --user " + id},
		{"seshat revoke -- " + id, "seshat revoke -- " + id},
		{"seshat revoke -x", "seshat revoke -x"},
	} {
		if got := shielded(strings.Fields(c.args)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s becomes %v", c.args, got)
		}
	}
}
