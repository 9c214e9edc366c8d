package main

import "github.com/urfave/cli/v3"

// unknown says that there is no such command.
func unknown(root *cli.Command, name string) error {
	if len(name) > longestName {
		return usage("the first argument is no command")
	}
	if near := nearest(root.Commands, name); near != "" {
		return usage("there is no command %q; did you mean %q?", name, near)
	}
	return usage("there is no command %q", name)
}

const (
	// longestName is that of a word that is quoted as a command: a longer one may be
	// something secret.
	longestName = 20

	// mostEdits is how many letters a name that was meant may be away.
	mostEdits = 2
)

// nearest is the command that name was meant to be, or "".
func nearest(commands []*cli.Command, name string) (near string) {
	least := min(mostEdits, len(name)-1) + 1 // of one letter anything could be made
	for _, c := range commands {
		if n := edits(c.Name, name); n < least {
			near, least = c.Name, n
		}
	}
	return near
}

// edits is how many letters are to be put in, left out or changed to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1) // for what came of a, to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			same := diagonal
			if a[i] != b[j] {
				same++
			}
			diagonal = row[j+1]
			row[j+1] = min(same, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
