package gormstore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// A visit counter that survives restarts, in a SQLite file.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "app.db") + "?" + gormstore.SQLiteParams

	visits := session.NewKey[int]("visits")
	serve := func(cookie *http.Cookie) *http.Cookie { // the application, from start to end
		db, err := gorm.Open(sqlite.Open(file), &gorm.Config{})
		if err != nil {
			log.Fatal(err)
		}
		store := gormstore.New(db, gormstore.Options{})
		if err := store.Migrate(context.Background()); err != nil {
			log.Fatal(err)
		}
		sessions, err := session.New(session.Options{Store: store})
		if err != nil {
			log.Fatal(err)
		}
		handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := session.From(r.Context())
			visits.Set(s, visits.Get(s)+1)
			fmt.Println("visit", visits.Get(s))
		}))

		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if pool, err := db.DB(); err == nil {
			_ = pool.Close()
		}
		if sent := w.Result().Cookies(); len(sent) > 0 {
			cookie = sent[0]
		}
		return cookie
	}
	serve(serve(serve(nil)))
	// Output:
	// visit 1
	// visit 2
	// visit 3
}
