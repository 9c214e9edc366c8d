package fromenv_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// A program reads its environment with fromenv.Read; here it is given.
func Example() {
	settings, err := fromenv.ReadFrom(
		fromenv.Settings{Engine: "cached_db", DatabaseURL: "sqlite:shop.db"}, // the application's defaults
		map[string]string{"SESSION_ENGINE": "memory", "SESSION_COOKIE_AGE": "3600"},
	)
	if err != nil {
		log.Fatal(err)
	}
	opened, err := settings.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer opened.Close()
	opened.Options.MaxSize = 4096 // what is no setting
	sessions := session.Must(session.New(opened.Options))
	fmt.Println(opened.Description)
	fmt.Println(sessions.Policy().Lifetime == time.Hour)
	// Output:
	// sessions: memory of this process: for one process only, and lost when it ends
	// true
}

// All that is wrong is told at once.
func ExampleReadFrom() {
	_, err := fromenv.ReadFrom(fromenv.Settings{Engine: "memory"}, map[string]string{
		"SESSION_COOKIE_SECURE": "maybe",
		"SESSION_IDLE_TIMEOUT":  "30",
	})
	fmt.Println(err)
	// Output:
	// SESSION_COOKIE_SECURE is "maybe": give True or False; SESSION_IDLE_TIMEOUT is "30": give a duration with its unit, such as 30m or 24h
}
