package main

import (
	"io"
	"strings"
	"testing"
)

func TestAFlagBeforeTheCommandIsNotTakenForOne(t *testing.T) {
	for args, want := range map[string]string{
		"--bogus list":        `seshat: there is no flag --bogus; a command's flags come after the command`,
		"--user alice list":   `seshat: there is no flag --user; a command's flags come after the command`,
		"-q --user=a list":    `seshat: there is no flag --user; a command's flags come after the command`,
		"lsit --user a":       `seshat: there is no command "lsit"; did you mean "list"?`,
		"--json=maybe list":   `seshat: invalid value "maybe" for flag --json`,
		"list -y":             `seshat list: there is no flag -y`,
		"list -q=maybe":       `seshat list: invalid value "maybe" for flag -q`,
		"list --limit many":   `seshat list: invalid value "many" for flag --limit`,
		"list --usr a":        `seshat list: there is no flag --usr; did you mean --user?`,
		"list --user a b":     `seshat list: list takes no arguments, and there is 1`,
		"show a b":            `seshat show: show takes one argument, and there are 2`,
		"completions":         `seshat: there is no command "completions"; did you mean "completion"?`,
		"purge":               `seshat: there is no command "purge"` + "\n",
		"x":                   `seshat: there is no command "x"` + "\n",
		"help lsit":           `seshat: there is no command "lsit"; did you mean "list"?`,
		"completion tcsh":     `seshat completion: of which shell? Give bash, zsh, fish or pwsh`,
		"completion":          `seshat completion: of which shell?`,
		"":                    `seshat - look after the sessions of an application`,
		"list --user a b c d": `seshat list: list takes no arguments, and there are 3`,
	} {
		stderr, exit := ran(t, io.Discard, args)
		if exit != exitUsage || !strings.HasPrefix(stderr, want) {
			t.Errorf("%s: status %d and %q, want %q", args, exit, stderr, want)
		}
	}
}
