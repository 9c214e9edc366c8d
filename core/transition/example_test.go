package transition_test

import (
	"context"
	"fmt"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// Each deployment is the same program with another store.
func Example() {
	old := session.NewMemoryStore(session.MemoryOptions{})   // gormstore.New(db, ...)
	young := session.NewMemoryStore(session.MemoryOptions{}) // redisstore.New(rdb, ...)

	first := transition.New(old, young, transition.Options{Step: transition.CreateInOld})
	second := transition.New(old, young, transition.Options{Step: transition.CreateInNew})
	for _, store := range []session.Store{first, second} {
		if _, err := session.New(session.Options{Store: store}); err != nil {
			fmt.Println(err)
		}
	}

	// Once the second runs everywhere: until there is nothing left to do.
	for done := false; !done; {
		report, err := transition.Copy(context.Background(), old, young, transition.CopyOptions{})
		if err != nil || report.Differing > 0 {
			fmt.Println(err, report.Differences)
			return
		}
		done = report.Done()
	}
	fmt.Println("deploy with the new store alone")
	// Output: deploy with the new store alone
}
