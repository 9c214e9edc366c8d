package transition_test

import (
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

// byValue is a store that cannot be compared.
type byValue struct {
	*session.MemoryStore
	_ []int
}

func TestStoresNeedNotBeComparable(t *testing.T) {
	s := transition.New(byValue{MemoryStore: memory()}, byValue{MemoryStore: memory()}, transition.Options{Step: step1})
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), storetest.NewID(), storetest.NewRecord(principal)); err != nil {
		t.Fatal(err)
	}
	if page, _, err := s.List(t.Context(), principal, "", 10); err != nil || len(page) != 1 {
		t.Errorf("%d sessions, %v", len(page), err)
	}
}
