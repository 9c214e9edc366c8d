package nearest_test

import (
	"testing"

	"github.com/seshat-go/seshat/internal/nearest"
)

func TestANameIsTakenForTheNearestOne(t *testing.T) {
	known := []string{"list", "show", "stats", "revoke"}
	for name, want := range map[string]string{
		"list": "list", "lsit": "list", "lists": "list", "lst": "list", "stast": "stats", "revok": "revoke", "purge": "", "": "", "häw": "",
	} {
		if got := nearest.To(name, known, 2); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}
