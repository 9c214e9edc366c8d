package benchmarks

import (
	"errors"
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	gormsessions "github.com/gin-contrib/sessions/gorm"
	redissessions "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
)

// signingKey signs the cookies of the libraries that sign them.
var signingKey = []byte("0123456789abcdef0123456789abcdef")

func newGinCookie(env Env) (*Site, error) {
	return &Site{ginRoutes(cookie.NewStore(signingKey), env), nothingToClose}, nil
}

// newGinRedis is the store as its users make it: it sends a PING each time that
// it takes a connection out of its pool.
func newGinRedis(env Env) (*Site, error) {
	store, err := redissessions.NewStore(redisPool, "tcp", env.Redis, "", "", signingKey)
	if err != nil {
		return nil, err
	}
	redis, err := redissessions.GetRedisStore(store)
	if err != nil {
		return nil, err
	}
	redis.SetMaxLength(0) // by default 4096 bytes: 100 KB would be refused
	return &Site{ginRoutes(store, env), redis.Close}, nil
}

func newGinGorm(env Env) (*Site, error) {
	g, db, err := openGorm(env)
	if err != nil {
		return nil, err
	}
	store := gormsessions.NewStore(g, false, signingKey)
	limited, is := store.(interface{ MaxLength(int) })
	if !is {
		return nil, errors.Join(errors.New("benchmarks: gin-contrib's gorm store has no MaxLength"), db.Close())
	}
	limited.MaxLength(0) // by default 4096 bytes: 100 KB would be refused
	return &Site{ginRoutes(store, env), db.Close}, nil
}

// ginRoutes are the handlers of a user of gin-contrib/sessions.
func ginRoutes(store sessions.Store, env Env) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(sessions.Sessions(cookieName, store))

	// save saves the session after a change and answers.
	save := func(c *gin.Context, s sessions.Session) {
		if err := s.Save(); err != nil {
			c.String(http.StatusInternalServerError, err.Error())
			return
		}
		c.String(http.StatusOK, done)
	}
	set := func(key string, value func() any) gin.HandlerFunc {
		return func(c *gin.Context) {
			s := sessions.Default(c)
			s.Set(key, value())
			save(c, s)
		}
	}
	fill := func(c *gin.Context) {
		s := sessions.Default(c)
		for key, value := range filled(c.Request.URL.Path) {
			s.Set(key, value)
		}
		save(c, s)
	}
	count := func() any { return next() }
	r.GET(Untouched, func(c *gin.Context) { c.String(http.StatusOK, done) })
	r.GET(Read, func(c *gin.Context) {
		value, _ := sessions.Default(c).Get(nameKey).(string)
		c.String(http.StatusOK, value)
	})
	r.GET(Change, set(countKey, count))
	r.GET(First, set(countKey, count))
	r.GET(Login, set(userKey, func() any { return user() })) // there is no renewal
	r.GET(Fill, fill)
	r.GET(FillBig, fill)
	r.GET(Anonymous, fill)
	r.GET(Mark, func(c *gin.Context) {
		s := sessions.Default(c)
		s.Get(nameKey) // loads
		env.loaded()
		s.Set(c.Request.URL.RawQuery, true)
		save(c, s)
	})
	r.GET(Marks, func(c *gin.Context) {
		s := sessions.Default(c)
		c.String(http.StatusOK, markedIn(func(name string) bool { return s.Get(name) != nil }))
	})
	return r
}
