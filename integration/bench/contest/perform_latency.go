package contest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// latency publishes at a steady rate and measures from when each event was due to when its handler has it, so that a client that falls
// behind can't hide it. With no rate it publishes as fast as 64 callers can, and the sample's rate is what came through.
func latency(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	events := NewEvents(t)
	total := t.N + t.N/10 + 1
	took := make([]time.Duration, total)
	var handled atomic.Int64
	ended := make(chan struct{})
	var m meter
	spec := Consumption{Group: t.AllGroups()[0], Workers: 1, Handle: func(body []byte) error {
		late := time.Since(Stamp(body))
		switch n := int(handled.Add(1)); {
		case n == total-t.N:
			m.start()
		case n == total:
			took[n-1] = late
			m.stop(s)
			close(ended)
		case n < total:
			took[n-1] = late
		}
		return nil
	}}
	return using(ctx, c, t, events, func(session Session) error {
		reader := start(ctx, session, spec)
		err := awaitReady(ctx, reader)
		if err == nil {
			err = pace(ctx, session, t, events, total)
		}
		if err == nil {
			err = await(ctx, ended, []*consumer{reader}, func() string { return fmt.Sprintf("%d of %d events were handled", handled.Load(), total) })
		}
		if err != nil {
			_ = reader.end()
			return err
		}
		s.quantiles(took[total-t.N:])
		if t.Rate == 0 {
			s.Rate = s.PerSecond()
		}
		return reader.end()
	})
}

// awaitReady waits until the group is joined.
func awaitReady(ctx context.Context, c *consumer) error {
	select {
	case <-c.ready:
		return nil
	case err := <-c.done:
		c.done <- nil
		if errors.Is(err, ErrCannot) {
			return err
		}
		return fmt.Errorf("consuming ended before it began: %w", err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tick is the grain of the pace.
const tick = time.Millisecond

// pace publishes n events at the task's rate from as many goroutines as there are callers.
func pace(ctx context.Context, session Session, t *Task, events *Events, n int) error {
	stamps := make([]atomic.Int64, n)
	events.Make(func(i int) []byte {
		due := time.Now()
		if ns := stamps[i].Load(); ns != 0 {
			due = time.Unix(0, ns)
		}
		return Body(t.Params.Size, i, due)
	})
	if t.Rate <= 0 {
		_, err := call(ctx, session, t, 0, func(i int) bool { return i < n })
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	due := make(chan int)
	var wg sync.WaitGroup
	for range t.Callers() {
		wg.Go(func() {
			for i := range due {
				if err := session.Send(ctx, i, i+1); err != nil {
					cancel(err)
				}
			}
		})
	}
	offer(ctx, due, stamps, t.Rate)
	close(due)
	wg.Wait()
	return context.Cause(ctx)
}

// offer hands out each event when it is due, or as soon after as somebody takes it.
func offer(ctx context.Context, due chan<- int, stamps []atomic.Int64, rate float64) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began := time.Now()
	for i := range stamps {
		at := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		for time.Until(at) > 0 && ctx.Err() == nil {
			<-ticker.C
		}
		stamps[i].Store(at.UnixNano())
		select {
		case due <- i:
		case <-ctx.Done():
			return
		}
	}
}
