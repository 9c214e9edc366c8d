package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9/logging"
	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/cmd/seshat/internal/doctor"
)

func (t *tool) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Category:  "SETTING UP",
		Usage:     "find what is set up wrongly, and say what to do",
		UsageText: "seshat doctor [--fail-on SEVERITY] [--ignore CHECK]...",
		Description: `It reads the settings, connects to the servers that they name, and looks: can they
be reached, is the table up to date, can Redis drop or lose sessions, do the
clocks agree, is the cookie safe, does clearsessions run? It changes nothing.

   seshat doctor
   seshat doctor --json | jq '.findings[] | select(.severity == "problem")'

A problem means that sessions are lost, open to others or do not work now; a
warning, that they will when something else happens; a note is good to know. The
exit status is 3 if there is a problem or a warning: --fail-on problem lets
warnings pass, --fail-on note nothing. What you have chosen on purpose, leave out
by its name: --ignore cookie.domain.

JSON: {"checked": ["settings", URL...], "findings": [{"check", "severity", "where",
"found", "means", "do"}...], "ignored": [...]}. The names under check stay the same.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "fail-on", Value: "warning", Usage: "the least `SEVERITY` that is a failure: problem, warning or note"},
			&cli.StringSliceFlag{Name: "ignore", Usage: "leave out findings of this `CHECK`"},
		},
		Action: t.action(0, t.doctor),
	}
}

type diagnosis struct {
	*doctor.Report
	Ignored []doctor.Finding `json:"ignored"`
}

func (t *tool) doctor(ctx context.Context, cmd *cli.Command) (result, error) {
	least := doctor.Severity(cmd.String("fail-on"))
	switch least {
	case doctor.Problem, doctor.Warning, doctor.Note:
	default:
		return nil, usage("--fail-on is %q; it must be problem, warning or note", least)
	}
	logging.Disable()
	settings, wrong := t.read()
	d := diagnosis{doctor.Examine(ctx, settings, wrong), []doctor.Finding{}}
	d.Findings = slices.DeleteFunc(d.Findings, func(f doctor.Finding) bool {
		ignored := slices.Contains(cmd.StringSlice("ignore"), f.Check)
		if ignored {
			d.Ignored = append(d.Ignored, f)
		}
		return ignored
	})
	if ctx.Err() != nil {
		return d, ctx.Err()
	}
	for _, list := range [][]doctor.Finding{d.Findings, d.Ignored} {
		t.clean(list)
	}
	if d.Worst(least) {
		return d, failure{exitFindings, fmt.Errorf("found %s", d.summary())}
	}
	return d, nil
}

// clean makes findings ones that may be printed. Only what was found has words of
// a driver or a server, which may quote a password.
func (t *tool) clean(list []doctor.Finding) {
	for i := range list {
		f := &list[i]
		f.Found = strings.Join(lines(t.secrets.hide(f.Found)), " ")
		for _, text := range []*string{&f.Where, &f.Means, &f.Do} {
			*text = printable(*text)
		}
	}
}

func (d diagnosis) summary() string {
	problems, warnings, notes := d.Counts()
	return fmt.Sprintf("%s, %s and %s", count(problems, "problem"), count(warnings, "warning"), count(notes, "note"))
}

func (d diagnosis) text(w io.Writer) {
	for _, f := range d.Findings {
		fmt.Fprintf(w, "%s (%s, %s)\n   %s\n", strings.ToUpper(string(f.Severity)), f.Check, f.Where, f.Found)
		fmt.Fprintf(w, "   Means: %s\n   Do:    %s\n\n", f.Means, f.Do)
	}
	fmt.Fprintf(w, "Looked at %s.", printable(strings.Join(d.Checked, ", ")))
	if len(d.Findings) == 0 {
		fmt.Fprint(w, " Nothing to complain of.")
	}
	if n := len(d.Ignored); n > 0 {
		fmt.Fprintf(w, " %s ignored.", count(n, "finding"))
	}
	fmt.Fprintln(w)
}
