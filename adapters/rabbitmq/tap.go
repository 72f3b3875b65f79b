package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

var (
	errShut    = errors.New("the subscription is closed")
	errYielded = errors.New("the partition goes to another member")
)

// tap reads one queue over one channel at a time, for as long as the subscription lives. Its goroutine is the only one that writes to the
// channel.
type tap struct {
	sub    *subscription
	queue  string
	opened chan error    // receives once, when it has opened for the first time or can't
	yield  chan struct{} // asks it to let another member have the partition
	hold   *hold         // guarded by the subscription's lock; nil while there is none
	began  bool
	gone   bool // its queue was gone, and is not open again: it may have been made, and lack its bindings
}

func newTap(s *subscription, queue string) *tap {
	return &tap{sub: s, queue: queue, opened: make(chan error, 1), yield: make(chan struct{}, 1)}
}

// run opens and opens again until the subscription is closed. A refusal at the first opening ends it; later ones are tried again, since
// somebody may set right what he has changed.
func (t *tap) run(ctx context.Context) {
	pauses := backoff.New(pauseLeast, pauseMost)
	for {
		l, err := t.sub.d.consuming.await(ctx)
		if err != nil {
			return
		}
		h, err := t.open(ctx, l)
		if err == nil {
			began := time.Now()
			t.first(nil)
			err = t.serve(ctx, h)
			if errors.Is(err, errShut) {
				return
			}
			if time.Since(began) > healthy || errors.Is(err, errYielded) {
				pauses.Reset()
			}
		} else if refusal(err) && !t.began {
			t.first(err)
			return
		}
		if errors.Is(err, errYielded) {
			continue
		}
		if t.began && ctx.Err() == nil {
			t.sub.tell(driver.Notice{Kind: driver.Disconnected, Err: fail("consume", t.sub.spec.Topic, explain(err))})
		}
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// first answers Subscribe; later openings are told as notices.
func (t *tap) first(err error) {
	if !t.began {
		t.began = err == nil
		t.opened <- err
		return
	}
	t.sub.tell(driver.Notice{Kind: driver.Connected})
}

// open consumes over a new channel.
func (t *tap) open(ctx context.Context, l *link) (*hold, error) {
	if err := t.ensure(ctx, l); err != nil {
		return nil, err
	}
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, err
	}
	h := &hold{
		tap: t, ch: ch, prefetch: t.sub.prefetch(), tag: rand.Text(), settled: make(chan struct{}, 1),
		closed: ch.NotifyClose(make(chan *amqp.Error, 1)), cancelled: ch.NotifyCancel(make(chan string, 1)),
		counts: !t.sub.spec.Broadcast && t.sub.d.cfg.Queue == QueueQuorum, split: l.split,
	}
	if t.sub.ordered() {
		h.inbox = slotsExchange(t.sub.spec.Topic, t.sub.spec.Group)
	}
	queue := t.queue
	if t.sub.spec.Broadcast {
		queue = driver.Name(kindReader, t.sub.spec.Topic, "", h.tag)
		if err := t.declareReader(ch, queue); err != nil {
			_ = ch.Close()
			return nil, err
		}
	}
	h.source = driver.NewSource(queue)
	l.split.take(h)
	err = ch.Qos(h.prefetch, 0, false)
	if err == nil {
		h.deliveries, err = ch.Consume(queue, h.tag, false, false, false, false, nil)
	}
	if err != nil {
		l.split.drop(h)
		_ = ch.Close()
		return nil, err
	}
	t.sub.mu.Lock()
	t.hold = h
	t.sub.mu.Unlock()
	t.gone = false
	if t.sub.spec.Broadcast && t.began {
		t.sub.tell(gapNotice(queue))
	}
	return h, nil
}

// ensure declares again what may have been deleted meanwhile. Who finds it gone tells so before the queue is there again: afterwards nobody
// else could see it, and this process may end at any moment.
func (t *tap) ensure(ctx context.Context, l *link) error {
	if !t.began || t.sub.d.cfg.Declare != DeclareCreate {
		return nil
	}
	k := &desk{link: l}
	defer k.close()
	if t.sub.spec.Broadcast {
		return t.sub.d.declareTopic(ctx, k, &t.sub.d.cfg, t.sub.spec.Topic, false)
	}
	_, there, err := k.look(t.queue)
	if err != nil || there && !t.gone { // one that was made again and is not open yet may lack its bindings
		return err
	}
	if !t.gone {
		t.gone = true
		t.sub.tell(gapNotice(t.queue))
	}
	spec := &t.sub.spec
	return steps(
		func() error { return t.sub.d.declareTopic(ctx, k, &t.sub.d.cfg, spec.Topic, false) },
		func() error {
			return k.declareGroup(&t.sub.d.cfg, spec.Topic, spec.Group, spec.Types, t.sub.partitions)
		},
	)
}

// declareReader makes a queue that lives as long as its channel. It is reached through an exchange that lives as long as the topic has
// readers, which hands on to the groups' exchange what no reader wants, as the topic's own exchange would.
func (t *tap) declareReader(ch *amqp.Channel, queue string) error {
	topic, cfg := t.sub.spec.Topic, &t.sub.d.cfg
	readers := readersExchange(topic)
	err := steps(
		func() error {
			return ch.ExchangeDeclare(readers, cfg.Exchange, true, true, false, false, alternate(groupsExchange(topic)))
		},
		func() error {
			_, err := ch.QueueDeclare(queue, false, true, true, false, amqp.Table{"x-queue-type": "classic"})
			return err
		},
		func() error {
			return bindTypes(cfg, t.sub.spec.Types, func(key string) error {
				return steps(
					func() error { return ch.QueueBind(queue, key, readers, false, nil) },
					func() error { return ch.ExchangeBind(readers, key, topic, false, nil) },
				)
			})
		},
	)
	if code(err) == amqp.NotFound && strings.Contains(err.Error(), readers) {
		return fmt.Errorf("%w: the last reader of %s left in between", errChannelClosed, topic) // and is tried again
	}
	return err
}
