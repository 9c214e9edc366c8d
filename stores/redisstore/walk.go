package redisstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
)

// A place is where a walk goes on: in the keys of which server. A cursor means
// nothing to another run of that server.
type place struct {
	server, run string
	cursor      uint64
}

func (p place) String() string {
	return p.server + " " + p.run + " " + strconv.FormatUint(p.cursor, 10)
}

func parsePlace(text string) (p place, err error) {
	if text == "" {
		return p, nil
	}
	parts := strings.Split(text, " ")
	if len(parts) == 3 {
		p.server, p.run = parts[0], parts[1]
		p.cursor, err = strconv.ParseUint(parts[2], 10, 64)
	}
	if len(parts) != 3 || err != nil || p.server == "" {
		return p, fmt.Errorf("%w: this is no cursor of a page before", session.ErrInvalid)
	}
	return p, nil
}

// A walk goes over the keys of all masters in the order of their addresses.
type walk struct {
	store   *Store
	masters []*redis.Client // the present one first
	at      place
	count   int
}

func (s *Store) walkFrom(ctx context.Context, at place, count int) (*walk, error) {
	return read(ctx, s, "scan", func(ctx context.Context) (*walk, error) {
		masters, err := s.masters(ctx)
		if err != nil {
			return nil, err
		}
		w := &walk{store: s, masters: masters, at: at, count: count}
		if at.server != "" {
			i := slices.IndexFunc(masters, func(m *redis.Client) bool { return address(m) == at.server })
			if i < 0 {
				return nil, errWalkLost
			}
			w.masters = masters[i:]
		}
		return w, w.enter(ctx)
	})
}

var errWalkLost = fmt.Errorf("%w: the server of the page before was restarted or replaced: begin the walk again", session.ErrInvalid)

// enter makes sure that the present master is the one of the place.
func (w *walk) enter(ctx context.Context) error {
	run, err := runID(ctx, w.masters[0])
	if err != nil {
		return err
	}
	if w.at.cursor != 0 && w.at.run != run {
		return errWalkLost
	}
	w.at.server, w.at.run = address(w.masters[0]), run
	return nil
}

func (w *walk) over() bool { return len(w.masters) == 0 }

// place is the cursor of the next page.
func (w *walk) place() string {
	if w.over() {
		return ""
	}
	return w.at.String()
}

// step returns some keys that look like those of records.
func (w *walk) step(ctx context.Context) ([]string, error) {
	type found struct {
		keys   []string
		cursor uint64
	}
	f, err := read(ctx, w.store, "scan", func(ctx context.Context) (f found, err error) {
		f.keys, f.cursor, err = w.masters[0].ScanType(ctx, w.at.cursor, w.store.recordPattern(), int64(w.count), "string").Result()
		return f, err
	})
	if err != nil {
		return nil, err
	}
	if w.at.cursor = f.cursor; f.cursor != 0 {
		return f.keys, nil
	}
	if w.masters = w.masters[1:]; w.over() {
		return f.keys, nil
	}
	_, err = read(ctx, w.store, "scan", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, w.enter(ctx)
	})
	return f.keys, err
}

// masters returns a client of each master.
func (s *Store) masters(ctx context.Context) ([]*redis.Client, error) {
	cluster, ok := s.rdb.(*redis.ClusterClient)
	if !ok {
		return []*redis.Client{s.rdb.(*redis.Client)}, nil
	}
	var mu sync.Mutex
	var masters []*redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, m *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		masters = append(masters, m)
		return nil
	})
	if err == nil && len(masters) == 0 {
		err = errors.New("the cluster has no masters")
	}
	slices.SortFunc(masters, func(a, b *redis.Client) int { return strings.Compare(address(a), address(b)) })
	return masters, err
}

func address(c *redis.Client) string { return c.Options().Addr }

// informer is a client, or one connection.
type informer interface {
	Info(ctx context.Context, sections ...string) *redis.StringCmd
}

// runID identifies one run of a server; "" where the server does not tell.
func runID(ctx context.Context, c informer) (string, error) {
	info, err := c.Info(ctx, "server").Result()
	var refused redis.Error
	if err != nil && !errors.As(err, &refused) {
		return "", err
	}
	lines := bufio.NewScanner(strings.NewReader(info))
	for lines.Scan() {
		if run, ok := strings.CutPrefix(lines.Text(), "run_id:"); ok {
			return run, nil
		}
	}
	return "", nil
}
