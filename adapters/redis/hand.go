package redis

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// hold is a message in hand: received from the broker, and neither settled nor lost.
type hold struct {
	msg        driver.Message
	in         *hand
	epoch      *epoch
	entry      string // its id
	inbox      bool
	out        bool // handed out
	live       bool
	revoked    bool // it was out when its session ended, and has had no outcome since
	size       int
	since      int64 // when it came, or was last renewed, in ns
	prev, next *hold // of the epoch
}

// epoch is one session of a member on one place: as long as it lasts, what was received from there can be settled.
type epoch struct {
	lane   *lane
	fence  string
	source *driver.Source
	sure   time.Time // when the last renewal that the server took was asked for: the session lasts for so long from then on
	first  *hold
	last   *hold
	count  int

	acks     [2][]string // to be told to the broker: of the stream, of the inbox
	gone     []string    // nudges of the inbox to be deleted
	releases [2][]string
	settling bool // a settlement is under way
	under    settlement
	ending   bool
	over     bool
}

func (e *epoch) link(h *hold) {
	h.prev, h.next = e.last, nil
	if e.last != nil {
		e.last.next = h
	} else {
		e.first = h
	}
	e.last = h
	e.count++
}

func (e *epoch) unlink(h *hold) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		e.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	} else {
		e.last = h.prev
	}
	h.prev, h.next = nil, nil
	e.count--
}

// unsettled reports whether the broker has still to be told something.
func (e *epoch) unsettled() bool {
	return e.settling || len(e.acks[0])+len(e.acks[1])+len(e.gone)+len(e.releases[0])+len(e.releases[1]) > 0
}

// hand is what a subscription has in hand: what is ready for Receive, what Receive has handed out, and what was acked and not yet taken by the
// broker, which may come again after a fault. Together they stay within the window; a read that is under way has its part of it reserved.
type hand struct {
	window, windowBytes int

	mu              sync.Mutex
	cond            *sync.Cond // room, work, the end: for the goroutines of the subscription
	ready           []*hold
	readyBytes      int
	held, heldBytes int
	reserved        int
	unacked         int  // acks that the broker has not answered
	full            bool // the last read brought as much as it asked for
	inboxes         bool // the last read brought something from an inbox
	average         int  // bytes of a message, lately
	stopped         bool
	signal          chan struct{} // one slot: wakes a waiting Receive
	waiting         bool          // a Receive waits
	passing         bool          // what has come is being handed over without it
	deliver         func([]*driver.Message) bool
}

// passMost is how many messages are handed over straight: that is for when little comes, and each waits for nothing but a goroutine to wake.
// Of more the reader leaves the rest of the work to Receive, and goes on reading.
const passMost = 16

// firstGuess is the size of a message before any has come, in bytes: it bounds the first read.
const firstGuess = 16 << 10

func (h *hand) init(spec driver.Spec) {
	h.window, h.windowBytes = spec.Window, spec.WindowBytes
	h.cond = sync.NewCond(&h.mu)
	h.signal = make(chan struct{}, 1)
	h.average = firstGuess
	h.deliver = spec.Deliver
}

// room returns how many messages may be asked for; none is certain to fit the bytes, so at least one may if there is nothing at all.
func (h *hand) room() int {
	n := h.window - h.held - len(h.ready) - h.reserved - h.unacked
	if n <= 0 {
		return 0
	}
	left := (h.windowBytes-h.heldBytes-h.readyBytes)/max(1, h.average) - h.reserved
	if left < 1 && h.held+len(h.ready)+h.reserved == 0 {
		left = 1
	}
	return max(0, min(n, left))
}

// admit makes a message ready. The lock is held.
func (h *hand) admit(x *hold) {
	x.in, x.live = h, true
	x.msg.Ref = x
	x.size = x.msg.Size()
	h.ready = append(h.ready, x)
	h.readyBytes += x.size
	h.average += (x.size - h.average) / 8
	x.epoch.link(x)
}

// wake tells Receive to look again.
func (h *hand) wake() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

// pass hands over what is ready, in the reader's goroutine, where a Receive waits and would hand out nothing else; else it wakes Receive.
func (h *hand) pass() {
	h.mu.Lock()
	if !h.waiting || h.passing || h.deliver == nil || len(h.ready) > passMost || h.stopped {
		h.mu.Unlock()
		h.wake()
		return
	}
	out := h.draw(passMost, h.windowBytes)
	h.passing = len(out) > 0
	h.mu.Unlock()
	if len(out) == 0 {
		h.wake()
		return
	}
	h.deliver(out)
	h.mu.Lock()
	h.passing = false
	more := len(h.ready) > 0
	h.mu.Unlock()
	if more {
		h.wake()
	}
}

// Receive implements driver.Subscription.
func (h *hand) Receive(ctx context.Context, limit, maxBytes int) ([]*driver.Message, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out, open := h.collect(limit, maxBytes)
		switch {
		case len(out) > 0:
			return out, nil
		case !open:
			return nil, io.EOF
		}
		select {
		case <-h.signal:
		case <-ctx.Done():
		}
	}
}

// collect hands out what is ready and fits.
func (h *hand) collect(limit, maxBytes int) (out []*driver.Message, open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = false
	if h.stopped {
		return nil, false
	}
	if !h.passing {
		out = h.draw(limit, maxBytes)
	}
	h.waiting = len(out) == 0
	return out, true
}

// draw takes out what is ready and fits. The lock is held.
func (h *hand) draw(limit, maxBytes int) (out []*driver.Message) {
	if len(h.ready) == 0 {
		return nil
	}
	out = make([]*driver.Message, 0, min(limit, len(h.ready)))
	taken := 0
	for _, x := range h.ready {
		body := len(x.msg.Body)
		if len(out) >= limit || h.held >= h.window || len(out) > 0 && body > maxBytes || h.held > 0 && h.heldBytes+x.size > h.windowBytes {
			break
		}
		taken++
		x.out = true
		x.epoch.lane.pass(x)
		maxBytes -= body
		h.readyBytes -= x.size
		h.held++
		h.heldBytes += x.size
		out = append(out, &x.msg)
	}
	if taken == len(h.ready) {
		clear(h.ready)
		h.ready = h.ready[:0]
	} else {
		h.ready = h.ready[taken:]
	}
	return out
}

// drop takes a message out of hand. The lock is held. What is ready stays in its queue: sweep takes it out.
func (h *hand) drop(x *hold) {
	x.live = false
	x.epoch.unlink(x)
	if x.out {
		h.held--
		h.heldBytes -= x.size
		return
	}
	h.readyBytes -= x.size
}

// sweep takes what is not in hand any more out of the queue. The lock is held.
func (h *hand) sweep() {
	kept := make([]*hold, 0, len(h.ready))
	for _, x := range h.ready {
		if x.live {
			kept = append(kept, x)
		}
	}
	h.ready = kept
}

// lose ends an epoch: what is held from it counts for nothing any more. The lock is held; the caller loses the source without it.
func (h *hand) lose(e *epoch) {
	e.over = true
	for e.first != nil {
		h.drop(e.first)
	}
	h.unacked -= len(e.acks[0]) + len(e.acks[1])
	e.acks, e.releases, e.gone = [2][]string{}, [2][]string{}, nil
	h.sweep()
	h.cond.Broadcast()
}
