package main

import (
	"strings"
	"testing"

	"github.com/seshat-go/seshat/cmd/seshat/internal/doctor"
)

func TestPasswordsAreHiddenInEveryFormThatADriverMightQuote(t *testing.T) {
	for _, c := range []struct{ given, quoted, want string }{
		{"DATABASE_URL=postgres://u:s3cret@host/db", "cannot parse `postgres://u:s3cret@host/db`", "cannot parse `postgres://u:***@host/db`"},
		{"DATABASE_URL=postgres://u:p%40ss@host/db", "password p@ss is wrong, p%40ss", "password *** is wrong, ***"},
		{"DATABASE_URL=postgres://u:half/rest@host/db", `invalid port ":half" after host`, `invalid port ":***" after host`},
		{"DATABASE_URL=postgres://u@host/db?password=s3cret", "s3cret", "***"},
		{"REDIS_URL=redis://:s3cret@host", "AUTH s3cret", "AUTH ***"},
		{"PGPASSWORD=s3cret", "s3cret", "***"},
		{"PGPASSWORD=postgres", "postgres://u@host", "postgres://u@host"},
		{"--from=redis://:s3cret@host", "s3cret", "***"},
		// What the rest of the URL says as well is no secret.
		{"DATABASE_URL=postgres://postgres:postgres@host/postgres", "cannot reach postgres://postgres@host", "cannot reach postgres://postgres@host"},
		{"DATABASE_URL=postgres://shop:postgres@host/shop", "postgres://shop@host: connection refused", "postgres://shop@host: connection refused"},
		{"DATABASE_URL=postgres://u:s3cret@host/db?password=s3cret", "s3cret", "***"},
		// Nor is a part of a word, whatever stands beside it as an escape is none.
		{"DATABASE_URL=postgres://u:shop@host/db", "shop: the shopping of workshop in shop_sessions", "***: the shopping of workshop in shop_sessions"},
		{"DATABASE_URL=postgres://u:s3cret@host/db", `postgres%3A%2F%2Fu%3As3cret%40host, \ns3cret`, `postgres%3A%2F%2Fu%3A***%40host, \n***`},
		{"REDIS_URL=redis://:in/a@host", "is not a URL; in a password", "is not a URL; in a password"},
		{"REDIS_URL=redis://:p@s:s/wd@127.0.0.1:17391", "redis://:p@s:s/wd@127.0.0.1", "redis://:***@127.0.0.1"},
		{"REDIS_URL=redis://:ab@host", "AUTH ab, about", "AUTH ***, about"},
		{"DATABASE_URL=sqlite:shop.db", "no file shop.db", "no file shop.db"},
		{"PWD=/home/u", "/home/u", "/home/u"},
	} {
		if got := secretsIn(nil, []string{c.given}).hide(c.quoted); got != c.want {
			t.Errorf("given %s: %q is shown as %q, want %q", c.given, c.quoted, got, c.want)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("s3cret", "u")
	f.Add("a/b?c#d@e:f", "")
	f.Add("%zz%40", "admin")
	f.Fuzz(func(t *testing.T, password, user string) {
		if password == "" || strings.ContainsAny(user, ":@/") || strings.Contains(user+"host", password) || strings.Contains(hidden, password) {
			return
		}
		s := secretsIn([]string{"postgres://" + user + ":" + password + "@host"}, nil)
		if text := s.hide("dial: " + password); strings.Contains(strings.ReplaceAll(text, hidden, ""), password) && !strings.Contains("dial: ", password) {
			t.Errorf("the password %q stays in %q", password, text)
		}
	})
}

func TestOnlyWhatDoctorFoundMayQuoteAPassword(t *testing.T) {
	given := []string{"DATABASE_URL=postgres://u:table@host/db"}
	list := []doctor.Finding{{Where: "postgres://u@host/table", Found: "the table", Means: "no table", Do: "make the table"}}
	(&tool{secrets: secretsIn(nil, given)}).clean(list)
	if want := (doctor.Finding{Where: "postgres://u@host/table", Found: "the ***", Means: "no table", Do: "make the table"}); list[0] != want {
		t.Errorf("shown as %+v", list[0])
	}
}

func TestACookieInTheWrongPlaceIsNotRepeated(t *testing.T) {
	for _, args := range []string{
		"TOK", "help TOK", "completion TOK", "--TOK list", "show --TOK", "show --values=TOK", "show -TOK --TOK", "show TOK x", "list --user a --limit TOK", "list --user a --limit=_TOK.",
		"list --help TOK", "doctor --fail-on TOK", "doctor -- TOK", "clearsessions --batch TOK", "revoke TOK --all", "copy --from env:TOK --to db", "-q=TOK list", "list --user TOK",
	} {
		for _, form := range []string{"", " --json"} {
			var stdout strings.Builder
			stderr, exit := ran(t, &stdout, strings.ReplaceAll(args, "TOK", token)+form)
			if exit != exitUsage || strings.Contains(stdout.String()+stderr, token) {
				t.Errorf("%s%s: status %d, %q and %q", args, form, exit, stdout.String(), stderr)
			}
		}
	}
	tl := &tool{args: []string{"seshat", "revoke", "--user=" + token}}
	if got := tl.veil("end all sessions of " + token); got != "end all sessions of (an ID or token)" {
		t.Errorf("it asks whether to %s", got)
	}
	if other := strings.Repeat("B", 42) + "A"; tl.veil(other) != other {
		t.Error("what was no argument is hidden")
	}
}
