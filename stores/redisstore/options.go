package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options configures a Store. The zero value means the defaults.
type Options struct {
	// Prefix begins all keys of the store. Stores with different prefixes know
	// nothing of each other, on one server too. Give each manager whose
	// principals are different people its own. At most 128 bytes, without
	// braces, which would decide the slot of a key in Redis Cluster; ":c:" and
	// ":p:" at its end are taken (see the package documentation). Default
	// "sessions:".
	Prefix string

	// Timeout bounds each call, beside the caller's context: a call waits no
	// longer for a server that does not answer, for a connection or for a
	// failover. Scan and Purge are bounded by it step by step. Default 3 seconds.
	Timeout time.Duration

	// Near keeps what is read in the memory of this process too: loads cost
	// nothing, and what another process wrote may be seen a second late. The
	// store is to be closed then. Default: off.
	Near NearOptions
}

const (
	defaultPrefix  = "sessions:"
	defaultTimeout = 3 * time.Second
	maxPrefix      = 128
)

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	o.Near = o.Near.withDefaults()
	return o
}

// Validate returns an error, a session.ErrInvalid, for a client or an option that
// cannot serve. It does no I/O. Without it, each method returns the same error.
func (s *Store) Validate() error { return s.invalid }

func validate(rdb redis.UniversalClient, o Options) error {
	switch {
	case len(o.Prefix) > maxPrefix:
		return fmt.Errorf("redisstore: Options.Prefix has %d bytes; it may have %d", len(o.Prefix), maxPrefix)
	case strings.ContainsAny(o.Prefix, "{}"):
		return fmt.Errorf("redisstore: Options.Prefix %q has braces, which decide the slot of a key in Redis Cluster: leave them out", o.Prefix)
	case strings.HasSuffix(":"+o.Prefix, ":c:") || strings.HasSuffix(":"+o.Prefix, ":p:"):
		return fmt.Errorf("redisstore: Options.Prefix %q ends in what the store itself appends for its cache entries (c:) and its index (p:): choose another", o.Prefix)
	case o.Timeout < 0:
		return fmt.Errorf("redisstore: Options.Timeout is %v; it must be positive (0 is the default)", o.Timeout)
	}
	if err := validateClient(rdb); err != nil {
		return err
	}
	return o.Near.validate(rdb)
}

// validateClient refuses clients with which a write that was answered may not
// be seen by the next read, or may be seen as never having been.
func validateClient(rdb redis.UniversalClient) error {
	switch c := rdb.(type) {
	case *redis.Client:
		if c == nil {
			break
		}
		if o := c.Options(); o.ClientSideCacheConfig != nil || o.ClientSideCache != nil {
			return errors.New("redisstore: the client has client-side caching on (redis.Options.ClientSideCacheConfig), which returns old sessions after a write: use a client without")
		}
		return nil
	case *redis.ClusterClient:
		if c == nil {
			break
		}
		if o := c.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return errors.New("redisstore: the client reads from replicas (redis.ClusterOptions.ReadOnly, RouteByLatency or RouteRandomly), which are behind: use a client that asks masters only")
		}
		return nil
	case *redis.Ring:
		return errors.New("redisstore: a redis.Ring moves keys to other servers when one is down, so that live sessions are not found: use Redis Cluster or Sentinel")
	case nil:
	default:
		return fmt.Errorf("redisstore: cannot tell what a %T does: pass the *redis.Client or *redis.ClusterClient itself (to observe it, use AddHook)", rdb)
	}
	return errors.New("redisstore: the client is nil: pass a *redis.Client or *redis.ClusterClient")
}
