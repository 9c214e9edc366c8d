package fromenv

import "testing"

func TestURLsThatLeadToOnePlaceAreKnown(t *testing.T) {
	for _, c := range []struct {
		a, b URL
		same bool
	}{
		{"postgres://u:p@h/db", "postgresql://v:q@h:5432/db?sslmode=require", true},
		{"postgres://h/db", "postgres://h/other", false},
		{"postgres://h/db", "postgres://h:6432/db", false},
		{"postgres:///db?host=/run/a", "postgres:///db?host=/run/b", false},
		{"postgres://h/db?search_path=a", "postgres://h/db", false},
		{"mysql://u@h/db", "mysql://h:3306/db?timeout=1s", true},
		{"mysql://h/db", "postgres://h/db", false},
		{"sqlite:a.db", "sqlite:a.db", true},
		{"sqlite:a.db", "sqlite:b.db", false},
		{"sqlite:a.db", "sqlite:./a.db", true},
		{"sqlite:a.db", "sqlite://a.db", true},
		{"sqlite:a.db", "sqlite:/a.db", false},
		{"postgres://u:p@h", "postgres://v:p@h", false}, // each has a database of its name
		{"postgres://u:p@h", "postgres://v:p@h/u", true},
		{"redis://h", "rediss://:p@h:6379/0", true},
		{"redis://h/0", "redis://h/1", false},
		{"redis://h?db=1", "redis://h", false},
		{"redis://a?addr=b:6379", "redis://b?addr=a:6379", true},
		{"redis://a?addr=b:6379", "redis://a", false},
		{"redis://a?master_name=x", "redis://a?master_name=y", false},
		{"redis://[::1]", "redis://[::1]:6379", true},
		{"unix:///a.sock", "unix:///b.sock", false},
		{"unix:///a.sock", "unix://:p@/a.sock", true},
	} {
		if got := c.a.place() == c.b.place(); got != c.same {
			t.Errorf("%q and %q: %q, %q", string(c.a), string(c.b), c.a.place(), c.b.place())
		}
	}
}
