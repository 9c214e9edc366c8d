package fromenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// openRedis returns the client for the Redis of a variable. Nothing is sent yet.
func openRedis(variable string, raw URL) (redis.UniversalClient, error) {
	u, err := redisURL(string(raw))
	if err != nil {
		return nil, unusable(variable, raw, err)
	}
	client, err := redisClient(u)
	if err != nil {
		return nil, unusable(variable, raw, err)
	}
	return client(), nil
}

// checkRedis tells what is wrong with the URL of a Redis, also where only the
// client would notice. Nothing is opened.
func checkRedis(raw URL) error {
	u, err := redisURL(string(raw))
	if err != nil {
		return err
	}
	parse := func(u *url.URL) error {
		_, err := redisClient(u)
		return err
	}
	switch number := strings.Trim(u.Path, "/"); {
	case parse(u) == nil:
		return nil
	case u.Scheme != "unix" && number != "" && !isNumber(number):
		return errors.New("must have the number of a database after the host, or nothing: redis://HOST:PORT/0")
	}
	return wrongParameter(u, parse, "master_name", "addr")
}

// wrongParameter names the first parameter of the URL with which parse fails
// although it is alone, but for those that are kept. It does not quote the value.
func wrongParameter(u *url.URL, parse func(*url.URL) error, kept ...string) error {
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		alone := url.Values{name: query[name]}
		for _, k := range kept {
			if query.Has(k) {
				alone[k] = query[k]
			}
		}
		one := *u
		if one.RawQuery = alone.Encode(); parse(&one) != nil {
			return fmt.Errorf("has the parameter %s, which does not exist or may not have this value", quoted(name))
		}
	}
	return errors.New("has parameters that do not exist, or may not have their values")
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
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

// redisClient returns what makes the client for the URL: of Sentinel if it names
// a master, of a Cluster if it has further addresses, else of one server. Nothing
// is opened before it is called, and nothing sent then.
func redisClient(u *url.URL) (func() redis.UniversalClient, error) {
	switch query := u.Query(); {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return func() redis.UniversalClient { return redis.NewFailoverClient(options) }, nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return func() redis.UniversalClient { return redis.NewClusterClient(options) }, nil
	default:
		options, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return func() redis.UniversalClient { return redis.NewClient(options) }, nil
	}
}
