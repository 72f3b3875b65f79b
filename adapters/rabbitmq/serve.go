package rabbitmq

import (
	"context"
	"errors"
	"runtime"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// deliverAtOnce is how many deliveries are taken before settlements are looked at.
const deliverAtOnce = 64

// serving is a tap at work on one hold.
type serving struct {
	*tap
	h          *hold
	timer      *time.Timer
	stopping   <-chan struct{}
	deliveries <-chan amqp.Delivery
	ending     bool             // another member gets the partition
	grace      <-chan time.Time // and this is how long outcomes are waited for
	batch      []*driver.Message
	sents      []int64
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
	case d, ok := <-v.deliveries:
		if !ok {
			return v.ended()
		}
		v.take(&d)
		return nil // and nothing to tell
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

// take decodes a delivery and those that wait behind it, and makes them ready.
func (v *serving) take(d *amqp.Delivery) {
	v.batch, v.sents = v.batch[:0], v.sents[:0]
	v.decode(d)
	for yielded := false; len(v.batch) < deliverAtOnce; {
		select {
		case next, ok := <-v.deliveries:
			if ok {
				v.decode(&next)
				yielded = false
				continue
			}
		default:
			if !yielded { // amqp091 hands over one by one: let it bring the next
				runtime.Gosched()
				yielded = true
				continue
			}
		}
		break
	}
	now := time.Since(v.sub.base).Nanoseconds()
	v.sub.mu.Lock()
	v.h.active = true
	for i, m := range v.batch {
		v.h.add(m, v.sents[i], now)
		if v.sub.stopped {
			v.h.release(m)
			continue
		}
		v.sub.ready = append(v.sub.ready, m)
	}
	v.sub.mu.Unlock()
	clear(v.batch)
	v.sub.hint()
}

// decode appends a delivery to the batch.
func (v *serving) decode(d *amqp.Delivery) {
	m := decode(d)
	m.Source, m.Ref, m.Seq = v.h.source, v.h, d.DeliveryTag
	m.Deliveries = deliveries(d, !v.sub.spec.Broadcast && v.sub.d.cfg.Queue == QueueQuorum)
	spec := &v.sub.spec
	if !spec.Broadcast {
		// Only the broker says through which exchange a message came.
		m.Inbox = d.Exchange == "" || v.sub.ordered() && d.Exchange == slotsExchange(spec.Topic, spec.Group)
	}
	if m.Type == "" && !m.Inbox && d.RoutingKey != "" && matches(spec.Types, d.RoutingKey) {
		m.Type = d.RoutingKey // strangers say the type here; one that is not wanted may be another one than the body's, so it is none
	}
	at := sent(d)
	if at == 0 { // a stranger's begins to age now
		at = time.Now().UnixMilli()
	}
	v.batch, v.sents = append(v.batch, m), append(v.sents, at)
}

// flush tells the broker what is due, and sets the timer for the rest.
func (v *serving) flush(all bool) error {
	v.sub.mu.Lock()
	f, wait := v.h.due(time.Now(), all)
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

// lose ends the epoch: what is held goes back to the broker with the channel.
func (v *serving) lose() {
	v.sub.mu.Lock()
	v.withdraw()
	v.h.gone = true
	v.sub.out -= v.h.out
	v.sub.outBytes -= v.h.outBytes
	v.hold = nil
	v.sub.mu.Unlock()
	v.h.source.Lose()
	v.sub.hint()
}
