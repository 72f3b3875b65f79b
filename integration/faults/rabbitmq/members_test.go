package rabbitmq_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// Row 18: a handler hangs for longer than the broker waits for acks. The channel is closed by the broker, the consumer resumes, the others'
// events go on, and the event comes again when its handler has let go of it.
func TestConsumerTimeout(t *testing.T) {
	b := own(t)
	ctl(t, b, "eval", "application:set_env(rabbit, consumer_timeout, 3000), application:set_env(rabbit, channel_tick_interval, 1000).")
	release := make(chan struct{})
	var hung atomic.Bool
	hang := func(_ context.Context, d *messaging.Delivery) error {
		if d.ID == "k0-5" && hung.CompareAndSwap(false, true) {
			<-release
		}
		return nil
	}
	l := busy(t, b, load.Config{Handle: hang, Options: []messaging.SubscribeOption{messaging.Concurrency(4)}})
	l.Await(100)
	deadline := time.After(2 * time.Minute)
	check := time.NewTicker(50 * time.Millisecond)
	defer check.Stop()
	for len(l.Notices(messaging.Disconnected))+len(l.Notices(messaging.Rebalanced)) == 0 {
		select {
		case <-check.C:
		case <-deadline:
			t.Fatal("the broker's time-out is not told")
		}
	}
	l.Hurt(func() { close(release) })
	l.Recover(10 * time.Second)
	l.Finish()
}

// Row 19: an event that is given back 25 times is still there: quorum queues of RabbitMQ 4 drop at 20 deliveries unless they are told not to.
func TestReleasedOftenIsStillThere(t *testing.T) {
	for _, origin := range []string{"docker", "local"} {
		t.Run(origin, func(t *testing.T) {
			b := own(t, brokers.From(origin))
			cfg, err := rabbitmq.ParseURL(b.URL())
			must(t, err)
			d, err := rabbitmq.New(t.Context(), cfg)
			must(t, err)
			defer func() { must(t, d.Close(context.WithoutCancel(t.Context()))) }()
			spec := driver.Spec{Topic: "orders", Group: "workers", Window: 10, WindowBytes: 1 << 20}
			sub, err := d.Subscribe(t.Context(), spec)
			must(t, err)
			stored := make(result, 1)
			m := &driver.Message{ID: "1", Type: "order.placed", Body: []byte("{}")}
			d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{m}, stored)
			if fate := <-stored; fate != driver.Stored {
				t.Fatalf("publish: %v", fate)
			}
			for range 25 {
				receive(t, sub)
				must(t, sub.Close(t.Context()))
				sub, err = d.Subscribe(t.Context(), spec)
				must(t, err)
			}
			if got := receive(t, sub); got.ID != "1" || got.Deliveries < 2 {
				t.Errorf("got %s, delivery %d", got.ID, got.Deliveries)
			}
			must(t, sub.Close(t.Context()))
		})
	}
}

type result chan driver.Fate

func (r result) Done(_ int, fate driver.Fate, _ error) { r <- fate }

func receive(t *testing.T, sub driver.Subscription) *driver.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	msgs, err := sub.Receive(ctx, 1, 1<<20)
	must(t, err)
	return msgs[0]
}

// Row 20: with order across replicas each partition has one active member. When it is cut off another takes over, and no key's order breaks.
func TestActiveMemberLost(t *testing.T) {
	b := own(t)
	var nets []*network.Network
	topic := matrix.Topic()
	l := load.Start(t, load.Config{
		Topic: topic, Members: 3, Ordered: true, Keys: 24, Work: time.Millisecond,
		Options: []messaging.SubscribeOption{messaging.OrderAcrossReplicas(6)},
		Open: func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
			n := network.New(t)
			nets = append(nets, n)
			return open(ctx, b, n.Dial, opts...)
		},
	})
	l.Await(300)
	for _, n := range nets[1:] {
		l.Hurt(n.Down) // which hurts at once: what the member has in hand begins elsewhere before it has told of its loss
		l.Await(200)   // the others go on
		l.Hurt(n.Up)
		l.Recover(10 * time.Second)
	}
	l.Finish()
}
