package fromenv

import (
	"context"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// openRedis connects to the Redis of a variable and makes sure that it answers.
func openRedis(ctx context.Context, variable string, raw URL) (redis.UniversalClient, error) {
	wrong := func(err error) (redis.UniversalClient, error) {
		return nil, fmt.Errorf("%s: cannot use %s: %w", variable, raw, err)
	}
	u, err := redisURL(string(raw))
	if err != nil {
		return wrong(err)
	}
	rdb, err := redisClient(u)
	if err != nil {
		return wrong(err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := answered(rdb.Ping(ctx).Err()); err != nil {
		rdb.Close()
		return wrong(err)
	}
	return rdb, nil
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
