package benchmarks

import (
	"errors"
	"net/http"

	"github.com/gorilla/sessions"
	echosession "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"github.com/rbcervilla/redisstore/v9"
)

func newEchoRedis(env Env) (*Site, error) {
	rdb := openRedis(env)
	ctx, cancel := background()
	defer cancel()
	store, err := redisstore.NewRedisStore(ctx, rdb)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &Site{echoRoutes(store, env), store.Close}, nil
}

// echoRoutes are the handlers of a user of echo-contrib's session.
func echoRoutes(store sessions.Store, env Env) http.Handler {
	e := echo.New()
	e.Use(echosession.Middleware(store))

	// change loads the session, changes and saves it, and answers.
	change := func(change func(echo.Context, map[any]any)) echo.HandlerFunc {
		return func(c echo.Context) error {
			s, err := echosession.Get(cookieName, c)
			if err != nil {
				return err
			}
			change(c, s.Values)
			if err := s.Save(c.Request(), c.Response()); err != nil {
				return err
			}
			return c.String(http.StatusOK, done)
		}
	}
	fill := change(func(c echo.Context, v map[any]any) {
		for key, value := range filled(c.Request().URL.Path) {
			v[key] = value
		}
	})
	count := change(func(_ echo.Context, v map[any]any) { v[countKey] = next() })
	e.GET(Untouched, func(c echo.Context) error { return c.String(http.StatusOK, done) })
	e.GET(Read, func(c echo.Context) error {
		s, err := echosession.Get(cookieName, c)
		if err != nil {
			return err
		}
		value, _ := s.Values[nameKey].(string)
		return c.String(http.StatusOK, value)
	})
	e.GET(Change, count)
	e.GET(First, count)
	e.GET(Login, change(func(_ echo.Context, v map[any]any) { v[userKey] = user() })) // there is no renewal
	e.GET(Fill, fill)
	e.GET(FillBig, fill)
	e.GET(Anonymous, fill)
	e.GET(Mark, change(func(c echo.Context, v map[any]any) {
		env.loaded()
		v[c.Request().URL.RawQuery] = true
	}))
	e.GET(Marks, func(c echo.Context) error {
		s, err := echosession.Get(cookieName, c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, markedIn(func(name string) bool { return s.Values[name] != nil }))
	})
	return e
}
