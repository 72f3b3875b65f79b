package messagingtest

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// Run calls f with a new broker in a bubble of testing/synctest, where time is virtual: it moves when everything in the bubble waits. The t
// that f gets must not be used for Run, Parallel or Deadline. Run blocks until every goroutine of the bubble has ended.
func Run(t *testing.T, f func(t *testing.T, b *Broker), opts ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		f(t, New(t, opts...))
	})
}

// Seeds calls Run n times with Faults, as subtests named seed=0 and so on: `go test -run 'TestCharge/seed=7$'` repeats one. What a handler
// does must come out the same under every seed; one that gives its events a new id at each attempt, for example, shows here.
func Seeds(t *testing.T, n int, f func(t *testing.T, b *Broker), opts ...Option) {
	t.Helper()
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Helper()
			all := append([]Option(nil), opts...)
			Run(t, f, append(all, Faults(uint64(seed)))...)
		})
	}
}

// inBubble reports whether this goroutine is in a bubble, where Wait returns. Outside, Wait panics.
func inBubble() (in bool) {
	defer func() {
		if recover() != nil {
			in = false
		}
	}()
	synctest.Wait()
	return true
}
