package messaging

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// runMost is the most lanes that a worker takes at once. It bounds how many acks wait for the end of a run.
const runMost = 32

// quickHandler is how fast a lane must be, on average over a run, for the worker to take more than one at once: then the lock costs more
// than the handler.
const quickHandler = 20 * time.Microsecond

// worker is one goroutine that runs handlers. What it has taken and not started others may steal, so that a slow handler delays nobody.
type worker struct {
	s    *Subscription
	wake chan struct{} // capacity 1: whoever takes the worker off the idle list sends once

	// Its own goroutine's.
	lane     *lane
	finished []*lane
	quick    bool
	clock    int64 // when its last handler ended, since Subscription.base; 0 when it has rested since
	exited   bool  // the handler ended its goroutine
	ended    bool

	item  *item
	buf   [runMost]*lane
	batch gathered // for batch handlers

	mu       sync.Mutex
	run      []*lane // taken, not started; a part of buf
	outcomes []driver.Outcome
	bytes    int
	handled  int
	current  *attempt
	sources  []*driver.Source // of the batch that is being handled
	started  int64            // since Subscription.base
	stuck    int64            // when it is next reported as stuck; 0 before its time-out
	warned   bool             // it was reported for holding its event too long
}

// work runs until the subscription closes. A handler that calls runtime.Goexit ends the goroutine, and the next goes on where it was.
func (w *worker) work(moves context.Context) {
	defer func() {
		if w.ended {
			w.s.running.Done()
			return
		}
		w.exited = true
		go w.work(moves)
	}()
	for w.s.batch != nil {
		if !w.workBatch(moves) {
			w.ended = true
			return
		}
	}
	for {
		if w.item == nil && !w.advance() {
			w.ended = true
			return
		}
		w.step(moves)
	}
}

// advance goes to the next item: of this lane, of the lanes taken, of those that are ready; it waits when there is none. It returns false
// when the worker should end.
func (w *worker) advance() bool {
	for {
		if w.lane == nil {
			w.lane = w.next()
		}
		if w.lane == nil {
			if !w.s.refill(w) {
				return false
			}
			continue
		}
		if it := w.lane.batch; it != nil && w.lane.until.IsZero() {
			w.item = it
			return true
		}
		w.finished = append(w.finished, w.lane)
		w.lane = nil
	}
}

// next takes the next lane of the run.
func (w *worker) next() *lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.run) == 0 {
		return nil
	}
	l := w.run[0]
	w.run = w.run[1:]
	return l
}

// refill settles what the worker has finished, puts its lanes back and takes a new run, waiting for one if need be.
func (s *Subscription) refill(w *worker) bool {
	w.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll(w)
	s.busy--
	for {
		if s.deal(w) || s.steal(w) {
			s.busy++
			return true
		}
		s.calm()
		if s.closing {
			return false
		}
		s.rest(w)
	}
}

// rest waits, idle, until somebody wakes the worker. s.mu is held, but for the wait.
func (s *Subscription) rest(w *worker) {
	w.clock = 0
	s.feed()
	s.idle = append(s.idle, w)
	s.mu.Unlock()
	<-w.wake
	s.mu.Lock()
}

// retireAll puts back the lanes that the worker has finished. s.mu is held.
func (s *Subscription) retireAll(w *worker) {
	for i, l := range w.finished {
		if s.halted.Load() {
			l.until = time.Time{} // waits are over: what is left is released
		}
		s.lanes.retire(l)
		w.finished[i] = nil
	}
	w.finished = w.finished[:0]
	if len(s.lanes.waiting) > 0 {
		s.arm(s.since(s.lanes.waiting[0].until))
	}
}

// deal gives the worker ready lanes. s.mu is held.
func (s *Subscription) deal(w *worker) bool {
	n := s.lanes.ready.len()
	if n == 0 {
		return false
	}
	k := 1
	if w.quick {
		k = min(max(n/2, 1), runMost)
	}
	w.mu.Lock()
	w.run = w.buf[:0]
	for range k {
		l := s.lanes.ready.pop()
		l.batch, l.head, l.tail = l.head, nil, nil
		w.run = append(w.run, l)
	}
	w.mu.Unlock()
	s.rouse(s.lanes.ready.len())
	return true
}

// steal takes half of what another worker has taken and not started. s.mu is held.
func (s *Subscription) steal(w *worker) bool {
	for _, victim := range s.workers {
		if victim == w {
			continue
		}
		victim.mu.Lock()
		n := len(victim.run)
		if n == 0 {
			victim.mu.Unlock()
			continue
		}
		keep := n / 2
		stolen := w.buf[:copy(w.buf[:], victim.run[keep:])] // w has nothing taken, so its buf is free
		victim.run = victim.run[:keep]
		victim.mu.Unlock()
		w.mu.Lock()
		w.run = stolen
		w.mu.Unlock()
		return true
	}
	return false
}

