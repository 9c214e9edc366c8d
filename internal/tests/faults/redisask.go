package faults

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// asks is a fault that one connection to Redis makes, keeps open, and mends.
func asks(name, addr string, loss Loss, inject, mend func(testing.TB, *redis.Client)) Fault {
	var c *redis.Client
	return state(name, loss, func(t testing.TB) {
		t.Helper()
		c = connect(addr)
		inject(t, c)
	}, func(t testing.TB) {
		t.Helper()
		defer closed(c)
		if mend != nil {
			mend(t, c)
		}
	})
}

// connect makes a client of one connection that stays.
func connect(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: addr, PoolSize: 1, ConnMaxIdleTime: -1, ReadTimeout: limit, PoolTimeout: limit, DisableIdentity: true,
	})
}

func closed(c *redis.Client) { _ = c.Close() }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("faults: %v", err)
	}
}

func set(t testing.TB, c *redis.Client, name, value string) {
	t.Helper()
	check(t, c.ConfigSet(context.Background(), name, value).Err())
}

// values are the settings that match a pattern.
func values(t testing.TB, c *redis.Client, pattern string) map[string]string {
	t.Helper()
	found, err := c.ConfigGet(context.Background(), pattern).Result()
	check(t, err)
	return found
}

// number is one of what INFO tells; 0 if it does not.
func number(t testing.TB, c *redis.Client, section, name string) int64 {
	t.Helper()
	info, err := c.Info(context.Background(), section).Result()
	check(t, err)
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			check(t, err)
			return n
		}
	}
	return 0
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// repeat does something at once and then every so often, until what it returns
// is called.
func repeat(every time.Duration, do func()) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(every); ; {
			do()
			select {
			case <-tick.C:
			case <-end:
				tick.Stop()
				return
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}
