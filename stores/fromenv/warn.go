package fromenv

import (
	"fmt"
	"slices"
	"strings"
)

// Settings of Django that have nothing to decide here, and why.
var withoutEffect = map[string]string{
	"SESSION_CACHE_ALIAS": "REDIS_URL says where the cache is",
	"SESSION_FILE_PATH":   "there are no sessions in files; DATABASE_URL=sqlite:FILE keeps them in one",
	"SESSION_SERIALIZER":  "values are JSON; session.Options.Codec changes it",
}

// Variables of other programs: X11 desktops set it for each process.
var othersVariables = []string{"SESSION_MANAGER"}

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
		} else if near := nearest(name, known); near != "" {
			line += fmt.Sprintf("; did you mean %s?", near)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// nearest returns the known name that is the fewest edits away, if they are few.
func nearest(name string, known []string) string {
	best, fewest := "", 4
	for _, k := range known {
		if n := edits(name, k); n < fewest {
			best, fewest = k, n
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
