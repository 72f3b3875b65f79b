package messaging

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// pick is an item of a batch and the lane that it heads, or stands in behind others of the batch.
type pick struct {
	*item
	lane *lane
}

// gathered is what a worker of a batch handler has in hand. It survives a handler that ends its goroutine.
type gathered struct {
	parts  [][]pick            // still to be called, the next one last
	part   []pick              // being called
	failed map[string]struct{} // keys whose later events must wait
}

// workBatch makes the next call of a batch handler, gathering a batch first if need be. It returns false when the worker should end.
func (w *worker) workBatch(moves context.Context) bool {
	g := &w.batch
	if w.exited {
		w.exited = false
		w.concludeBatch(moves, w.results(g.part), errGoexit)
		return true
	}
	if len(g.parts) == 0 && !w.s.gather(w) {
		return false
	}
	g.part = w.mayRun(g.parts[len(g.parts)-1])
	g.parts = g.parts[:len(g.parts)-1]
	if len(g.part) == 0 {
		return true
	}
	results := w.admit(g.part)
	w.concludeBatch(moves, results, w.callBatch(results))
	return true
}

// mayRun leaves out what must wait because an earlier event of its key has failed; it stays in its lane and comes again.
func (w *worker) mayRun(part []pick) []pick {
	return slices.DeleteFunc(part, func(p pick) bool {
		_, failed := w.batch.failed[p.key]
		return failed && p.key != ""
	})
}

// gather puts back what the worker has finished and takes items until the batch is complete or has waited long enough.
func (s *Subscription) gather(w *worker) bool {
	w.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll(w)
	s.busy--
	for s.lanes.ready.len() == 0 {
		s.calm()
		if s.closing {
			return false
		}
		s.rest(w)
	}
	s.busy++
	o := s.batch.options
	picks := s.pickUp(w, nil, o.Size)
	if len(picks) < o.Size && o.Wait > 0 {
		picks = s.await(w, picks, o)
	}
	for _, l := range w.finished {
		l.gatherer = nil
	}
	w.batch = gathered{parts: [][]pick{picks}, failed: make(map[string]struct{})}
	s.rouse(s.lanes.ready.len())
	return true
}

// await gathers more until the batch is complete or its time is over. s.mu is held, but for the waits.
func (s *Subscription) await(w *worker, picks []pick, o BatchOptions) []pick {
	timer := time.NewTimer(s.patience(picks, o.Wait))
	defer timer.Stop()
	for over := false; len(picks) < o.Size && !over && !s.halted.Load(); {
		s.feed()
		s.idle = append(s.idle, w)
		s.mu.Unlock()
		select {
		case <-w.wake:
			s.mu.Lock()
		case <-timer.C:
			over = true
			s.mu.Lock()
			if i := slices.Index(s.idle, w); i >= 0 {
				s.idle = slices.Delete(s.idle, i, i+1)
			} else {
				<-w.wake // whoever took the worker off the list has sent, or is about to
			}
		}
		picks = s.pickUp(w, picks, o.Size)
		over = over || s.patience(picks, o.Wait) == 0 // one that came later may be older
	}
	return picks
}

// pickUp takes what has come to the lanes it has, then ready lanes, and of the last as many items as fit. s.mu is held.
func (s *Subscription) pickUp(w *worker, picks []pick, size int) []pick {
	for _, l := range w.finished {
		for l.head != nil && len(picks) < size {
			it := l.shift()
			l.follow(it)
			picks = append(picks, pick{it, l})
		}
	}
	for len(picks) < size && s.lanes.ready.len() > 0 {
		l := s.lanes.ready.pop()
		l.batch, l.head, l.tail = l.head, nil, nil
		for it := l.batch; it != nil && len(picks) < size; it = it.next {
			picks = append(picks, pick{it, l})
		}
		l.gatherer = w
		w.finished = append(w.finished, l)
	}
	return picks
}

