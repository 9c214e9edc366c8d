package session

import (
	"runtime"
	"sync"
	"testing"
)

// OWASP ASVS 5.0, 7.2.2, 7.2.3 and 11.5.2: unique, also under heavy demand, and
// no part of it constant.
func TestAMillionTokensAreAllDifferent(t *testing.T) {
	const n = 1_000_000
	workers := runtime.GOMAXPROCS(0)
	parts := make([][]token, workers)
	var all sync.WaitGroup
	for w := range parts {
		all.Go(func() {
			parts[w] = make([]token, n/workers+1)
			for i := range parts[w] {
				parts[w][i] = newToken()
			}
		})
	}
	all.Wait()
	seen := make(map[token]struct{}, n)
	var ones [8 * tokenBytes]int
	total := 0
	for _, part := range parts {
		total += len(part)
		for i, t := range part {
			seen[t] = struct{}{}
			if i%100 == 0 {
				for bit := range ones {
					ones[bit] += int(t.secret[bit/8] >> (bit % 8) & 1)
				}
			}
		}
	}
	if total < n || len(seen) != total {
		t.Errorf("of %d tokens %d are different", total, len(seen))
	}
	for bit, k := range ones { // of about 10,000; 12 standard deviations from the half
		if k < 4400 || k > 5600 {
			t.Errorf("bit %d is 1 in %d of 10,000 tokens", bit, k)
		}
	}
}
