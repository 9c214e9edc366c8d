package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

func (t *tool) versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Category:    "SETTING UP",
		Usage:       "print the version",
		UsageText:   "seshat version",
		Description: `JSON: {"version", "revision", "modified", "go"}`,
		Action: t.action(0, func(context.Context, *cli.Command) (result, error) {
			return thisVersion(), nil
		}),
	}
}

type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"` // the sources were changed after the revision
	Go       string `json:"go"`
}

func thisVersion() version {
	v := version{Version: "unknown"}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version, v.Go = b.Main.Version, b.GoVersion
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) text(w io.Writer) {
	fmt.Fprintf(w, "seshat %s", v.Version)
	if v.Revision != "" {
		fmt.Fprintf(w, ", revision %.12s", v.Revision)
	}
	if v.Modified {
		fmt.Fprint(w, " with changes")
	}
	fmt.Fprintf(w, ", %s\n", v.Go)
}
