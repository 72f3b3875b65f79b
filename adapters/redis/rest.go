package redis

import (
	"errors"
	"net"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
)

const (
	// restAfter is how many messages must have gone alone for the reader to rest.
	restAfter = 16
	// callerPatience is for how long a caller reads, within a factor of two: the deadline is not set anew each time. Then the reader takes over.
	callerPatience = 10 * time.Millisecond
)

// wake ends the reader's rest. f.mu is held.
func (f *flight) wake() {
	if f.resting {
		f.resting = false
		f.rouse <- struct{}{}
	}
}

// rest lets the reader rest for as long as callers read, and returns false when the connection is at its end.
func (f *flight) rest() bool {
	f.mu.Lock()
	f.resting = f.alone >= restAfter && !f.flying && !f.broken
	rests := f.resting
	f.mu.Unlock()
	if rests {
		<-f.rouse
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.broken
}

// endure sets the deadline of a caller's read, unless the latest one will do. f.mu is held.
func (f *flight) endure() {
	if f.patient.Sub(f.since) > callerPatience/2 {
		return
	}
	f.patient, f.watched = f.since.Add(callerPatience), true
	_ = f.feed.conn.SetReadDeadline(f.patient) // fails where the read fails, too
}

// own returns what is on its way, at its answer, to its caller.
func (f *flight) own() sendqueue.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.out[0]
	clear(f.out)
	f.out = f.out[:0]
	return e
}

// handOver leaves it to the reader to go on reading.
func (f *flight) handOver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alone = 0
	f.wake()
}

// listenOnce reads the answer to a caller's own message, or leaves that to the reader where it takes long.
func (c *caster) listenOnce(f *flight) {
	raw, err := f.feed.next(untimed)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		f.handOver()
		return
	}
	out := [1]sendqueue.Entry{f.own()}
	told := 0
	if err == nil {
		told, err = c.land(f, raw, out[:])
	}
	if err != nil {
		c.lose(f, out[told:], err)
	}
}
