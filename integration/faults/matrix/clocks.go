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

// clocks gives every connection a clock of its own, wrong by an hour, that jumps to the other side and back.
type clocks struct {
	next  atomic.Int64
	mu    sync.Mutex
	hands []*atomic.Int64
}

func (c *clocks) open() messaging.Option {
	hand := new(atomic.Int64)
	hand.Store(int64(skew))
	if c.next.Add(1)%2 == 0 {
		hand.Store(-int64(skew))
	}
	c.mu.Lock()
	c.hands = append(c.hands, hand)
	c.mu.Unlock()
	return messaging.WithClock(func() time.Time { return time.Now().Add(time.Duration(hand.Load())) })
}

func (c *clocks) jump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, hand := range c.hands {
		hand.Store(-hand.Load())
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

// skewed runs a publisher and members whose clocks are an hour wrong, each to another side, and jump: nothing is lost or taken from who holds
// it, and what is put off comes after its delay.
func skewed(t *testing.T, s Subject) {
	var c clocks
	w := waits{began: map[string]time.Time{}}
	plain := s.Open
	s.Open = func(ctx context.Context, n *network.Network, opts ...messaging.Option) (*messaging.Broker, error) {
		return plain(ctx, n, append(opts, c.open())...)
	}
	b := s.start(t, load.Config{Members: 3, Handle: w.handle})
	b.Await(200)
	for range 5 {
		c.jump()
		b.Await(200)
	}
	b.finish()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lasted) < 20 {
		t.Fatalf("%d events came back, want at least 20", len(w.lasted))
	}
	least, most := slices.Min(w.lasted), slices.Max(w.lasted)
	t.Logf("%d events put off for %v came back after %v to %v", len(w.lasted), putOffFor, least, most)
	if least < putOffFor-100*time.Millisecond || most > putOffFor+lateBy {
		t.Errorf("want %v to %v", putOffFor, putOffFor+lateBy)
	}
}
