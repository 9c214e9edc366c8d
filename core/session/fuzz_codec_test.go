package session_test

import (
	"encoding/json"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// FuzzJSON: the codec reads what encoding/json reads, and the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{``, `"`, `""`, `"a"`, `"a\n"`, `"\u00e9"`, `"\""`, `"a"b"`, ` "a"`, `"a" `, `null`, `1`, "\"\xff\"", "\"\x00\"", `"é"`, "\"\x7f\"", `"<&>"`, `"a\"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, want := "before", "before"
		gotErr, wantErr := session.JSON.Unmarshal(data, &got), json.Unmarshal(data, &want)
		if got != want || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%q is %q, %v, want %q, %v", data, got, gotErr, want, wantErr)
		}
	})
}
