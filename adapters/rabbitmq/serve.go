package rabbitmq

import (
	"context"
	"errors"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// serving is a tap at work on one hold: it tells the broker what is settled, and sees to the end. What comes goes past it.
type serving struct {
	*tap
	h          *hold
	timer      *time.Timer
	stopping   <-chan struct{}
	deliveries <-chan amqp.Delivery
	ending     bool             // another member gets the partition
	grace      <-chan time.Time // and this is how long outcomes are waited for
}

// serve takes deliveries and tells outcomes until the channel is lost, the subscription is closed, or the partition is given up. The source
// is gone when it returns.
func (t *tap) serve(ctx context.Context, h *hold) error {
	v := &serving{tap: t, h: h, timer: time.NewTimer(time.Hour), stopping: t.sub.stopping, deliveries: h.deliveries}
	defer v.timer.Stop()
	err := v.loop()
	v.lose()
	if errors.Is(err, errShut) || errors.Is(err, errYielded) {
		_ = v.flush(true) // what can't be told any more comes again
	}
	_ = h.ch.Close() // an error means that it is closed
	v.forget()
	h.split.drop(h)
	if err == nil && ctx.Err() != nil {
		err = errShut
	}
	return err
}

func (v *serving) loop() error {
	for {
		err := v.step()
		if err == nil && v.ending && v.inHand() == 0 {
			err = errYielded
		}
		if err != nil {
			return err
		}
	}
}

// step does what comes next, and tells the broker what it settles.
func (v *serving) step() error {
	select {
	case <-v.deliveries:
		return v.ended()
	case <-v.h.settled:
	case <-v.timer.C:
	case <-v.stopping:
		v.stop()
	case <-v.sub.closing:
		return errShut
	case <-v.yield:
		v.give()
	case <-v.grace:
		return errYielded
	case err := <-v.h.closed:
		if err == nil {
			return errChannelClosed
		}
		return err
	}
	return v.flush(v.ending)
}

// ended says why no more deliveries come; nil when that is as it should be.
func (v *serving) ended() error {
	v.deliveries = nil
	select {
	case <-v.sub.stopping:
		return nil
	default:
	}
	select {
	case err := <-v.h.closed:
		if err != nil {
			return err
		}
		return errChannelClosed
	case <-v.h.cancelled:
		return errQueueGone
	}
}

// flush tells the broker what is due, and sets the timer for the rest.
func (v *serving) flush(all bool) error {
	v.sub.mu.Lock()
	f, wait := v.h.due(time.Now(), all)
	v.h.timed, v.h.fresh = wait > 0, 0
	v.sub.mu.Unlock()
	if err := f.write(v.h.ch); err != nil {
		return err
	}
	if f.acks > 0 && v.sub.spec.Settled != nil {
		v.sub.spec.Settled(f.acks)
	}
	if wait > 0 {
		v.timer.Reset(wait)
	}
	return nil
}

// stop ends intake. In a partition the consumer stays, since another member would start behind what is still in hand.
func (v *serving) stop() {
	v.stopping = nil
	if v.sub.ordered() {
		return
	}
	_ = v.h.ch.Cancel(v.h.tag, false) // an error means that the channel is gone
	v.takeBack()
}

// takeBack gives back what was not handed out.
func (v *serving) takeBack() {
	v.sub.mu.Lock()
	defer v.sub.mu.Unlock()
	for _, m := range v.withdraw() {
		v.h.release(m)
	}
}

// withdraw takes this hold's messages from those that are ready. The subscription's lock is held.
func (v *serving) withdraw() (taken []*driver.Message) {
	s := v.sub
	kept := s.ready[:0]
	for _, m := range s.ready[s.head:] {
		if m.Ref == v.h {
			taken = append(taken, m)
		} else {
			kept = append(kept, m)
		}
	}
	clear(s.ready[len(kept):])
	s.ready, s.head = kept, 0
	return taken
}

// give begins to hand the partition over: nothing more starts, and what runs may finish for a while.
func (v *serving) give() {
	if v.ending || !v.sub.ordered() {
		return
	}
	v.ending, v.deliveries = true, nil
	v.sub.mu.Lock()
	v.h.ending = true
	v.withdraw()
	v.sub.mu.Unlock()
	v.h.source.End()
	v.grace = time.After(v.sub.d.cfg.Grace)
	v.sub.tell(driver.Notice{Kind: driver.Rebalanced, Detail: v.queue + " goes to another member"})
}

func (v *serving) inHand() int {
	v.sub.mu.Lock()
	defer v.sub.mu.Unlock()
	return v.h.out
}

// lose ends the epoch: what is held goes back to the broker with the channel, and is this member's until that is closed.
func (v *serving) lose() {
	v.sub.mu.Lock()
	v.withdraw()
	v.h.gone = true
	v.sub.out -= v.h.out
	v.sub.outBytes -= v.h.outBytes
	v.sub.mu.Unlock()
	v.h.source.Lose()
	v.sub.hint()
}

// forget is for when the broker has taken back what was held.
func (v *serving) forget() {
	v.sub.mu.Lock()
	defer v.sub.mu.Unlock()
	v.hold = nil
}
