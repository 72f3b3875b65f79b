package sendqueue

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// Queue is a first-in, first-out queue of messages. Put, Done, Len, Offline, Online, Close, Fail and Idle are safe for concurrent use; Take
// and Unread belong to one consumer at a time.
type Queue struct {
	room  *Room
	ready chan struct{} // of capacity 1, a flag: there is something

	// Guarded by room.mu.
	deque      deque
	pending    int // put and without a fate
	away       error
	closed     bool
	idle       chan struct{} // closed when pending falls to 0; nil while nobody waits
	prev, next *Queue        // in room.queues
	enrolled   bool
}

// New returns an open, empty queue whose messages take room from room, which other queues may share.
func New(room *Room) *Queue { return &Queue{room: room, ready: make(chan struct{}, 1)} }

// Ready returns a channel of capacity 1 that receives after something was put or put back, and after a Take that left something. It is for
// the one consumer, and is never closed.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Len returns how many messages can be taken.
func (q *Queue) Len() int {
	q.room.mu.Lock()
	defer q.room.mu.Unlock()
	return q.deque.n
}

// Take appends to dst the oldest messages: at most count, and of at most bytes together as driver.Message.Size counts them, but always one
// if there is any and count is positive. It never blocks. What was withdrawn gets its fate, Unavailable with ErrWithdrawn, instead. Take
// claims nothing: a message can be withdrawn until the writer claims it. What was taken keeps its room until Done.
func (q *Queue) Take(dst []Entry, count, bytes int) []Entry {
	room := q.room
	had := len(dst)
	var gone []Entry
	room.mu.Lock()
	for size := 0; q.deque.n > 0 && len(dst)-had < count; {
		e := q.deque.peek()
		if e.Msg.Withdrawn() {
			gone = append(gone, q.deque.pop(&room.chunks))
			continue
		}
		size += e.size
		if size > bytes && len(dst) > had {
			break
		}
		dst = append(dst, q.deque.pop(&room.chunks))
	}
	if q.deque.n > 0 {
		q.signal()
	}
	q.enrol()
	room.mu.Unlock()
	DoneAll(gone, driver.Unavailable, driver.ErrWithdrawn)
	return dst
}

// Unread puts entries that Take returned, and that were not written, back at the head in their order. Entries that have a fate are left out.
// While the broker is away FailFast ones get their fate instead. The slice is the caller's again when Unread returns.
func (q *Queue) Unread(entries []Entry) {
	room := q.room
	room.mu.Lock()
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].result != nil {
			q.deque.unshift(&room.chunks, entries[i])
		}
	}
	away := q.away
	var gone []Entry
	if away != nil {
		gone = q.deque.extract(&room.chunks, nil, failsFast)
	}
	q.enrol()
	if q.deque.n > 0 {
		q.signal()
	}
	room.mu.Unlock()
	failAll(gone, away)
}

// Offline tells that the broker is away: until Online, FailFast messages that are queued or come get the fate Unavailable with an error that
// wraps ErrDisconnected and err, which may be nil. The others wait. A later call replaces err.
func (q *Queue) Offline(err error) {
	away := driver.ErrDisconnected
	if err != nil {
		away = fmt.Errorf("%w: %w", driver.ErrDisconnected, err)
	}
	room := q.room
	room.mu.Lock()
	q.away = away
	gone := q.deque.extract(&room.chunks, nil, failsFast)
	q.enrol()
	q.wakeWaiters()
	room.mu.Unlock()
	failAll(gone, away)
}

// Online ends what Offline began.
func (q *Queue) Online() {
	q.room.mu.Lock()
	defer q.room.mu.Unlock()
	q.away = nil
	q.room.admit() // it stops at a FailFast message while the broker is away
}

// Close refuses what comes from now on, and what waits for room: Unavailable with ErrClosed. What is queued can still be taken, and put
// back. It is idempotent and does not wait.
func (q *Queue) Close() {
	q.room.mu.Lock()
	defer q.room.mu.Unlock()
	q.closed = true
	q.wakeWaiters()
}

// Fail gives all that is queued the fate Unavailable with err, or with ErrWithdrawn where that is the reason. It leaves alone what was taken
// and what comes later, so Close goes before it when the queue is given up.
func (q *Queue) Fail(err error) {
	room := q.room
	room.mu.Lock()
	gone := make([]Entry, 0, q.deque.n)
	for q.deque.n > 0 {
		gone = append(gone, q.deque.pop(&room.chunks))
	}
	q.enrol()
	room.mu.Unlock()
	failAll(gone, err)
}

// Idle waits until every message that was put has its fate, the ones put meanwhile included, or returns the context's cause. What still
// waits for room was not put.
func (q *Queue) Idle(ctx context.Context) error {
	q.room.mu.Lock()
	if q.pending == 0 {
		q.room.mu.Unlock()
		return nil
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.room.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func failsFast(m *driver.Message) bool { return m.FailFast }

// added counts a message that was just pushed. Room.mu is held.
func (q *Queue) added() {
	q.pending++
	q.enrol()
	q.signal()
}

// settled frees the room of n messages that have their fates now.
func (q *Queue) settled(n, size int) {
	q.room.mu.Lock()
	defer q.room.mu.Unlock()
	q.pending -= n
	if q.pending == 0 && q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
	q.room.free(n, size)
}

func (q *Queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// wakeWaiters lets those that wait to put here look at what has changed. Room.mu is held.
func (q *Queue) wakeWaiters() {
	for w := q.room.first; w != nil; w = w.next {
		if w.put.queue == q {
			w.wake()
		}
	}
}

// enrol keeps the room's list of queues that hold something. Room.mu is held.
func (q *Queue) enrol() {
	holds := q.deque.n > 0
	if holds == q.enrolled {
		return
	}
	q.enrolled = holds
	room := q.room
	if holds {
		q.next, room.queues = room.queues, q
		if q.next != nil {
			q.next.prev = q
		}
		return
	}
	if q.prev == nil {
		room.queues = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next != nil {
		q.next.prev = q.prev
	}
	q.prev, q.next = nil, nil
}
