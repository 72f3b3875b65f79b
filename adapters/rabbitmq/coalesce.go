package rabbitmq

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// coalesceLimit is how many bytes may wait for the network before writers wait too.
const coalesceLimit = 1 << 20

// coalescer gathers what is written while a write to the network is under way, so that many frames share one system call and, with TLS,
// one record. It writes at once when the line is idle. An error of the network is latched: every later Write returns it.
//
// A peer that takes nothing for the stall time is given up, but for a broker that has said that it blocks.
type coalescer struct {
	net.Conn
	stall time.Duration

	mu       sync.Mutex
	writable sync.Cond // there is something to flush, or it is over
	drained  sync.Cond // there is room again, or it is over
	buf      []byte
	waiting  bool // the flusher waits for something
	blocked  bool
	edge     edge // of the frames that amqp091 writes
	err      error
	flushed  chan struct{} // closed when the flusher has ended
}

// newCoalescer starts the goroutine that writes; Close ends it and waits for it.
func newCoalescer(conn net.Conn, stall time.Duration) *coalescer {
	c := &coalescer{Conn: conn, stall: stall, flushed: make(chan struct{}), edge: edge{left: len(protocolHeader)}}
	c.writable.L, c.drained.L = &c.mu, &c.mu
	go c.flush()
	return c
}

// Write appends p and returns, or waits for room.
func (c *coalescer) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.buf) > coalesceLimit && c.err == nil {
		c.drained.Wait()
	}
	if c.err != nil {
		return 0, c.err
	}
	c.append(p)
	if c.edge.advance(p) {
		c.drained.Broadcast()
	}
	return len(p), nil
}

// writeFrames appends whole frames, between two of amqp091's, unless their channel is closed by then. It waits for room.
func (c *coalescer) writeFrames(p []byte, closed *atomic.Bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for (len(c.buf) > coalesceLimit || c.edge.inside()) && c.err == nil {
		c.drained.Wait()
	}
	if c.err != nil {
		return c.err
	}
	if closed.Load() {
		return errChannelClosed
	}
	c.append(p)
	return nil
}

// append lets the flusher have p. c.mu is held.
func (c *coalescer) append(p []byte) {
	c.buf = append(c.buf, p...)
	if c.waiting {
		c.writable.Signal()
	}
}

func (c *coalescer) flush() {
	defer close(c.flushed)
	var out []byte
	for {
		c.mu.Lock()
		c.waiting = true
		for len(c.buf) == 0 && c.err == nil {
			c.writable.Wait()
		}
		c.waiting = false
		if c.err != nil {
			c.mu.Unlock()
			return
		}
		out, c.buf = c.buf, out[:0]
		c.watch()
		c.drained.Broadcast()
		c.mu.Unlock()
		if _, err := c.Conn.Write(out); err != nil {
			c.latch(err)
			return
		}
		if cap(out) > 2*coalesceLimit { // one large message must not stay for ever
			out = nil
		}
	}
}

// watch sets the time by which the write must be through. c.mu is held.
func (c *coalescer) watch() {
	var by time.Time
	if !c.blocked && c.stall > 0 {
		by = time.Now().Add(c.stall)
	}
	_ = c.SetWriteDeadline(by) // a conn that can't is one that has failed, and says so at the write
}

// setBlocked tells whether the broker has said that it reads nothing for now, which is no stall.
func (c *coalescer) setBlocked(blocked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = blocked
	c.watch()
}

func (c *coalescer) latch(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.writable.Broadcast()
	c.drained.Broadcast()
	c.mu.Unlock()
	_ = c.Conn.Close() // the reader must see it too
}

// Close closes the connection at once, whatever waits, and returns when the goroutine has ended.
func (c *coalescer) Close() error {
	c.latch(net.ErrClosed)
	<-c.flushed
	return nil
}
