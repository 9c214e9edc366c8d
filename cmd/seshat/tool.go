package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/seshat-go/seshat/core/session"
)

// A tool is one run of the program.
type tool struct {
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // somebody watches: standard error is a terminal
	canAsk         bool // and standard input is one too

	json, quiet bool
	secrets     secrets
	exit        int
}

func newTool(args, environ []string) *tool {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	return &tool{
		args: shielded(args), environ: environ,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: terminal,
		canAsk:   terminal && term.IsTerminal(int(os.Stdin.Fd())),
		secrets:  secretsIn(args, environ),
		json:     slices.Contains(args, "--json"), // also where the rest cannot be read
	}
}

// run returns the exit status.
func (t *tool) run(ctx context.Context) int {
	out := &keeper{w: t.stdout}
	t.stdout = out
	if err := t.command().Run(ctx, t.args); err != nil && t.exit == exitDone && out.err == nil {
		t.fail(ctx, "seshat", nil, failure{exitUsage, err})
	}
	if out.err != nil {
		fmt.Fprintf(t.stderr, "seshat: the answer could not be written: %v\n", out.err)
		if t.exit == exitDone {
			t.exit = exitFailed
		}
	}
	return t.exit
}

// fail reports an outcome and remembers the status.
func (t *tool) fail(ctx context.Context, command string, res result, err error) {
	t.report(ctx, command, res, err)
	t.exit = exitOf(ctx, err)
}

// action makes of a command's work what the library calls.
func (t *tool) action(arguments int, work func(context.Context, *cli.Command) (result, error)) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		t.json, t.quiet = cmd.Bool("json"), cmd.Bool("quiet")
		if n := cmd.Args().Len(); n > arguments {
			t.fail(ctx, cmd.FullName(), nil, tooMany(cmd.Name, n, arguments))
			return nil
		}
		res, err := work(ctx, cmd)
		t.fail(ctx, cmd.FullName(), res, err)
		return nil
	}
}

// tooMany says how many arguments there are, and may be: none or one. It quotes
// none.
func tooMany(command string, n, may int) error {
	takes, there := "no arguments", fmt.Sprintf("are %d", n)
	if may == 1 {
		takes = "one argument"
	}
	if n == 1 {
		there = "is 1"
	}
	return usage("%s takes %s, and there %s", command, takes, there)
}

// misused reports arguments that the library could not read.
func (t *tool) misused(ctx context.Context, cmd *cli.Command, err error, sub bool) error {
	text, _, _ := strings.Cut(strings.TrimSpace(err.Error()), ": strconv.")
	text = strings.TrimSuffix(text, ": parse error")
	text = oneDash.ReplaceAllString(text, " for flag --$1")
	name, undefined := strings.CutPrefix(text, "flag provided but not defined: -")
	switch {
	case undefined && !sub:
		if word := firstOther(cmd, t.args[1:]); !strings.HasPrefix(word, "-") {
			t.fail(ctx, "seshat", nil, unknown(cmd, word)) // whose flags nobody knows
			return err
		}
		text = fmt.Sprintf("there is no flag %s; a command's flags come after the command", t.typed(name))
	case undefined:
		text = fmt.Sprintf("there is no flag %s", t.typed(name))
		if near := cli.SuggestFlag(cmd.Flags, name, false); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
	}
	t.fail(ctx, cmd.FullName(), nil, failure{exitUsage, errors.New(text)})
	return err
}

// oneDash is how the library names a flag of more than one letter.
var oneDash = regexp.MustCompile(` for flag -([^-\s]{2,})`)

// typed is a flag with as many dashes as it was given with.
func (t *tool) typed(name string) string {
	for _, dashes := range []string{"-", "--"} {
		for _, a := range t.args {
			if a == dashes+name || strings.HasPrefix(a, dashes+name+"=") {
				return dashes + name
			}
		}
	}
	return "--" + name
}

// shielded moves a session ID that begins with a dash to the end, behind "--",
// where it is not taken for a flag.
func shielded(args []string) []string {
	for i, a := range args {
		if a == "--" {
			break
		}
		if strings.HasPrefix(a, "-") && session.ID(a).Valid() && !strings.HasPrefix(args[i-1], "-") {
			return append(slices.Delete(slices.Clone(args), i, i+1), "--", a)
		}
	}
	return args
}

// getenv is a variable as fromenv reads it: without space around it.
func (t *tool) getenv(name string) string {
	for _, v := range t.environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// firstOther is the first argument that is no flag of the program itself.
func firstOther(root *cli.Command, args []string) string {
	for _, a := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !strings.HasPrefix(a, "-") || !slices.ContainsFunc(root.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }) {
			return a
		}
	}
	return ""
}

// command is the program with all its commands.
func (t *tool) command() *cli.Command {
	commands := []*cli.Command{
		t.listCommand(), t.showCommand(), t.statsCommand(),
		t.revokeCommand(), t.clearCommand(),
		t.doctorCommand(), t.migrateCommand(), t.copyCommand(),
		t.versionCommand(),
	}
	for _, c := range commands {
		c.OnUsageError = t.misused
		c.HideHelpCommand = true
		c.CustomHelpTemplate = helpTemplate
	}
	return &cli.Command{
		Name:        "seshat",
		Version:     thisVersion().Version,
		Usage:       "look after the sessions of an application",
		Description: rootDescription,
		Commands:    commands,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object, for scripts"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no progress"},
		},
		CustomRootCommandHelpTemplate:   rootHelpTemplate,
		HideHelpCommand:                 true,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: t.completion,
		Suggest:                         true,
		Reader:                          t.stdin,
		Writer:                          t.stdout,
		ErrWriter:                       t.stderr,
		OnUsageError:                    t.misused,
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {}, // run does it
		Action: func(ctx context.Context, cmd *cli.Command) error {
			name := cmd.Args().First()
			switch topic := cmd.Args().Get(1); {
			case name == "help" && topic == "":
				return cli.ShowRootCommandHelp(cmd)
			case name == "help" && cmd.Command(topic) != nil:
				return cli.ShowCommandHelp(ctx, cmd, topic)
			case name == "help":
				name = topic
			case name == "" && t.json:
				t.fail(ctx, "seshat", nil, usage("which command? \"seshat --help\" has them all"))
				return nil
			case name == "":
				t.exit = exitUsage
				cmd.Writer = t.stderr
				return cli.ShowRootCommandHelp(cmd)
			}
			t.fail(ctx, "seshat", nil, unknown(cmd, name))
			return nil
		},
	}
}
