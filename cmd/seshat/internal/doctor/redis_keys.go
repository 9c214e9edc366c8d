package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/stores/fromenv"
)

const (
	keysPerStep = 1000
	keysLooked  = 50_000 // on each server, so that a large one is not walked as a whole
)

// lasting looks for keys under the prefix that never expire: none of the store's
// does.
func (p place) lasting(ctx context.Context, c *redis.Client, s fromenv.Settings) {
	prefix := cmp.Or(s.Prefix, "sessions:")
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + "*"
	found, example, cursor := 0, "", uint64(0)
	for looked := 0; looked < keysLooked; looked += keysPerStep {
		keys, next, err := c.Scan(ctx, cursor, pattern, keysPerStep).Result()
		if err != nil {
			p.unasked("redis.ttl", err)
			return
		}
		without, err := withoutTTL(ctx, c, keys)
		if err != nil {
			p.unasked("redis.ttl", err)
			return
		}
		if found += len(without); example == "" && len(without) > 0 {
			example = without[0]
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	if found > 0 {
		p.add(Warning, "redis.ttl", fmt.Sprintf("%d keys under the prefix %q never expire, such as %q", found, prefix, example),
			"They stay for ever. The store gives every key a time: somebody else uses the prefix, or ran PERSIST.", "Give the sessions a prefix of their own (SESSION_PREFIX), or delete those keys.")
	}
}

func withoutTTL(ctx context.Context, c *redis.Client, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	answers := make([]*redis.DurationCmd, len(keys))
	if _, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, k := range keys {
			answers[i] = pipe.PTTL(ctx, k)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var without []string
	for i, a := range answers {
		if a.Val() == -1 { // what go-redis makes of "no expiry"
			without = append(without, keys[i])
		}
	}
	return without, nil
}
