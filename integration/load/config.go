package load

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// Config says what runs. Only Open and Topic are required.
type Config struct {
	// Open opens a broker with a connection of its own: once for the publishers, and once for each member. It is given the options that
	// the load needs.
	Open func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error)
	// Topic is what is published to; Spec is what it should be, its name aside.
	Topic string
	Spec  messaging.Topic
	// Group defaults to "workers".
	Group string
	// Members is how many brokers subscribe the group, 1 by default.
	Members int
	// Ordered says that the events of a key must begin in their order although there are several members: the broker gives each key to one
	// of them. With one member it is demanded always.
	Ordered bool
	// Keys is how many keys there are, each with a publisher that goes on to the next event when the one before is acked; 8 by default.
	Keys int
	// Pause is how long each publisher rests after an event; 1 ms by default, which bounds the load.
	Pause time.Duration
	// Work is how long each handler takes; 0 by default.
	Work time.Duration
	// Handle, if set, is what each handler does beside that.
	Handle func(ctx context.Context, d *messaging.Delivery) error
	// Window is the subscriptions' window, 128 by default. A fault explains that as many events come again of each member, out of the last twice as
	// many that it has done: what one worker is done with may be settled after what another did later.
	Window int
	// Timeout bounds each Publish; 2 s by default. The publisher tries again until the event is acked.
	Timeout time.Duration
	// Options are further options of each subscription.
	Options []messaging.SubscribeOption
	// Data is the size of each event's data, 100 bytes by default.
	Data int
	// Drain bounds the wait for the last event at the end, to be acked and then to be handled; 60 s by default.
	Drain time.Duration
}

func (c Config) withDefaults() Config {
	if c.Group == "" {
		c.Group = "workers"
	}
	for _, n := range []struct {
		field *int
		value int
	}{{&c.Members, 1}, {&c.Keys, 8}, {&c.Window, 128}, {&c.Data, 100}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Pause, time.Millisecond}, {&c.Timeout, 2 * time.Second}, {&c.Drain, time.Minute}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}
