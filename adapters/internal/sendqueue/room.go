package sendqueue

import (
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

const (
	// sweepPause is the least pause between two looks for withdrawn messages, which nothing tells of.
	sweepPause = 10 * time.Millisecond
	// sweepCost is what the pause grows by per message that is looked at, so that looking takes a few percent of one core at most.
	sweepCost = 2 * time.Microsecond
	// waitersKept bounds the waiters that a room keeps for later.
	waitersKept = 1024
)

// Room bounds what waits in any number of queues, and what was taken from them and has no fate yet. One lock guards the room and all its
// queues. It is safe for concurrent use.
type Room struct {
	maxCount, maxBytes int

	mu           sync.Mutex
	count, bytes int
	chunks       chunks
	queues       *Queue // those that hold something

	first, last *waiter // those that wait for room, oldest first
	sweeper     *waiter // the one of them that looks for withdrawn messages
	spare       *waiter
	spares      int
	swept       time.Time
}

// NewRoom returns a room for count messages of bytes in all, as driver.Message.Size counts them. An empty room takes any one message,
// however big, so bounds below one message mean one message at a time.
func NewRoom(count, bytes int) *Room { return &Room{maxCount: count, maxBytes: bytes} }

func (r *Room) fits(size int) bool {
	return r.count == 0 || r.count < r.maxCount && r.bytes+size <= r.maxBytes
}

// free gives back the room of n messages. r.mu is held.
func (r *Room) free(n, size int) {
	r.count -= n
	r.bytes -= size
	if r.first != nil {
		r.admit()
	}
}

// admit gives room to those that wait, in the order in which they came: the one that frees room does the queueing for them, so that room
// never lies idle until a goroutine wakes. r.mu is held.
func (r *Room) admit() {
	for w := r.first; w != nil; w = r.first {
		switch w.put.fill() {
		case full:
			return
		case whole:
			r.leave(w)
			w.wake()
		default: // it has to look itself
			w.wake()
			return
		}
	}
}

// enlist lets p wait behind all others. r.mu is held.
func (r *Room) enlist(p *put) *waiter {
	w := r.spare
	if w == nil {
		w = &waiter{woken: make(chan struct{}, 1)}
	} else {
		r.spare, w.next = w.next, nil
		r.spares--
	}
	w.put, w.waits = *p, true
	w.put.first = true // only fill of the first is ever called
	if r.last == nil {
		r.first = w
	} else {
		r.last.next, w.prev = w, r.last
	}
	r.last = w
	if r.sweeper == nil {
		r.sweeper = w
	}
	return w
}

// leave takes w out of the list. r.mu is held.
func (r *Room) leave(w *waiter) {
	if w.prev == nil {
		r.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		r.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.waits = nil, nil, false
	if r.sweeper != w {
		return
	}
	// The last one stays longest, so that the duty seldom changes hands.
	r.sweeper = r.last
	if r.sweeper != nil {
		r.sweeper.wake()
	}
}

// recycle keeps w for another Put. r.mu is held, and nobody else knows w.
func (r *Room) recycle(w *waiter) {
	w.put = put{}
	select {
	case <-w.woken:
	default:
	}
	if r.spares == waitersKept {
		return
	}
	w.next, r.spare = r.spare, w
	r.spares++
}

// pause is how long to wait between two sweeps. r.mu is held.
func (r *Room) pause() time.Duration { return sweepPause + time.Duration(r.count)*sweepCost }

// sweep returns what was withdrawn, to be reported without the lock, unless the last sweep is too short a time ago. r.mu is held.
func (r *Room) sweep() []Entry {
	now := time.Now()
	if !r.swept.IsZero() && now.Sub(r.swept) < r.pause() {
		return nil
	}
	r.swept = now
	var gone []Entry
	for q := r.queues; q != nil; {
		next := q.next // q may be empty afterwards
		gone = q.deque.extract(&r.chunks, gone, (*driver.Message).Withdrawn)
		q.enrol()
		q = next
	}
	return gone
}
