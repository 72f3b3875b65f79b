package contest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// publish measures all but the first tenth.
func publish(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	events := NewEvents(t)
	return using(ctx, c, t, events, func(session Session) error {
		warm := max(1, t.N/10)
		if err := publishSome(ctx, session, t, 0, warm); err != nil {
			return err
		}
		var m meter
		m.start()
		err := publishSome(ctx, session, t, warm, warm+t.N)
		m.stop(s)
		return err
	})
}

func publishSome(ctx context.Context, session Session, t *Task, from, to int) error {
	switch t.Work {
	case Pipelined:
		return session.Stream(ctx, from, to)
	case Batch100:
		for i := from; i < to; i += 100 {
			if err := session.Send(ctx, i, min(i+100, to)); err != nil {
				return err
			}
		}
		return nil
	default:
		return call(ctx, session, t.Callers(), from, to)
	}
}

// call publishes event by event from so many goroutines, and returns the first error.
func call(ctx context.Context, session Session, callers, from, to int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var next atomic.Int64
	next.Store(int64(from))
	for range min(callers, to-from) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < to && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := session.Send(ctx, i, i+1); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
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
			err = call(ctx, session, fillers, 0, n)
		}
		return err
	})
}

// fillers is how many goroutines fill where a client can't stream.
const fillers = 64
