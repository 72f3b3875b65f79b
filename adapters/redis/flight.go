package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

var errUnasked = errors.New("the server says what nobody has asked for")

// flight is a caster's connection and what is on its way on it. A reader stands in the connection's read, so that an answer wakes nobody but it
// and the one whose message was published, and a cut is seen though nothing is published. While one caller after the other publishes alone and
// waits for it, the reader rests, and they read for themselves: an answer wakes one goroutine then, and not two.
type flight struct {
	feed  *feed // reads belong to the reader, or while it rests to a caller; writes to the turn
	wire  *wire
	ended chan struct{} // closed when the reader has ended

	mu      sync.Mutex
	out     []sendqueue.Entry // written, or being written, and not answered; the turn's until the first answer, then the reader's
	flying  bool              // there are some, or their answers are being read
	writing bool              // the writer has not come back yet
	broken  bool              // nothing can be written any more
	cause   error             // what the writer met
	since   time.Time         // when writing began
	late    []sendqueue.Entry // stored, which the writer shall tell
	watched bool              // the connection has a read deadline, and not after the next one that is needed
	alone   int               // how many messages in turn went alone, of callers that wait
	resting bool              // the reader waits for rouse
	patient time.Time         // the read deadline, where a caller has set it
	rouse   chan struct{}     // of capacity 1: what ends a rest
}

// newFlight takes a connection that is logged in.
func newFlight(f *feed) (*flight, error) {
	if err := f.conn.SetDeadline(time.Time{}); err != nil {
		f.close()
		return nil, err
	}
	return &flight{feed: f, wire: wireOf(f.conn), ended: make(chan struct{}), rouse: make(chan struct{}, 1)}, nil
}

// wireOf returns what a connection that wires has made is in the end.
func wireOf(c net.Conn) *wire {
	switch c := c.(type) {
	case *wire:
		return c
	case *wireWithFile:
		return c.wire
	case *tls.Conn:
		return wireOf(c.NetConn())
	default:
		return nil
	}
}

// stands reports whether the connection is not known to be cut.
func (f *flight) stands() bool {
	f.mu.Lock()
	broken := f.broken
	f.mu.Unlock()
	return !broken && (f.wire == nil || f.wire.standsBesideReader())
}

// depart notes that these are about to be written, and ok is false where that can't be. The turn is held, so that nothing else is on its way.
// waits tells that it is one message, whose caller waits; reads, that this one must read the answer.
func (f *flight) depart(sent []sendqueue.Entry, waits bool) (ok, reads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return false, false
	}
	f.out = append(f.out, sent...)
	f.flying, f.writing, f.since = true, true, time.Now()
	if !waits {
		f.alone = 0
		f.wake()
	} else {
		f.alone++
	}
	if f.resting {
		f.endure()
		return true, true
	}
	if !f.watched { // most of the time an earlier one stands, and the reader moves it on when it is reached
		f.watched = true
		_ = f.feed.conn.SetReadDeadline(f.since.Add(f.feed.within)) // fails where the reader fails, too
	}
	return true, false
}

// end ends the connection, and the reader with it. The turn is held.
func (f *flight) end() {
	f.feed.close()
	f.mu.Lock()
	f.broken = true
	f.wake()
	f.mu.Unlock()
	<-f.ended
}

// written is told what came of writing, and reports whether the turn is the reader's now; else all is answered already, and late are the fates
// that are left to the writer.
func (f *flight) written(err error) (gone bool, late []sendqueue.Entry) {
	f.mu.Lock()
	f.writing = false
	if err != nil && f.cause == nil {
		f.cause = err
	}
	gone = f.flying
	late, f.late = f.late, nil
	f.mu.Unlock()
	if err != nil {
		f.feed.close() // the reader tells the fates
	}
	return gone, late
}

// wait returns the next answer. It waits for ever while nothing is on its way.
func (f *flight) wait() ([]byte, error) {
	for {
		raw, err := f.feed.next(untimed)
		var timeout net.Error
		if err == nil || !errors.As(err, &timeout) || !timeout.Timeout() || !f.early() {
			return raw, err
		}
	}
}

// early moves a read deadline on that was reached before the answer is late, and reports whether it was such a one.
func (f *flight) early() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var next time.Time
	if f.flying {
		if next = f.since.Add(f.feed.within); !next.After(time.Now()) {
			return false
		}
	}
	f.watched, f.patient = f.flying, time.Time{}
	return f.feed.conn.SetReadDeadline(next) == nil
}

// arrive returns what is on its way, at its first answer. It is the reader's until the next call.
func (f *flight) arrive(spare []sendqueue.Entry) []sendqueue.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.out
	f.out = spare[:0]
	if len(out) > 1 { // the reads for the others set deadlines
		f.watched, f.patient = true, time.Time{}
	}
	return out
}

