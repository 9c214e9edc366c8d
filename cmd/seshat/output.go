package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/seshat-go/seshat/stores/gormstore"
)

// A result is what a command found or did. With --json it is one JSON object by
// its tags, else what text writes. A command that fails on its way returns what it
// did so far besides the error.
type result interface {
	text(w io.Writer)
}

// A keeper writes to w, and keeps the first error: what a command prints is of no
// use if half of it is missing, and no line that prints looks.
type keeper struct {
	w   io.Writer
	err error
}

func (k *keeper) Write(b []byte) (int, error) {
	n, err := k.w.Write(b)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

// report prints the outcome of a command. With --json that is one object on
// standard output, which has a member "error" if there was one; else the result
// is on standard output, and the error on standard error.
func (t *tool) report(ctx context.Context, command string, res result, err error) {
	if t.json {
		t.reportJSON(ctx, res, err)
		return
	}
	if res != nil {
		res.text(t.stdout)
	}
	if err == nil {
		return
	}
	exit := exitOf(ctx, err)
	message := t.message(ctx, err)
	if exit == exitUsage {
		message += "\nRun \"" + command + " --help\" for how to use it."
	}
	fmt.Fprintf(t.stderr, "%s: %s\n", command, message)
}

// message is the text of an error without passwords and tokens, and on a terminal
// without surprises.
func (t *tool) message(ctx context.Context, err error) string {
	if exitOf(ctx, err) == exitInterrupted {
		return "interrupted; what is said to be done is done"
	}
	if errors.Is(err, gormstore.ErrNotMigrated) {
		err = errors.New("the table of sessions is missing or out of date: run \"seshat migrate\"")
	}
	return strings.Join(lines(t.veil(err.Error())), "\n")
}

// lines are the lines of a text as they may be printed, each once: a driver that
// tried a server twice says so twice.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(printable(line)); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

type jsonError struct {
	Code    string `json:"code"`
	Exit    int    `json:"exit"`
	Message string `json:"message"`
}

func (t *tool) reportJSON(ctx context.Context, res result, err error) {
	parts := []string{}
	if res != nil {
		if members := encode(res); members != "{}" {
			parts = append(parts, members[1:len(members)-1])
		}
	}
	if err != nil {
		exit := exitOf(ctx, err)
		parts = append(parts, `"error":`+encode(jsonError{codes[exit], exit, t.message(ctx, err)}))
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte("{"+strings.Join(parts, ",")+"}"), "", "  "); err != nil {
		fmt.Fprintf(t.stderr, "seshat: the answer is no JSON: %v\n", err)
		return
	}
	fmt.Fprintln(t.stdout, b.String())
}

// encode returns v as JSON in which everything that a terminal would not show as
// a character is escaped.
func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "{}"
	}
	var out strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case shows(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// printable is text of a user or a server as a terminal may show it: what would
// move its cursor or turn the direction of the text is replaced, and what would
// begin a line or a column is a space.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case shows(r):
			return r
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}

func shows(r rune) bool { return r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) }
