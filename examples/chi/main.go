package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

// This file starts the shop and ends it. Whatever is wrong with the settings
// or the servers is one line, and status 1.

const (
	finishWithin = 10 * time.Second // for the requests that run when the shop ends
	largestForm  = 64 << 10         // bytes
)

func main() {
	// Ctrl-C, or what a service manager sends.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, stop)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "shop:", oneLine(err))
		os.Exit(1)
	}
}

// oneLine is the text of an error, of which a driver may make several lines,
// one for each address it tried.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(slices.Compact(lines), " ")
}

func run(ctx context.Context, stop context.CancelFunc) error {
	set, err := readSettings()
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", set.addr)
	if err != nil {
		return fmt.Errorf("ADDR: %w", err)
	}
	defer listener.Close()
	logging.Disable() // of the Redis client: what matters comes as an error
	sessions, err := openSessions(ctx, set.sessions)
	if err != nil {
		return err
	}
	defer sessions.close()

	server := &http.Server{
		Handler:           protect(newShop(sessions.manager)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	closeUnused(server)
	fmt.Fprintf(os.Stderr, "shop: http://%s, %s\n", listener.Addr(), sessions.Description)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	stop() // a second Ctrl-C ends the shop at once
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// closeUnused makes Shutdown close connections on which nothing was asked yet:
// browsers open some ahead, and it would wait five seconds for them.
func closeUnused(server *http.Server) {
	var unused sync.Map
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			unused.Store(c, nil)
		} else {
			unused.Delete(c)
		}
	}
	server.RegisterOnShutdown(func() {
		unused.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	})
}
