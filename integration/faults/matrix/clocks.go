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

// putOffFor is how long the row's events are put off, and lateBy how much later than that they may come: 10 s where a tier of the inbox holds them
// at its worst, and 8 more on a machine that is busy, or stands still for a moment.
const (
	putOffFor = 2 * time.Second
	lateBy    = 18 * time.Second
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
	began  map[string]time.Time // zero for what is back, and for what came twice: nobody can tell which of the copies comes back
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
	if !began.IsZero() && d.Attempt > 1 { // else a copy: published again, or taken over before it was settled
		w.lasted = append(w.lasted, time.Since(began))
	}
	w.began[d.ID] = time.Time{}
	return nil
}

// cameBack is how many events came back so far, least and most after what time.
func (w *waits) cameBack() (n int, least, most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n = len(w.lasted); n > 0 {
		least, most = slices.Min(w.lasted), slices.Max(w.lasted)
	}
	return n, least, most
}

// enough is how many events are to come back before the clocks are wrong, and how many after that.
const enough = 20

// away reports whether something that was put off before a time is not back, or hardly anything is.
func (w *waits) away(before time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lasted) < enough {
		return true
	}
	for _, began := range w.began {
		if !began.IsZero() && began.Before(before) {
			return true
		}
	}
	return false
}

// back waits until all is back that was put off before.
func (w *waits) back(b *bench) {
	b.t.Helper()
	for began := time.Now(); w.away(began); b.Await(50) {
		if time.Since(began) > time.Minute {
			n, least, most := w.cameBack()
			b.t.Fatalf("what was put off does not come back; %d others did, after %v to %v; %s", n, least, most, b.Report())
		}
	}
}

// settle waits until no member has come since the oldest that is put off was, and returns how many have come.
func (w *waits) settle(b *bench) (came int) {
	b.t.Helper()
	for range 10 {
		came = b.came()
		if w.back(b); b.came() == came {
			return came
		}
	}
	b.t.Fatal("members come and go")
	return 0
}

// came is how often members were given something, or something was taken from them.
func (b *bench) came() int { return len(b.Notices(messaging.Rebalanced)) }

// skewed runs a publisher and members whose clocks are an hour wrong, each to another side, and jump: nothing is lost or taken from who holds
// it, and what is put off comes after its delay. The clocks go wrong once members have settled: where only clocks can tell how long something
// has waited, a member believes its own of what was put off before it came.
func skewed(t *testing.T, s Subject) {
	var c clocks
	w := waits{began: map[string]time.Time{}}
	plain := s.Open
	s.Open = func(ctx context.Context, n *network.Network, opts ...messaging.Option) (*messaging.Broker, error) {
		return plain(ctx, n, append(opts, c.open())...)
	}
	b := s.start(t, load.Config{Members: 3, Handle: w.handle})
	came := w.settle(b)
	right, _, _ := w.cameBack()
	for range 6 {
		c.jump()
		b.Await(200)
	}
	w.back(b)
	_, least, _ := w.cameBack()
	early := least < putOffFor-100*time.Millisecond && b.came() == came // else a member has come whose clock was wrong by then
	b.finish()
	n, _, most := w.cameBack()
	if n < right+enough {
		t.Fatalf("%d events came back, want at least %d more than the %d before the clocks were wrong", n, enough, right)
	}
	t.Logf("%d events put off for %v came back after %v to %v", n, putOffFor, least, most)
	if early || most > putOffFor+lateBy {
		t.Errorf("want %v to %v", putOffFor, putOffFor+lateBy)
	}
}
