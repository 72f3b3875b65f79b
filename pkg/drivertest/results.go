package drivertest

import (
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// results collects the fates of one Send.
type results struct {
	hook func(i int) // called inside Done, when set

	mu    sync.Mutex
	fates []driver.Fate
	errs  []error
	calls []int
	stray int
	left  int
	all   chan struct{}
}

func newResults(n int) *results {
	r := &results{fates: make([]driver.Fate, n), errs: make([]error, n), calls: make([]int, n), left: n, all: make(chan struct{})}
	if n == 0 {
		close(r.all)
	}
	return r
}

// Done implements driver.Result.
func (r *results) Done(i int, fate driver.Fate, err error) {
	r.mu.Lock()
	if i < 0 || i >= len(r.fates) {
		r.stray++
		r.mu.Unlock()
		return
	}
	r.calls[i]++
	first := r.calls[i] == 1
	if first {
		r.fates[i], r.errs[i] = fate, err
	}
	r.mu.Unlock()
	if !first {
		return
	}
	if r.hook != nil {
		r.hook(i)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left--; r.left == 0 {
		close(r.all)
	}
}

// within reports whether each message has its fate in that time.
func (r *results) within(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.all:
		return true
	case <-timer.C:
		return false
	}
}

// unknown returns how many messages have no fate yet.
func (r *results) unknown() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

// at returns one message's fate and error; the fate is 0 while there is none.
func (r *results) at(i int) (driver.Fate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fates[i], r.errs[i]
}

// audit says what is wrong with the fates once everything is closed: each message must have exactly one, and an error beside all but Stored.
func (r *results) audit(t T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stray > 0 {
		t.Errorf("Done was called %d times with an index that the Send does not have", r.stray)
	}
	for i, n := range r.calls {
		fate, err := r.fates[i], r.errs[i]
		switch {
		case n != 1:
			t.Errorf("message %d of %d got %d calls of Done, want exactly one", i, len(r.calls), n)
		case fate < driver.Stored || fate > driver.Unconfirmed:
			t.Errorf("message %d of %d got the fate %d, which is none", i, len(r.calls), fate)
		case (fate == driver.Stored) != (err == nil):
			t.Errorf("message %d of %d got the fate %v with the error %v", i, len(r.calls), fate, err)
		default:
			continue
		}
		return
	}
}
