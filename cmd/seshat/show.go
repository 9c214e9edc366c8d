package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
)

func (t *tool) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Category:  "LOOKING",
		Usage:     "show one session: whose it is, its times and what it keeps",
		UsageText: "seshat show ID [--values]",
		Description: `The names and sizes of its values; the values themselves, which may be anything
that the application keeps, only with --values. Looking does not count as a use.

   seshat show sK0aGq...               the ID is one that list prints
   seshat show sK0aGq... --values

JSON: {what list prints of a session, "idle_timeout" (seconds; 0 is none),
"lifetime_end", "persistent", "version", "bytes", "codec", "keys": [{"key", "bytes",
"value"}...]; value only with --values, as JSON if it is some, else as base64}`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "values", Usage: "show the values too"},
		},
		Action: t.action(1, t.show),
	}
}

type details struct {
	listed
	IdleTimeout float64    `json:"idle_timeout"`
	LifetimeEnd *time.Time `json:"lifetime_end"`
	Persistent  bool       `json:"persistent"`
	Version     uint64     `json:"version"`
	Bytes       int        `json:"bytes"`
	Codec       string     `json:"codec"`
	Keys        []value    `json:"keys"`

	idle time.Duration
}

type value struct {
	Key   string `json:"key"`
	Bytes int    `json:"bytes"`
	Value any    `json:"value,omitempty"`

	raw []byte
}

func (t *tool) show(ctx context.Context, cmd *cli.Command) (result, error) {
	id := session.ID(cmd.Args().First())
	switch {
	case id == "":
		return nil, usage("which session? Give an ID, as list prints them")
	case !id.Valid():
		return nil, errNoID
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	d, err := s.manager.Inspect(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil, errNoSession
	case err != nil:
		return nil, err
	}
	out := details{
		listed: listedFrom(d.Info), IdleTimeout: d.IdleTimeout.Seconds(), LifetimeEnd: moment(d.LifetimeEnd),
		Persistent: d.Persistent, Version: d.Version, Bytes: d.Size, Codec: d.Codec, Keys: []value{}, idle: d.IdleTimeout,
	}
	for _, key := range d.Keys {
		raw, _ := d.Value(key)
		v := value{Key: key, Bytes: len(raw)}
		if cmd.Bool("values") {
			v.raw, v.Value = raw, raw // as base64
			if json.Valid(raw) {
				v.Value = json.RawMessage(raw)
			}
		}
		out.Keys = append(out.Keys, v)
	}
	return out, nil
}

func (d details) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	user := d.User
	if user == "" {
		user = "nobody: anonymous"
	}
	idle := "none"
	if d.idle > 0 {
		idle = d.idle.String()
	}
	for _, row := range [][2]string{
		{"id", string(d.ID)},
		{"user", user},
		{"created", shown(d.Created)},
		{"signed in", shown(d.SignedIn)},
		{"last seen", shown(d.LastSeen)},
		{"expires", shown(d.Expires)},
		{"at the latest", shown(d.LifetimeEnd)},
		{"idle timeout", idle},
		{"address", d.Address},
		{"device", d.UserAgent},
		{"values", fmt.Sprintf("%s in %s, %s", size(int64(d.Bytes)), d.Codec, count(int(d.Version), "write"))},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], printable(row[1]))
	}
	for _, v := range d.Keys {
		fmt.Fprintf(table, "  %s\t%s\n", printable(v.Key), v.shown())
	}
	_ = table.Flush()
}

// shown is the size of a value, or the value if it is to be seen.
func (v value) shown() string {
	switch {
	case v.Value == nil:
		return size(int64(v.Bytes))
	case utf8.Valid(v.raw):
		return printable(string(v.raw))
	}
	return fmt.Sprintf("%q", v.raw)
}
