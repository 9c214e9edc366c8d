package benchmarks

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// newHandRedis keeps a hand-written session in Redis: GET, SET and DEL.
func newHandRedis(env Env) (*Site, error) {
	rdb := openRedis(env)
	return &Site{hand{handInRedis{rdb}, env}.routes(), rdb.Close}, nil
}

type handInRedis struct{ rdb *redis.Client }

func (h handInRedis) load(ctx context.Context, token string) ([]byte, error) {
	data, err := h.rdb.Get(ctx, "hand:"+token).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, errNoSession
	}
	return data, err
}

func (h handInRedis) save(ctx context.Context, token string, data []byte) error {
	return h.rdb.Set(ctx, "hand:"+token, data, handLifetime).Err()
}

func (h handInRedis) remove(ctx context.Context, token string) error {
	return h.rdb.Del(ctx, "hand:"+token).Err()
}
