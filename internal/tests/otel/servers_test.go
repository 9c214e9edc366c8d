package otel_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// instrumented stands for a driver's own instrumentation: a span per command.
type instrumented struct{ tracer trace.Tracer }

func (h instrumented) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h instrumented) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		ctx, span := h.tracer.Start(ctx, "driver "+cmd.Name())
		defer span.End()
		return next(ctx, cmd)
	}
}

func (h instrumented) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestRedisOverPostgreSQLIsSeen(t *testing.T) {
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	s := newSDK(t)
	rdb := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(t).Addr})
	t.Cleanup(func() { _ = rdb.Close() })
	rdb.AddHook(instrumented{s.tracer})
	g, err := gorm.Open(postgres.Open(servers.SharedPostgres(t).DSN), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := g.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	truth := gormstore.New(g, gormstore.Options{Table: "observed"})
	if err := truth.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const patience = 30 * time.Second
	store := cacheddb.New(redisstore.New(rdb, redisstore.Options{Prefix: "observed:"}), truth,
		cacheddb.Options{Events: s.events, CacheTimeout: patience, LeaseTTL: 2 * patience})
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	b := s.site(session.Options{Store: store, StoreTimeout: patience}).browser()
	b.ahead = 0
	for _, visit := range []func(*session.Session){put("tea"), read, read, put("milk"), login("alice"), read, signOut} {
		if status := b.visit(visit); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	got := s.series()
	for name, want := range map[string]int64{
		"seshat.session.created":                            1,
		"seshat.session.logins":                             1,
		"seshat.session.ended{seshat.end.reason=destroyed}": 1,
		"seshat.cache.loads{seshat.cache.result=miss}":      2, // of the first session, and of the one after the login
		"seshat.cache.loads{seshat.cache.result=hit}":       4,
		"seshat.cache.open_breakers":                        0,

		"seshat.tier.call.duration{seshat.operation=get,seshat.outcome=ok,seshat.tier=cache}":       4,
		"seshat.tier.call.duration{seshat.operation=create,seshat.outcome=ok,seshat.tier=database}": 2,
		"seshat.tier.call.duration{seshat.operation=delete,seshat.outcome=ok,seshat.tier=database}": 1,
		"seshat.store.call.duration{seshat.operation=load,seshat.outcome=ok}":                       7,
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
	}
	ours := map[trace.SpanID]string{}
	for _, span := range s.spans.Ended() {
		ours[span.SpanContext().SpanID()] = span.Name()
	}
	commands := s.named("driver get")
	for _, command := range commands {
		if parent := ours[command.Parent().SpanID()]; parent != "seshat.cache get" {
			t.Errorf("a command of the driver's is a child of %q", parent)
		}
	}
	if len(commands) == 0 {
		t.Errorf("the driver recorded no get: %s", s.names())
	}
}
