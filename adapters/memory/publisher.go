package memory

import (
	"context"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// roomCheck is how often a Send that waits for room looks for withdrawn messages, which nothing tells of.
const roomCheck = 10 * time.Millisecond

// publisher is a connection's publisher. While the server is connected Send stores at once and nothing is queued; closed changes only while
// the server's lock is held for writing.
type publisher struct {
	conn   *conn
	closed bool

	mu    sync.Mutex
	queue []queued
	bytes int
	room  chan struct{} // closed and replaced when the queue shrinks
}

// queued is a message that waits for the connection.
type queued struct {
	to   driver.Address
	msg  *driver.Message
	r    driver.Result
	i    int
	size int
}

// failed is a message that was not simply stored.
type failed struct {
	i    int
	fate driver.Fate
	err  error
}

// Send implements driver.Publisher. While the server is connected it reports every fate before it returns.
func (p *publisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	s := p.conn.server
	for i := 0; i < len(msgs); {
		s.mu.RLock()
		switch {
		case p.closed:
			s.mu.RUnlock()
			report(r, i, len(msgs), driver.Unavailable, driver.ErrClosed)
			return
		case !s.down:
			t, whole := s.route(to)
			if t == nil && whole == nil {
				s.mu.RUnlock()
				s.mu.Lock()
				s.create(to.Topic, to.Log)
				s.mu.Unlock()
				continue
			}
			bad, after := s.accept(t, whole, to, msgs[i:], p.conn.ahead())
			s.mu.RUnlock()
			run(after)
			answer(r, i, len(msgs)-i, bad)
			return
		}
		taken, room, fast := p.enqueue(to, msgs, i, r)
		s.mu.RUnlock()
		for _, f := range fast {
			r.Done(f.i, f.fate, f.err)
		}
		i = taken
		if i < len(msgs) && !waitForRoom(ctx, room) {
			report(r, i, len(msgs), driver.Unavailable, context.Cause(ctx))
			return
		}
	}
}

// waitForRoom waits until there may be room; false when ctx has ended.
func waitForRoom(ctx context.Context, room <-chan struct{}) bool {
	timer := time.NewTimer(roomCheck)
	defer timer.Stop()
	select {
	case <-room:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// enqueue takes messages from i on for as long as there is room. It returns the first one not taken, what to wait for, and the fates of
// those that would not wait or were withdrawn.
func (p *publisher) enqueue(to driver.Address, msgs []*driver.Message, i int, r driver.Result) (int, <-chan struct{}, []failed) {
	cfg := p.conn.server.cfg
	p.mu.Lock()
	defer p.mu.Unlock()
	var fates []failed
	swept := false
	for ; i < len(msgs); i++ {
		m := msgs[i]
		if m.FailFast {
			fates = append(fates, failed{i, driver.Unavailable, driver.ErrDisconnected})
			continue
		}
		size := m.Size()
		if p.crowded(size, cfg) && !swept {
			p.sweep()
			swept = true
		}
		if p.crowded(size, cfg) {
			break
		}
		p.queue = append(p.queue, queued{to: to, msg: m, r: r, i: i, size: size})
		p.bytes += size
	}
	return i, p.room, fates
}

// crowded reports whether there is no room; an empty queue takes any one message.
func (p *publisher) crowded(size int, cfg Config) bool {
	return len(p.queue) > 0 && (len(p.queue) >= cfg.Queue || p.bytes+size > cfg.QueueBytes)
}

// sweep reports the withdrawn messages and frees their room. Done must not call back, so p.mu may be held.
func (p *publisher) sweep() {
	kept := p.queue[:0]
	for _, q := range p.queue {
		if q.msg.Withdrawn() {
			p.bytes -= q.size
			q.r.Done(q.i, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		kept = append(kept, q)
	}
	clear(p.queue[len(kept):])
	p.queue = kept
}

// drain empties the queue and lets those that wait for room look again.
func (p *publisher) drain() []queued {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.queue
	p.queue, p.bytes = nil, 0
	close(p.room)
	p.room = make(chan struct{})
	return all
}

// flush stores what waits, in order, and tells the fates. The server's lock is held for writing. What it returns is to be called without.
func (p *publisher) flush() (after []func()) {
	s := p.conn.server
	for _, q := range p.drain() {
		t, whole := s.route(q.to)
		if t == nil && whole == nil {
			t = s.create(q.to.Topic, q.to.Log)
		}
		bad, more := s.accept(t, whole, q.to, []*driver.Message{q.msg}, p.conn.ahead())
		after = append(after, more...)
		answer(q.r, q.i, 1, bad)
	}
	return after
}

// discard gives what waits up.
func (p *publisher) discard() {
	for _, q := range p.drain() {
		if q.msg.Withdrawn() {
			q.r.Done(q.i, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		q.r.Done(q.i, driver.Unavailable, driver.ErrClosed)
	}
}

// Close implements driver.Publisher. Only a disconnected server lets it wait.
func (p *publisher) Close(ctx context.Context) error {
	s := p.conn.server
	s.mu.Lock()
	p.closed = true
	healed, down := s.healed, s.down
	gone := p.conn.goneChan()
	s.mu.Unlock()
	if down && p.waiting() {
		select {
		case <-healed:
		case <-gone:
		case <-ctx.Done():
		}
		s.mu.Lock()   // a flush that has begun ends first
		s.mu.Unlock() //nolint:staticcheck // a barrier
	}
	p.discard()
	return nil
}

func (p *publisher) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	return len(p.queue) > 0
}

// report gives all messages from i to n one fate.
func report(r driver.Result, i, n int, fate driver.Fate, err error) {
	for ; i < n; i++ {
		r.Done(i, fate, err)
	}
}

// answer reports n messages from the i-th on, of which bad tells the exceptions, in order.
func answer(r driver.Result, i, n int, bad []failed) {
	for k := range n {
		if len(bad) > 0 && bad[0].i == k {
			r.Done(i+k, bad[0].fate, bad[0].err)
			bad = bad[1:]
			continue
		}
		r.Done(i+k, driver.Stored, nil)
	}
}
