package gormstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

func TestTheTableIsQuotedAsTheDatabaseWants(t *testing.T) {
	for _, c := range []struct{ database, table, want string }{
		{"postgres", "", `"sessions"`},
		{"postgres", "app.Sessions", `"app"."Sessions"`},
		{"mysql", "", "`sessions`"},
		{"mysql", "app.order", "`app`.`order`"},
		{"sqlite", "_s1", `"_s1"`},
		{"sqlite", strings.Repeat("s", 48), `"` + strings.Repeat("s", 48) + `"`},
	} {
		s := &server{}
		store := gormstore.New(handle(t, c.database, s), gormstore.Options{Table: c.table})
		if err := store.Delete(t.Context(), newID(), 1); err != nil {
			t.Fatal(err)
		}
		last := s.sent[len(s.sent)-1]
		if !strings.HasPrefix(last, "DELETE FROM "+c.want+" WHERE") {
			t.Errorf("%s, table %q: sent %s, want %s quoted", c.database, c.table, last, c.want)
		}
	}
}

func TestWhatIsNoTableNameIsRefused(t *testing.T) {
	for _, table := range []string{
		`a"b`, "a`b", "a;b", "a b", "a-b", "é", ".", "a.", ".a", "a.b.c", "1a", "a.1", "sessions--", "a\n", "a?", "%s", " ", "\x00", strings.Repeat("s", 49),
	} {
		err := gormstore.New(handle(t, "sqlite", &server{}), gormstore.Options{Table: table}).Validate()
		if !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), "Options.Table") {
			t.Errorf("table %q: got %v, want ErrInvalid that names Options.Table", table, err)
		}
	}
}

func TestWhatCannotWorkIsRefusedByEveryMethodWithoutIO(t *testing.T) {
	s := &server{}
	for name, store := range map[string]*gormstore.Store{
		"no handle":        gormstore.New(nil, gormstore.Options{}),
		"negative timeout": gormstore.New(handle(t, "sqlite", s), gormstore.Options{Timeout: -time.Second}),
		"another database": gormstore.New(handle(t, "sqlserver", s), gormstore.Options{}),
	} {
		want := store.Validate()
		if !errors.Is(want, session.ErrInvalid) {
			t.Errorf("%s: Validate returns %v, want ErrInvalid", name, want)
		}
		ctx, id := t.Context(), newID()
		_, load := store.Load(ctx, id)
		_, _, list := store.List(ctx, "bob", "", 1)
		_, _, scan := store.Scan(ctx, "", 1)
		_, purge := store.Purge(ctx, time.Now(), 1)
		for _, err := range []error{
			load, list, scan, purge, store.Create(ctx, id, session.Record{}), store.Update(ctx, id, session.Record{}, 1),
			store.Touch(ctx, id, time.Now(), time.Now(), 1), store.Delete(ctx, id, 1), store.Ping(ctx), store.Migrate(ctx),
		} {
			if err != want {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
	}
	if len(s.sent) > 0 {
		t.Errorf("sent %q", s.sent)
	}
}

func TestWhatNoColumnKeepsIsRefusedWithoutIO(t *testing.T) {
	s := &server{}
	store := newStore(t, "mysql", s)
	for name, rec := range map[string]session.Record{
		"great version":     {Version: 1 << 63},
		"long principal":    {Principal: strings.Repeat("x", session.MaxPrincipal+1)},
		"long address":      {Device: session.Device{Address: strings.Repeat("x", session.MaxAddress+1)}},
		"long user agent":   {Device: session.Device{UserAgent: strings.Repeat("x", session.MaxUserAgent+1)}},
		"NUL":               {Principal: "a\x00"},
		"no UTF-8":          {Principal: "a\xff"},
		"before 1970":       {Created: time.Unix(-1, 0)},
		"negative duration": {IdleTimeout: -time.Second},
		"moved to no ID":    {MovedTo: "x"},
	} {
		if err := store.Create(t.Context(), newID(), rec); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if len(s.sent) > 0 {
		t.Errorf("sent %q", s.sent)
	}
}
