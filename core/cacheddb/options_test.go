package cacheddb_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

func TestValidateNamesWhatIsWrong(t *testing.T) {
	memory := session.NewMemoryStore(session.MemoryOptions{})
	unbounded := session.NewMemoryStore(session.MemoryOptions{MaxRecords: -1})
	for name, c := range map[string]struct {
		store *cacheddb.Store
		want  string
	}{
		"no cache":             {cacheddb.New(nil, memory, cacheddb.Options{}), "cache is nil"},
		"no database":          {cacheddb.New(memory, nil, cacheddb.Options{}), "database store is nil"},
		"invalid cache":        {cacheddb.New(unbounded, memory, cacheddb.Options{}), "MaxRecords"},
		"invalid database":     {cacheddb.New(memory, unbounded, cacheddb.Options{}), "MaxRecords"},
		"negative age":         {cacheddb.New(memory, memory, cacheddb.Options{RecheckAge: -1}), "RecheckAge"},
		"negative re-check":    {cacheddb.New(memory, memory, cacheddb.Options{RecheckTimeout: -1}), "RecheckTimeout"},
		"negative lease":       {cacheddb.New(memory, memory, cacheddb.Options{LeaseTTL: -time.Hour}), "LeaseTTL"},
		"lease of nanoseconds": {cacheddb.New(memory, memory, cacheddb.Options{LeaseTTL: 10}), "LeaseTTL"},
		"lease below time-out": {cacheddb.New(memory, memory, cacheddb.Options{LeaseTTL: time.Second, CacheTimeout: time.Second}), "LeaseTTL"},
		"negative time-out":    {cacheddb.New(memory, memory, cacheddb.Options{CacheTimeout: -1}), "CacheTimeout"},
		"negative failures":    {cacheddb.New(memory, memory, cacheddb.Options{BreakerFailures: -1}), "BreakerFailures"},
		"negative cool-down":   {cacheddb.New(memory, memory, cacheddb.Options{BreakerCooldown: -1}), "BreakerCooldown"},
		"negative pending":     {cacheddb.New(memory, memory, cacheddb.Options{MaxPending: -1}), "MaxPending"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.store.Validate()
			if !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate: %v, want one that names %s", err, c.want)
			}
		})
	}
	if err := cacheddb.New(memory, memory, cacheddb.Options{}).Validate(); err != nil {
		t.Errorf("Validate of the zero Options: %v", err)
	}
}