// landed notes that all is answered, and reports whether the turn is the reader's; else the writer will find that, and tell the last fates: told
// before the turn is free, the caller could not go straight with its next message.
func (f *flight) landed(stored []sendqueue.Entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flying = false
	if f.writing {
		f.late = slices.Clone(stored)
	}
	return !f.writing
}

// crash ends the connection, and returns what is lost of what was on its way, whether the turn is the reader's, and why.
func (f *flight) crash(rest []sendqueue.Entry, err error) (lost []sendqueue.Entry, turn bool, why error) {
	f.feed.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
	f.wake()
	if f.cause != nil {
		err = f.cause
	}
	lost = slices.Concat(rest, f.out)
	f.out = nil
	turn = f.flying && !f.writing
	f.flying = false
	return lost, turn, err
}

// listen reads answers and tells fates until the connection ends.
func (c *caster) listen(f *flight) {
	defer close(f.ended)
	var out []sendqueue.Entry
	for f.rest() {
		raw, err := f.wait()
		out = f.arrive(out)
		if err == nil && len(out) == 0 {
			err = errUnasked
		}
		told := 0
		if err == nil {
			told, err = c.land(f, raw, out)
		}
		if err != nil {
			c.lose(f, out[told:], err)
			return
		}
		clear(out)
	}
}

// land reads the answers to what is on its way, the first of which is there, and returns how many fates it has told. Fates of answers that
// came together are told together.
func (c *caster) land(f *flight, raw []byte, out []sendqueue.Entry) (told int, err error) {
	for i := range out {
		if i > 0 {
			if !f.feed.holds() {
				sendqueue.DoneAll(out[told:i], driver.Stored, nil)
				told = i
			}
			if raw, err = f.feed.next(f.feed.within); err != nil {
				return told, err
			}
		}
		fate, why, err := c.verdict(&out[i], raw)
		if err != nil {
			sendqueue.DoneAll(out[told:i], driver.Stored, nil)
			return i, err
		}
		if fate != driver.Stored {
			sendqueue.DoneAll(out[told:i], driver.Stored, nil)
			out[i].Done(fate, why)
			told = i + 1
		}
	}
	if f.feed.from < f.feed.to { // it must not be taken for the answer to what is written next
		sendqueue.DoneAll(out[told:], driver.Stored, nil)
		return len(out), errUnasked
	}
	c.goOn(f, out[told:])
	return len(out), nil
}

// goOn tells the last fates, and writes what waits or gives the turn back. Where nothing waits it gives it back first: so the next message of
// the caller that is told goes straight, too.
func (c *caster) goOn(f *flight, stored []sendqueue.Entry) {
	if !f.landed(stored) {
		return
	}
	waits := c.l.queue.Len() > 0
	if !waits {
		c.free()
	}
	sendqueue.DoneAll(stored, driver.Stored, nil)
	if !waits {
		return
	}
	online, _, _ := c.l.d.link.state()
	if !online || !f.stands() || !c.more(context.Background(), writerReader) {
		c.free() // for the line's goroutine
	}
}

// lose tells the fates of messages whose answers will not come.
func (c *caster) lose(f *flight, rest []sendqueue.Entry, err error) {
	lost, turn, err := f.crash(rest, err)
	if len(lost) > 0 {
		c.l.d.link.trouble(err)
	}
	for i := range lost {
		lost[i].Done(driver.Unconfirmed, fail("publish", lost[i].To.Topic, err))
	}
	if turn {
		c.free()
	}
}

// verdict reads an answer. It fails where that is not one to the command: what comes after it says nothing either.
func (c *caster) verdict(e *sendqueue.Entry, raw []byte) (fate driver.Fate, why, err error) {
	if err := asError(raw); err != nil {
		c.l.d.link.trouble(err)
		fate, err := fateOf(err)
		return fate, fail("publish", e.To.Topic, err), nil
	}
	if !c.l.d.cfg.PubSub {
		return c.l.added(e, raw)
	}
	heard, ok := integer(raw)
	switch {
	case !ok:
		return 0, nil, errReply
	case heard == 0 && e.To.Unrouted == driver.Refuse:
		return driver.Unroutable, errNobody, nil
	default:
		return driver.Stored, nil, nil
	}
}

// integer reads an answer that is a number.
func integer(raw []byte) (n int, ok bool) {
	if len(raw) < 4 || raw[0] != ':' {
		return 0, false
	}
	for _, c := range raw[1 : len(raw)-2] {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, _, err := length(raw, 0)
	return n, err == nil
}