// results begins a result for each pick.
func (w *worker) results(part []pick) []result {
	results := make([]result, 0, len(part))
	for _, p := range part {
		results = append(results, result{item: p.item, lane: p.lane})
	}
	return results
}

// admit decodes the picks. Those that must not reach the handler have their error already.
func (w *worker) admit(part []pick) []result {
	results := w.results(part)
	for i := range results {
		r := &results[i]
		r.attempt, r.err = w.prepare(r.item)
	}
	return results
}

// callBatch calls the handler with what was admitted.
func (w *worker) callBatch(results []result) (err error) {
	s := w.s
	carrier := &attempt{scope: s.scope, source: results[0].item.msg.Source, batch: true}
	carrier.delivery.Topic, carrier.delivery.Group = s.topic, s.options.group
	var batch []*Delivery
	var sources []*driver.Source
	for i := range results {
		if results[i].err == nil {
			batch = append(batch, &results[i].attempt.delivery)
			carrier.delivery.Type = results[i].attempt.delivery.Type
			sources = append(sources, results[i].item.msg.Source)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	now := s.now()
	if s.options.timeout > 0 {
		carrier.deadline = now + int64(s.options.timeout)
	}
	w.mu.Lock()
	w.sources = sources
	w.mu.Unlock()
	w.begin(carrier, now)
	var told []func(error)
	err = errGoexit
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: stackOf(debug.Stack())}
		}
		for _, f := range told {
			f(err)
		}
	}()
	if hook := s.broker.hooks.Handle; hook != nil {
		for _, d := range batch {
			if _, f := hook(carrier, d); f != nil {
				told = append(told, f)
			}
		}
	}
	return s.batch.f(carrier, batch)
}

// concludeBatch acts on the end of a call: it splits the batch, or concludes each of its items in order.
func (w *worker) concludeBatch(moves context.Context, results []result, err error) {
	var why error
	if a := w.finish(); a != nil {
		why = a.end()
		w.clocked()
	}
	cut := why != nil && !errors.Is(why, ErrHandlerTimeout)
	if !cut && w.split(results, err) {
		return
	}
	var told *BatchError
	errors.As(err, &told)
	g, n := &w.batch, 0
	for i := range results {
		r := &results[i]
		if r.err == nil { // it was in the call
			r.err = verdictOn(told, err, n)
			n++
		}
		if cut {
			r.err = errNotStarted
			if errors.Is(why, ErrRevoked) && r.item.msg.Source.State() == driver.Live {
				continue // another source of the batch was lost: this one comes again from its lane
			}
		}
		if _, waits := g.failed[r.item.key]; waits && r.item.key != "" {
			continue
		}
		if bad := r.err != nil && !errors.Is(r.err, errNotStarted) && !errors.Is(r.err, errSkipped); bad && !w.s.batch.options.Continue {
			g.failed[r.item.key] = struct{}{}
		}
		w.lane = r.lane
		w.s.conclude(moves, w, *r)
	}
	w.lane = nil
}

// verdictOn returns the error for the n-th delivery of a call.
func verdictOn(told *BatchError, err error, n int) error {
	if told != nil {
		return told.Failed[n]
	}
	return err
}

// split divides a batch that failed as a whole, so that what poisons it fails alone, and reports whether it did.
func (w *worker) split(results []result, err error) bool {
	var told *BatchError
	if err == nil || len(results) < 2 || errors.As(err, &told) {
		return false
	}
	if v := VerdictOf(err); v == VerdictSnooze || v == VerdictRelease {
		return false
	}
	half := len(results) / 2
	for _, part := range [][]result{results[half:], results[:half]} {
		w.batch.parts = append(w.batch.parts, picksOf(part))
	}
	return true
}

// picksOf returns what the results are of.
func picksOf(results []result) []pick {
	picks := make([]pick, 0, len(results))
	for i := range results {
		picks = append(picks, pick{results[i].item, results[i].lane})
	}
	return picks
}
