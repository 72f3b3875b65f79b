package rabbitmq

import (
	"sync"
	"sync/atomic"
)

// confirms is what the broker answers on one channel that publishes, in its order: a return comes before its confirm. The splitter fills it, a
// session reads it.
type confirms struct {
	channel  uint16        // known once it confirms
	closed   atomic.Bool   // by the broker: nothing may be written there any more
	ready    chan struct{} // of capacity 1, a flag: there are answers
	arriving []answer      // the splitter's own

	mu      sync.Mutex
	answers []answer
}

// answer is a confirm, or a message that came back.
type answer struct {
	tag            uint64
	multiple, nack bool
	back           *returned
}

// returned is what a return tells of its message; it names no tag.
type returned struct {
	exchange, key, id string
	body              []byte
}

func newConfirms() *confirms { return &confirms{ready: make(chan struct{}, 1)} }

// handOver makes what has arrived known to the session.
func (c *confirms) handOver() {
	c.mu.Lock()
	c.answers = append(c.answers, c.arriving...)
	c.mu.Unlock()
	clear(c.arriving)
	c.arriving = c.arriving[:0]
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// take returns the answers that came since it was called last; used is what it returned then.
func (c *confirms) take(used []answer) []answer {
	clear(used)
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.answers
	c.answers = used[:0]
	return got
}
