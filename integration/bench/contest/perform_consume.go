package contest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// workTime is how long the handlers of Ordered take.
const workTime = time.Millisecond

// The handler of Retried fails the events of these numbers, modulo a hundred: one in ten at the first attempt, and one in a hundred always.
const (
	onceOf, always = 10, 7
	retries        = 3
)

var errHandler = errors.New("the handler fails this event")

// consume measures from the first event that is handled to the last. Where there are several groups each handles every event, and what counts is what
// is handled from the moment on at which all of them have begun: joining is no part of it.
func consume(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	events := NewEvents(t)
	groups := t.AllGroups()
	total := int64(t.N * len(groups))
	var m meter
	var finished atomic.Int64
	ended := make(chan struct{})
	var before int64
	line := startLine{left: len(groups), start: func() { before = finished.Load(); m.start() }}
	one := func() {
		if finished.Add(1) == total {
			s.N = int(total-before) - 1
			m.stop(s)
			close(ended)
		}
	}
	if t.N < 2 {
		return fmt.Errorf("%d events are too few to measure", t.N)
	}
	return using(ctx, c, t, events, func(session Session) error {
		var all []*consumer
		for _, group := range groups {
			spec := handling(t, group, line.arrive(), one)
			all = append(all, start(ctx, session, spec))
		}
		err := await(ctx, ended, all, func() string { return fmt.Sprintf("%d of %d events were handled", finished.Load(), total) })
		for _, c := range all {
			err = errors.Join(err, c.end())
		}
		return err
	})
}

// startLine is what groups pass as they begin.
type startLine struct {
	mu    sync.Mutex
	left  int
	start func() // called when the last one has come
}

// arrive returns what a group's handlers call before anything else.
func (l *startLine) arrive() func() {
	var first sync.Once
	return func() {
		first.Do(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.left--; l.left == 0 {
				l.start()
			}
		})
	}
}

// handling is what the work does with each event.
func handling(t *Task, group string, begin, one func()) Consumption {
	c := Consumption{Group: group, Workers: t.Workers()}
	switch t.Work {
	case Ordered:
		c.Handle = func([]byte) error {
			begin()
			time.Sleep(workTime)
			one()
			return nil
		}
	case Retried:
		tried := make([]atomic.Int32, t.N)
		c.Retries, c.Dead = retries, one
		c.Handle = func(body []byte) error { begin(); return moody(tried, Number(body), one) }
	default:
		c.Handle = func([]byte) error {
			begin()
			one()
			return nil
		}
	}
	return c
}

// moody fails some events. What is dead is finished when the dead letter is stored.
func moody(tried []atomic.Int32, i int, one func()) error {
	if i < 0 || i >= len(tried) {
		return nil // an event of an earlier task
	}
	attempt := tried[i].Add(1)
	if i%100 == always || (i%onceOf == 0 && attempt == 1) {
		return errHandler
	}
	one()
	return nil
}

// consumer is a Consume that runs.
type consumer struct {
	stop  context.CancelFunc
	ready chan struct{}
	done  chan error
}

func start(ctx context.Context, session Session, spec Consumption) *consumer {
	ctx, stop := context.WithCancel(ctx)
	c := &consumer{stop: stop, ready: make(chan struct{}), done: make(chan error, 1)}
	go func() { // end waits for it
		c.done <- session.Consume(ctx, spec, sync.OnceFunc(func() { close(c.ready) }))
	}()
	return c
}

// end stops it and waits.
func (c *consumer) end() error {
	c.stop()
	return <-c.done
}

// await waits until ended is closed, a consumer has failed, or ctx ends.
func await(ctx context.Context, ended <-chan struct{}, all []*consumer, state func() string) error {
	for _, c := range all {
		select {
		case <-ended:
			return nil
		case err := <-c.done:
			c.done <- nil // for end
			if err == nil {
				err = errors.New("consuming ended by itself")
			}
			if errors.Is(err, ErrCannot) {
				return err
			}
			return fmt.Errorf("%w; %s", err, state())
		case <-ctx.Done():
			return fmt.Errorf("%w; %s", context.Cause(ctx), state())
		}
	}
	return nil
}
