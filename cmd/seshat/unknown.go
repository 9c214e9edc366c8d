package main

import (
	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/internal/nearest"
)

// unknown says that there is no such command.
func unknown(root *cli.Command, name string) error {
	if len(name) > longestName {
		return usage("the first argument is no command")
	}
	var known []string
	for _, c := range root.Commands {
		known = append(known, c.Name)
	}
	most := min(mostEdits, len(name)-1) // of one letter anything could be made
	if near := nearest.To(name, known, most); near != "" {
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
