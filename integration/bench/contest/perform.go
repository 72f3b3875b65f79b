package contest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Perform opens the contestant, lets it do the task's work and measures it. What goes wrong stands in the sample.
func Perform(ctx context.Context, c Contestant, t *Task) Sample {
	s := Sample{Contest: t.Contest, Contestant: c.Profile().Name, N: t.N, Rate: t.Rate}
	work := map[string]func(context.Context, Contestant, *Task, *Sample) error{
		"publish": publish, "consume": consume, "latency": latency, "startup": startup, "reconnect": reconnect,
	}[t.kind()]
	if work == nil {
		s.fail(fmt.Errorf("there is no work %q", t.Work))
		return s
	}
	s.fail(work(ctx, c, t, &s))
	return s
}

// fail notes what went wrong, if anything did.
func (s *Sample) fail(err error) {
	switch {
	case errors.Is(err, ErrCannot):
		s.Cannot = err.Error()
	case err != nil:
		s.Error = err.Error()
	}
}

// using opens the contestant, calls f and closes it.
func using(ctx context.Context, c Contestant, t *Task, events *Events, f func(Session) error) error {
	session, err := c.Open(ctx, t, events)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	err = f(session)
	if closing := session.Close(context.WithoutCancel(ctx)); err == nil && closing != nil {
		return fmt.Errorf("close: %w", closing)
	}
	return err
}

// publish measures all but the beginning: a tenth of the events, or a quarter of the time and an event to each topic.
func publish(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	events := NewEvents(t)
	return using(ctx, c, t, events, func(session Session) error {
		some := func(from int) (int, error) { return publishSome(ctx, session, t, from, t.N) }
		warming := func() (int, error) { return publishSome(ctx, session, t, 0, max(1, t.N/10)) }
		if t.timed() {
			some = func(from int) (int, error) { return publishFor(ctx, session, t, from, t.For) }
			warming = func() (int, error) {
				reached, err := publishSome(ctx, session, t, 0, len(t.AllTopics()))
				if err != nil {
					return reached, err
				}
				return publishFor(ctx, session, t, reached, t.For/4)
			}
		}
		warm, err := warming()
		if err != nil {
			return err
		}
		var m meter
		m.start()
		upTo, err := some(warm)
		m.stop(s)
		s.N = upTo - warm
		return err
	})
}

// publishSome publishes at least n events and returns the first that it has not published.
func publishSome(ctx context.Context, session Session, t *Task, from, n int) (int, error) {
	if t.Work == Pipelined {
		return from + n, session.Stream(ctx, from, from+n)
	}
	return call(ctx, session, t, from, func(i int) bool { return i < from+n })
}

// publishFor publishes for so long and waits for what is on its way. It returns the first event that it has not published.
func publishFor(ctx context.Context, session Session, t *Task, from int, d time.Duration) (int, error) {
	var over atomic.Bool
	defer time.AfterFunc(d, func() { over.Store(true) }).Stop()
	return call(ctx, session, t, from, func(int) bool { return !over.Load() })
}

// call publishes event by event, or in calls of a hundred, from as many goroutines as there are callers, while more allows the next event. It
// returns the first event that it has not published, and the first error.
func call(ctx context.Context, session Session, t *Task, from int, more func(i int) bool) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := t.batch()
	var wg sync.WaitGroup
	var next, done atomic.Int64
	next.Store(int64(from))
	for range t.Callers() {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(int64(size))) - size
				if !more(i) {
					return
				}
				if err := session.Send(ctx, i, i+size); err != nil {
					cancel(err)
				}
				done.Add(int64(size))
			}
		})
	}
	wg.Wait()
	return from + int(done.Load()), context.Cause(ctx)
}

// Fill stores what the task wants stored before the work, through the contestant itself. For Contestant.Prepare.
func Fill(ctx context.Context, c Contestant, t *Task, events *Events) error {
	n := t.Fills()
	if n == 0 {
		return nil
	}
	return using(ctx, c, t, events, func(session Session) error {
		err := session.Stream(ctx, 0, n)
		if errors.Is(err, ErrCannot) {
			filling := *t
			filling.Contest.Work = Publish64
			_, err = call(ctx, session, &filling, 0, func(i int) bool { return i < n })
		}
		return err
	})
}
