package sendqueue

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// put is a Put that is under way: msgs[next:] are not queued yet.
type put struct {
	queue  *Queue
	to     driver.Address
	msgs   []*driver.Message
	result driver.Result
	next   int
	first  bool // nobody waits before it
	swept  bool // it has looked for withdrawn messages before it began to wait
}

// progress says how far a put has come.
type progress uint8

const (
	whole progress = iota // all is queued
	full                  // no room for the next
	fast                  // the next does not wait for the broker, which is away
	shut                  // the queue is closed
)

// fill queues messages for as long as there is room. Room.mu is held.
func (p *put) fill() progress {
	q, r := p.queue, p.queue.room
	for p.next < len(p.msgs) {
		if stop := p.barred(); stop != whole {
			return stop
		}
		if !p.first && r.first != nil {
			return full
		}
		m := p.msgs[p.next]
		size := m.Size()
		if !r.fits(size) {
			return full
		}
		r.count++
		r.bytes += size
		e := q.deque.push(&r.chunks)
		e.To, e.Msg, e.result, e.queue, e.index, e.size = p.to, m, p.result, q, p.next, size
		p.next++
		q.added()
	}
	return whole
}

// barred tells why the next message can't be queued whatever the room, or whole. Room.mu is held.
func (p *put) barred() progress {
	switch {
	case p.queue.closed:
		return shut
	case p.queue.away != nil && p.msgs[p.next].FailFast:
		return fast
	default:
		return whole
	}
}

// refuse tells that what is left will not be written.
func (p *put) refuse(err error) {
	for ; p.next < len(p.msgs); p.next++ {
		p.result.Done(p.next, driver.Unavailable, err)
	}
}

// refuseFast is refuse for the next messages that do not wait for the broker.
func (p *put) refuseFast(err error) {
	for ; p.next < len(p.msgs) && p.msgs[p.next].FailFast; p.next++ {
		p.result.Done(p.next, driver.Unavailable, err)
	}
}

// Put queues msgs for the address in their order, all behind what earlier calls queued, and returns once each is queued or has its fate. It
// implements driver.Publisher's Send: it waits for room, in the order in which the calls came, until ctx ends; what found none gets the fate
// Unavailable with the context's cause. A context that has ended keeps nothing out for which there is room at once. A closed queue gives
// Unavailable with ErrClosed; while the broker is away FailFast messages get Unavailable with ErrDisconnected, but one that stands behind a
// patient one in the same call waits for its turn first. It is safe for concurrent use.
func (q *Queue) Put(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	p := put{queue: q, to: to, msgs: msgs, result: r}
	room := q.room
	room.mu.Lock()
	for {
		switch p.fill() {
		case whole:
			room.mu.Unlock()
			return
		case shut:
			room.mu.Unlock()
			p.refuse(driver.ErrClosed)
			return
		case fast:
			away := q.away
			room.mu.Unlock()
			p.refuseFast(away)
		case full:
			if err := p.wait(ctx); err != nil {
				p.refuse(err)
				return
			}
		}
		room.mu.Lock()
	}
}

// wait waits until everything is queued, or something other than room is in the way, or ctx ends, which gives its cause. Room.mu is held
// at the call and not after it.
func (p *put) wait(ctx context.Context) error {
	room := p.queue.room
	if !p.swept && room.first == nil {
		p.swept = true
		gone := room.sweep()
		room.mu.Unlock()
		failAll(gone, driver.ErrWithdrawn)
		return nil
	}
	w := room.enlist(p)
	ended := false
	for w.waits && !ended && w.put.barred() == whole {
		pause := time.Duration(0)
		if room.sweeper == w {
			pause = room.pause()
		}
		room.mu.Unlock()
		var tick bool
		tick, ended = w.sleep(ctx, pause)
		room.mu.Lock()
		if tick && w.waits {
			gone := room.sweep()
			room.mu.Unlock()
			failAll(gone, driver.ErrWithdrawn)
			room.mu.Lock()
		}
	}
	waited := w.waits
	if waited {
		room.leave(w)
	}
	p.next, p.swept = w.put.next, false
	room.recycle(w)
	if waited {
		room.admit() // what p had no room for may not have been all that others wait for
	}
	room.mu.Unlock()
	if ended && waited {
		return context.Cause(ctx)
	}
	return nil
}

// waiter is a put that waits for room. All but put.queue and woken is guarded by Room.mu.
type waiter struct {
	put        put
	prev, next *waiter
	waits      bool          // it is in the room's list
	woken      chan struct{} // of capacity 1, a flag: look again
	timer      *time.Timer   // its own goroutine's
}

func (w *waiter) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// sleep waits until w is woken, pause has passed (tick) or ctx has ended; a pause of 0 is for ever.
func (w *waiter) sleep(ctx context.Context, pause time.Duration) (tick, ended bool) {
	if pause == 0 {
		select {
		case <-w.woken:
		case <-ctx.Done():
			return false, true
		}
		return false, false
	}
	if w.timer == nil {
		w.timer = time.NewTimer(pause)
	} else {
		w.timer.Reset(pause)
	}
	defer w.timer.Stop()
	select {
	case <-w.woken:
	case <-w.timer.C:
		return true, false
	case <-ctx.Done():
		return false, true
	}
	return false, false
}
