package matrix

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// skew is by how much each clock is wrong, to this side or the other.
const skew = time.Hour

// putOffFor is how long the row's events are put off, and lateBy how much later than that they may come on a busy machine.
const (
	putOffFor = 2 * time.Second
	lateBy    = 8 * time.Second
)

// clocks gives every connection a clock of its own, right at first, that jumps to an hour off, and from one side to the other.
type clocks struct {
	mu    sync.Mutex
	hands []*atomic.Int64
}

func (c *clocks) open() messaging.Option {
	hand := new(atomic.Int64)
	c.mu.Lock()
	c.hands = append(c.hands, hand)
	c.mu.Unlock()
	return messaging.WithClock(func() time.Time { return time.Now().Add(time.Duration(hand.Load())) })
}

func (c *clocks) jump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, hand := range c.hands {
		side := int64(skew)
		if i%2 == 0 {
			side = -side
		}
		if hand.Load() == side {
			side = -side
		}
		hand.Store(side)
	}
}

// waits notes when events were put off and came back.
type waits struct {
	mu     sync.Mutex
	began  map[string]time.Time
	lasted []time.Duration
}

var errLater = errors.New("later, please")

// handle puts some events off, once each.
func (w *waits) handle(_ context.Context, d *messaging.Delivery) error {
	if !strings.HasSuffix(d.ID, "7") {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	began, ok := w.began[d.ID]
	if !ok {
		w.began[d.ID] = time.Now()
		return messaging.RetryAfter(putOffFor, errLater)
	}
	if began.IsZero() {
		return nil // a copy
	}
	w.lasted = append(w.lasted, time.Since(began))
	w.began[d.ID] = time.Time{}
	return nil
}

// cameBack is how many events came back so far.
func (w *waits) cameBack() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lasted)
}

// skewed runs a publisher and members whose clocks are an hour wrong, each to another side, and jump: nothing is lost or taken from who holds
// it, and what is put off comes after its delay. The clocks go wrong once events have come back: where only clocks can tell how long something
// has waited, a member believes its own of what was put off before it came.
func skewed(t *testing.T, s Subject) {
	var c clocks
	w := waits{began: map[string]time.Time{}}
	plain := s.Open
	s.Open = func(ctx context.Context, n *network.Network, opts ...messaging.Option) (*messaging.Broker, error) {
		return plain(ctx, n, append(opts, c.open())...)
	}
	b := s.start(t, load.Config{Members: 3, Handle: w.handle})
	for w.cameBack() < 20 {
		b.Await(50)
	}
	right := w.cameBack()
	for range 6 {
		c.jump()
		b.Await(200)
	}
	b.finish()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lasted) < right+20 {
		t.Fatalf("%d events came back, want at least 20 more than the %d before the clocks were wrong", len(w.lasted), right)
	}
	least, most := slices.Min(w.lasted), slices.Max(w.lasted)
	t.Logf("%d events put off for %v came back after %v to %v", len(w.lasted), putOffFor, least, most)
	if least < putOffFor-100*time.Millisecond || most > putOffFor+lateBy {
		t.Errorf("want %v to %v", putOffFor, putOffFor+lateBy)
	}
}
