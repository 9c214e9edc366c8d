package session

import (
	"context"
	"testing"
	"time"
)

func TestAListSeesASessionThatIsRenewedWhileItIsRead(t *testing.T) {
	ctx, s := context.Background(), NewMemoryStore(MemoryOptions{})
	end := time.Now().Add(time.Hour)
	old, successor := newToken().id("a"), newToken().id("a")
	rec := Record{Version: 1, Principal: "alice", Created: time.Now(), Expires: end, LifetimeEnd: end}
	if err := s.Create(ctx, old, rec); err != nil {
		t.Fatal(err)
	}
	refs, _, err := s.listed("alice", "", 10)
	if err != nil || len(refs) != 1 {
		t.Fatalf("listed %d, %v", len(refs), err)
	}
	if err := s.Create(ctx, successor, rec); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(ctx, old, Record{Version: 2, Expires: end, LifetimeEnd: end, MovedTo: successor}, 1); err != nil {
		t.Fatal(err)
	}
	if page, whole := s.page(refs, "alice"); whole {
		t.Errorf("the page counts as whole with %d records, and lacks the successor", len(page))
	}
	page, _, err := s.List(ctx, "alice", "", 10)
	if err != nil || len(page) != 1 || page[0].ID != successor {
		t.Errorf("List: %v, %v", page, err)
	}
}
