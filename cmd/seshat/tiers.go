package main

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// tiers counts what lies where. records is what a walk over the sessions found:
// in the database, or in Redis where there is no database.
func (o *opened) tiers(ctx context.Context, records int) ([]tier, error) {
	var all []tier
	if o.sessions.DB != nil {
		all = append(all, tier{"database", o.sessions.DB.Name(), records})
	}
	switch {
	case o.sessions.Redis == nil:
	case o.sessions.DB == nil:
		all = append(all, tier{"cache", "redis", records})
	default:
		n, err := o.keys(ctx, "c:*")
		if err != nil {
			return all, err
		}
		all = append(all, tier{"cache", "redis", n})
	}
	return all, nil
}

const idLength = 43 // of a session.ID

// about is how many records there are, or 0 if that is not to be had.
func (o *opened) about(ctx context.Context) int64 {
	var n int64
	if o.sessions.DB != nil {
		o.sessions.DB.WithContext(ctx).Table(cmp.Or(o.settings.Table, "sessions")).Count(&n)
		return n
	}
	keys, _ := o.keys(ctx, strings.Repeat("?", idLength))
	return int64(keys)
}

// keys counts the keys of a form under the prefix, on each server of a Cluster.
func (o *opened) keys(ctx context.Context, form string) (int, error) {
	var n atomic.Int64
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	pattern := escape.Replace(cmp.Or(o.settings.Prefix, "sessions:")) + form
	on := func(ctx context.Context, c *redis.Client) error {
		for cursor := uint64(0); ; {
			keys, next, err := c.Scan(ctx, cursor, pattern, 1000).Result()
			if err != nil {
				return err
			}
			n.Add(int64(len(keys)))
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	var err error
	switch c := o.sessions.Redis.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, on)
	case *redis.Client:
		err = on(ctx, c)
	}
	return int(n.Load()), err
}
