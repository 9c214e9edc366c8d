package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
)

const maxPage = 1000

// List implements session.Lister. It reads one part of the index and the heads
// of its records in two round trips, and more where entries have no record any
// longer; it drops such entries. No records are listed for the principal "".
// The limit must be positive; a page has 1000 records at most.
func (s *Store) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("redisstore: list: %w: the limit of a page is %d; it must be positive", session.ErrInvalid, limit)
	}
	limit = min(limit, maxPage)
	from := "+"
	if after != "" {
		var err error
		if from, err = parseCursor(after); err != nil {
			return nil, "", fmt.Errorf("redisstore: list: %w", err)
		}
	}
	found, err := read(ctx, s, "list", func(ctx context.Context) ([]session.Stored, error) {
		if principal == "" {
			return nil, nil
		}
		return s.listed(ctx, principal, from, limit+1)
	})
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	page := found[:limit]
	return page, cursorAfter(page[limit-1]), nil
}

// listed returns the first records after a place in the index.
func (s *Store) listed(ctx context.Context, principal, from string, limit int) ([]session.Stored, error) {
	byCreated, _ := s.indexKeys(principal)
	var found []session.Stored
	var dead, known entries
	for len(found) < limit {
		want := limit - len(found)
		members, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: byCreated, ByLex: true, Rev: true, Start: from, Stop: "-", Count: int64(want),
		}).Result()
		if err != nil {
			return nil, err
		}
		entries := make([]entry, 0, len(members))
		for _, m := range members {
			if e, ok := parseEntry(m); ok {
				entries = append(entries, e)
			}
		}
		live, gone, moved, err := s.heads(ctx, principal, entries)
		if err != nil {
			return nil, err
		}
		if more := moved.minus(known); len(more) > 0 {
			known = append(known, more...) // their successors may have come after the index was read
			continue
		}
		found, dead = append(found, live...), append(dead, gone...)
		if len(members) < want {
			break
		}
		from = "(" + members[want-1]
	}
	s.dropDead(ctx, principal, dead)
	return found, nil
}

type entries []entry

func (es entries) minus(known entries) (rest entries) {
	for _, e := range es {
		if !slices.Contains(known, e) {
			rest = append(rest, e)
		}
	}
	return rest
}

// heads reads the records of index entries, without payloads. gone are the
// entries whose record is not there or not theirs.
func (s *Store) heads(ctx context.Context, principal string, entries []entry) (live []session.Stored, gone, moved entries, err error) {
	if len(entries) == 0 {
		return nil, nil, nil, nil
	}
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = s.recordKey(e.id)
	}
	values, err := s.ranges(ctx, keys, 0, maxHead-1)
	if err != nil {
		return nil, nil, nil, err
	}
	for i, e := range entries {
		rec, added, _, err := decodeHead(kindRecord, values[i])
		switch {
		case err == nil && rec.Principal == principal && fromTime(added) == fromTime(e.added):
			live = append(live, session.Stored{ID: e.id, Record: rec})
		case err == nil || values[i] == "":
			gone = append(gone, e)
			if rec.MovedTo != "" {
				moved = append(moved, e)
			}
		}
	}
	return live, gone, moved, nil
}

// ranges reads the same part of several values in one round trip. What is not
// there, or no string, is "".
func (s *Store) ranges(ctx context.Context, keys []string, from, to int64) ([]string, error) {
	cmds := make([]*redis.StringCmd, len(keys))
	pipe := s.rdb.Pipeline()
	for i, key := range keys {
		cmds[i] = pipe.GetRange(ctx, key, from, to)
	}
	_, _ = pipe.Exec(ctx)
	values := make([]string, len(keys))
	for i, cmd := range cmds {
		value, err := cmd.Result()
		if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// cursorAfter names the place after a record in a list.
func cursorAfter(s session.Stored) string {
	return strconv.FormatInt(s.Record.Created.UnixMicro(), 10) + "." + string(s.ID)
}

// parseCursor returns the bound in the index that excludes the record of a
// cursor and all before it.
func parseCursor(cursor string) (string, error) {
	created, id, _ := strings.Cut(cursor, ".")
	micros, err := strconv.ParseInt(created, 10, 64)
	if err != nil || !session.ID(id).Valid() {
		return "", fmt.Errorf("%w: this is no cursor of a page before", session.ErrInvalid)
	}
	place := entry{created: time.UnixMicro(micros), id: session.ID(id)}.String()
	return "(" + place[:8+idLen], nil
}