// calm tells whoever waits for it that nothing runs and nothing moves. s.mu is held.
func (s *Subscription) calm() {
	if s.quiet != nil && s.busy == 0 && len(s.moving) == 0 {
		close(s.quiet)
		s.quiet = nil
	}
}

// flush hands the worker's outcomes to the driver.
func (w *worker) flush() {
	w.mu.Lock()
	outcomes, bytes, handled := w.outcomes, w.bytes, w.handled
	w.outcomes, w.bytes, w.handled = nil, 0, 0
	w.mu.Unlock()
	if handled > 0 {
		w.s.broker.stats.handled.Add(int64(handled))
	}
	w.s.settle(outcomes, bytes)
	if outcomes != nil {
		w.mu.Lock()
		if w.outcomes == nil {
			clear(outcomes)
			w.outcomes = outcomes[:0]
		}
		w.mu.Unlock()
	}
}

// step makes one attempt at the current item and acts on its result.
func (w *worker) step(moves context.Context) {
	it := w.item
	err := errGoexit
	if !w.exited {
		err = w.try(it)
	}
	w.exited = false
	a := w.current // only this goroutine writes it
	var why error
	if a != nil {
		why = a.end()
		w.clocked()
	}
	if err != nil || why != nil {
		w.finish()
	} // else conclude does it under the lock that it needs anyway
	w.s.conclude(moves, w, result{item: it, lane: w.lane, attempt: a, err: err, interrupted: why})
	w.item = nil
}

// clocked reads the clock at the end of a handler, for the next to begin with, and learns whether handlers are quick.
func (w *worker) clocked() {
	w.clock = w.s.now()
	w.quick = w.clock-w.started < int64(quickHandler)
	if w.s.slow.Load() == w.quick {
		w.s.slow.Store(!w.quick)
	}
}

// finish takes the attempt off the worker.
func (w *worker) finish() *attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.current
	w.current, w.sources = nil, nil
	return a
}

// try runs the handler once, unless the item must not reach it.
func (w *worker) try(it *item) error {
	a, err := w.prepare(it)
	if a == nil {
		return err
	}
	now := w.clock
	if now == 0 {
		now = w.s.now()
	}
	if w.s.options.timeout > 0 {
		a.deadline = now + int64(w.s.options.timeout)
	}
	w.begin(a, now)
	if err != nil {
		return err
	}
	return w.call(a)
}

// prepare decodes the item for an attempt. The attempt is nil when the item may not start now; an error says why the handler must not see it.
func (w *worker) prepare(it *item) (*attempt, error) {
	s := w.s
	if s.halted.Load() || it.msg.Source.State() != driver.Live {
		return nil, errNotStarted
	}
	a, err := it.attempt, it.broken
	it.attempt, it.broken = nil, nil
	if a == nil {
		a, err = s.newAttempt(it)
	}
	if err != nil {
		return a, refused(ReasonMalformed, err)
	}
	return a, s.admissible(it, a)
}

// begin makes the attempt known to the clerk, who ends it when it takes too long and flushes the acks behind it.
func (w *worker) begin(a *attempt, now int64) {
	s := w.s
	due := never
	w.mu.Lock()
	w.current, w.started, w.stuck, w.warned = a, now, 0, false
	if s.options.timeout > 0 {
		due = now + int64(s.options.timeout)
	}
	if len(w.outcomes) > 0 {
		due = min(due, now+int64(flushAfter))
	}
	w.mu.Unlock()
	s.arm(due)
}

// call runs the handler and turns a panic into an error. When the handler calls runtime.Goexit, it does not return.
func (w *worker) call(a *attempt) (err error) {
	s := w.s
	ctx, d := context.Context(a), &a.delivery
	var told func(error)
	err = errGoexit // what told sees when the handler ends its goroutine
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: stackOf(debug.Stack())}
		}
		if told != nil {
			told(err)
		}
	}()
	if hook := s.broker.hooks.Handle; hook != nil {
		ctx, told = hook(ctx, d)
	}
	return s.handler.Handle(ctx, d)
}

// panicError is a handler's panic as an error.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.value) }

// Unwrap returns the panic's value when it was an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// stackLimit is how much of a stack a dead letter keeps.
const stackLimit = 8 << 10

func stackOf(stack []byte) string {
	return string(stack[:min(len(stack), stackLimit)])
}

var (
	errGoexit     = errors.New("handler called runtime.Goexit")
	errNotStarted = errors.New("not started")
	errSkipped    = errors.New("not in the filter")
	errNoRoute    = errors.New("no handler for this type")
)
