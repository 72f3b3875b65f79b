package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lastGrace is how long each of the last steps of closing may take: handlers whose context has ended, the subscription's driver, the
// connection. With the default DrainTimeout the three end within the 30 s after which most platforms kill.
const lastGrace = 1500 * time.Millisecond

// driverGrace is how long a subscription's driver may take where handlers have left as much of the time: a busy broker owes several answers in
// turn, such as the last commit and the leaving of a group.
const driverGrace = 5 * time.Second

// Close drains the subscription: it stops intake, lets running handlers finish with a live context until ctx or Config.DrainTimeout is over,
// then ends their contexts with ErrDraining, settles, and releases the rest, which will be delivered again. Nothing is dead-lettered by it.
// It returns an error that names handlers that still run after that, and what the driver says. It is idempotent, safe at any moment and from
// any goroutine but a handler of this subscription.
func (s *Subscription) Close(ctx context.Context) error {
	s.closer.Do(func() { s.closeErr = s.drain(ctx) })
	return s.closeErr
}

func (s *Subscription) drain(ctx context.Context) error {
	s.endOpening(ErrDraining)
	<-s.opened
	if s.driver == nil {
		return nil // it could not be opened
	}
	handlers, cancel := context.WithTimeout(ctx, s.broker.config.DrainTimeout)
	defer cancel()
	s.stop()
	s.halted.Store(true)
	close(s.scope.draining)
	s.mu.Lock()
	culled := s.lanes.cull(func(*item) bool { return true })
	s.wakeIdle() // batches that wait for more
	s.mu.Unlock()
	s.release(culled)
	s.abandonWaitingMoves()

	if !s.awaitQuiet(handlers) {
		s.interruptAll(ErrDraining)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
		s.awaitQuiet(last)
		cancel()
	}
	s.endMoves()
	s.abandonMoves()
	stuck := s.endWorkers()

	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceWithin(handlers))
	defer cancel()
	err := s.driver.Close(final)
	close(s.done)
	s.clerks.Wait()
	s.broker.ended(s)
	if err != nil {
		err = &Error{Op: "close", Broker: s.broker.name, Topic: s.topic, Err: err}
	}
	return errors.Join(stuck, err)
}

// graceWithin returns how long a driver may take to close: what is left of the time for handlers, but neither less than lastGrace nor more than
// driverGrace.
func graceWithin(handlers context.Context) time.Duration {
	end, _ := handlers.Deadline()
	return min(max(time.Until(end), lastGrace), driverGrace)
}

// stop ends intake. It is idempotent.
func (s *Subscription) stop() {
	s.driver.Stop()
	s.endIntake(ErrDraining)
	s.intake.Wait()
	s.door.Lock()
	s.shut = true
	s.door.Unlock()
}

// awaitQuiet waits until nothing runs and nothing moves, and reports whether that came before ctx ended.
func (s *Subscription) awaitQuiet(ctx context.Context) bool {
	s.mu.Lock()
	if s.quiet == nil {
		s.quiet = make(chan struct{})
	}
	quiet := s.quiet
	s.calm()
	s.mu.Unlock()
	select {
	case <-quiet:
		return true
	case <-ctx.Done():
		return false
	}
}

// interruptAll ends the context of every running handler.
func (s *Subscription) interruptAll(why error) {
	for _, w := range s.workers {
		w.mu.Lock()
		a := w.current
		w.mu.Unlock()
		if a != nil {
			a.interrupt(why)
		}
	}
}

// abandonWaitingMoves gives up the copies that wait for another try.
func (s *Subscription) abandonWaitingMoves() {
	s.abandon(func(m *move) bool { return !m.at.IsZero() })
}

// abandonMoves gives up every copy. One that the driver has taken may still be stored: then the event comes twice, which is explained.
func (s *Subscription) abandonMoves() {
	s.abandon(func(m *move) bool { m.msg.Withdraw(); return true })
}

func (s *Subscription) abandon(which func(*move) bool) {
	var items []*item
	s.mu.Lock()
	for m := range s.moving {
		if which(m) {
			delete(s.moving, m)
			items = append(items, m.it)
		}
	}
	s.calm()
	s.mu.Unlock()
	s.release(items)
}

// endWorkers ends the workers that are idle and names the handlers that hold the others.
func (s *Subscription) endWorkers() error {
	s.mu.Lock()
	s.closing = true
	s.wakeIdle()
	s.mu.Unlock()
	var errs []error
	for _, w := range s.workers {
		w.mu.Lock()
		a, started := w.current, w.started
		w.mu.Unlock()
		if a != nil {
			d := &a.delivery
			errs = append(errs, &Error{Op: "close", Broker: s.broker.name, Topic: s.topic, Err: fmt.Errorf(
				"handler of event %s (%s) still runs after %v", d.ID, d.Type, time.Duration(s.now()-started).Round(time.Millisecond))})
		}
	}
	if errs == nil {
		s.running.Wait()
	}
	return errors.Join(errs...)
}

// wakeIdle wakes every idle worker. s.mu is held.
func (s *Subscription) wakeIdle() {
	for _, w := range s.idle {
		w.wake <- struct{}{}
	}
	s.idle = nil
}
