package fromenv

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// openRedis returns the client for the Redis of a variable. Nothing is sent yet.
func openRedis(variable string, raw URL) (redis.UniversalClient, error) {
	u, err := redisURL(string(raw))
	if err != nil {
		return nil, unusable(variable, raw, err)
	}
	rdb, err := redisClient(u)
	if err != nil {
		return nil, unusable(variable, raw, err)
	}
	return rdb, nil
}

// answers makes sure that a Redis answers. One that is only a cache may be down,
// as it may later: the database serves meanwhile. One that refuses us is set up
// wrongly.
func answers(ctx context.Context, rdb redis.UniversalClient, t target) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err := answered(rdb.Ping(ctx).Err())
	if err == nil {
		return nil
	}
	wrong := unusable(t.redisVariable, t.redis, err)
	if t.engine != engineCachedDB || ctx.Err() == context.Canceled || refusesUs(err) {
		return wrong
	}
	slog.Warn("fromenv: " + wrong.Error() + ": it is the cache only, and the database serves until it answers")
	return nil
}

func refusesUs(err error) bool {
	return redis.HasErrorPrefix(err, "WRONGPASS") || redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "NOPERM")
}

func unusable(variable string, raw URL, err error) error {
	return fmt.Errorf("%s: cannot use %s: %w", variable, raw, err)
}

// redisClient returns the client for the URL: of Sentinel if it names a master,
// of a Cluster if it has further addresses, else of one server. Nothing is sent yet.
func redisClient(u *url.URL) (redis.UniversalClient, error) {
	switch query := u.Query(); {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(options), nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewClusterClient(options), nil
	default:
		options, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewClient(options), nil
	}
}
