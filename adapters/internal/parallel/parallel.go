// Package parallel calls a function for many things, a few at a time.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Each calls f with 0 to n-1, in that order, with no more than most calls at a time; most below 1 is 1. It blocks until all calls that were
// begun have returned, and begins none after one has failed. It returns the smallest index whose call failed, with that call's error, or n and
// nil: whatever the others did, that is the one that would have failed one by one. f is called from several goroutines at once.
func Each(n, most int, f func(i int) error) (at int, err error) {
	var next atomic.Int64
	var mu sync.Mutex
	at = n
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			failed := f(i)
			if failed == nil {
				continue
			}
			next.Store(int64(n)) // what is begun already goes on: one of it may stand before this one
			mu.Lock()
			if i < at {
				at, err = i, failed
			}
			mu.Unlock()
			return
		}
	}
	var all sync.WaitGroup
	for range min(n, max(1, most)) {
		all.Go(work)
	}
	all.Wait()
	return at, err
}
