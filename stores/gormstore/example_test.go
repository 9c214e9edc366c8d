package gormstore_test

import (
	"context"
	"log"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

func ExampleNew() {
	var db *gorm.DB // the application's own, from gorm.Open

	store := gormstore.New(db, gormstore.Options{})
	if err := store.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(session.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // sessions.Handler(mux), or the adapter of a framework
}

// Two kinds of users, who are different people, in one database.
func ExampleNew_tables() {
	var db *gorm.DB

	customers := gormstore.New(db, gormstore.Options{})
	staff := gormstore.New(db, gormstore.Options{Table: "backoffice.sessions", Timeout: 2 * time.Second})

	for _, store := range []*gormstore.Store{customers, staff} {
		if err := store.Migrate(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
}
