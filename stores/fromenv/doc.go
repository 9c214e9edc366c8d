// Package fromenv opens sessions as the environment says, with Django's names
// and meanings, so that where sessions live is a deployment setting and not a
// change of code:
//
//	settings, err := fromenv.Read(fromenv.Settings{Engine: "cached_db", DatabaseURL: "sqlite:shop.db"})
//	...
//	opened, err := settings.Open(ctx)
//	...
//	defer opened.Close()
//	sessions, err := session.New(opened.Options)
//
// What is passed to Read are the application's defaults; each variable that is
// set and not empty takes the place of its default. With the ones above the
// program starts without anything being configured, and
//
//	SESSION_ENGINE=cached_db DATABASE_URL=postgres://shop:secret@db/shop REDIS_URL=redis://cache:6379
//
// makes it one of many processes. docs/settings.md has every variable.
package fromenv
