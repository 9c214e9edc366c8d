package fromenv

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seshat-go/seshat/internal/nearest"
)

// Settings of Django that have nothing to decide here, and why.
var withoutEffect = map[string]string{
	"SESSION_CACHE_ALIAS": "REDIS_URL says where the cache is",
	"SESSION_FILE_PATH":   "there are no sessions in files; DATABASE_URL=sqlite:FILE keeps them in one",
	"SESSION_SERIALIZER":  "values are JSON; session.Options.Codec changes it",
}

// Variables of other programs: X11 desktops set it for each process.
var othersVariables = []string{"SESSION_MANAGER"}

// mostEdits is how far off a variable may be from the one that it is taken for.
const mostEdits = 3

// warnings returns one line for each variable that begins with SESSION_ and has
// no effect, without its value, which may be a secret.
func warnings(given map[string]string) []string {
	known := Variables()
	var lines []string
	for name := range given {
		if !strings.HasPrefix(name, "SESSION_") || slices.Contains(known, name) || slices.Contains(othersVariables, name) {
			continue
		}
		line := name + " has no effect: there is no such setting"
		if why, ok := withoutEffect[name]; ok {
			line = name + " has no effect: " + why
		} else if near := nearest.To(name, known, mostEdits); near != "" {
			line += fmt.Sprintf("; did you mean %s?", near)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
