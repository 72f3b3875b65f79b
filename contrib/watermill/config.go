package heraldwatermill

import (
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/herald-go/herald/pkg/messaging"
)

// Defaults of a SubscriberConfig's zero fields.
const (
	// DefaultNackDelay is how long a nacked message waits.
	DefaultNackDelay = 10 * time.Millisecond
	// DefaultCloseTimeout is how long closing waits for acks.
	DefaultCloseTimeout = 5 * time.Second
)

// SubscriberConfig configures a Subscriber. The zero value is ready for a broker with a service name.
type SubscriberConfig struct {
	Mapping
	// Group is the group whose work the subscriptions share: what Watermill calls a consumer group. Defaults to the broker's service name.
	Group string
	// Broadcast subscribes without a group: every message from now on, for each channel.
	Broadcast bool
	// InFlight is how many messages may be out and neither acked nor nacked at a time, for each topic. They may be settled in any order;
	// those of one key still come one after the other. Defaults to 1, as Watermill's own subscribers have it, which keeps the order of all.
	InFlight int
	// NackDelay is how long a nacked message waits before it comes again, in its place: with one in flight all others wait for it, else those
	// of its key. Defaults to DefaultNackDelay; negative is not at all. A nack is no failed attempt: there is no last one, and no dead letter.
	// A message that is nacked for longer than a quarter of Capabilities.HoldLimit goes on through the group's inbox, at no attempt, and
	// others may then overtake it unless Options say Block.
	NackDelay time.Duration
	// Retry, when set, makes a nack a failed attempt instead, followed by what the policy says: quick tries, redelivery later, and the dead
	// letters.
	Retry *messaging.RetryPolicy
	// CloseTimeout is how long closing waits for the acks of messages that are out, their contexts still alive. What is not acked by then
	// goes back to the group. Defaults to DefaultCloseTimeout; negative is not at all. The broker's DrainTimeout bounds it too.
	CloseTimeout time.Duration
	// Options are further options of the subscriptions, such as messaging.OrderAcrossReplicas, messaging.Types or messaging.From. They come
	// after what the fields above say. Without messaging.HandlerTimeout a message may stay out for as long as it likes, and without
	// messaging.Quarantine it may be delivered as often as it takes.
	Options []messaging.SubscribeOption
	// Logger gets what no call returns: subscriptions that fail for good. Nil is none.
	Logger watermill.LoggerAdapter
}

func (c *SubscriberConfig) setDefaults() {
	c.Mapping.setDefaults()
	if c.InFlight == 0 {
		c.InFlight = 1
	}
	if c.NackDelay == 0 {
		c.NackDelay = DefaultNackDelay
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = DefaultCloseTimeout
	}
	if c.Logger == nil {
		c.Logger = watermill.NopLogger{}
	}
}

func (c *SubscriberConfig) validate() error {
	if c.InFlight < 0 {
		return fmt.Errorf("watermill subscriber: %w: InFlight is %d", messaging.ErrInvalid, c.InFlight)
	}
	if c.Broadcast && c.Group != "" {
		return fmt.Errorf("watermill subscriber: %w: a subscriber has a group or is a broadcast, not both", messaging.ErrInvalid)
	}
	return nil
}

// options are those of one subscription.
func (c *SubscriberConfig) options() []messaging.SubscribeOption {
	o := []messaging.SubscribeOption{messaging.Concurrency(c.InFlight), messaging.HandlerTimeout(-1), messaging.Quarantine(-1)}
	if c.Broadcast {
		o = append(o, messaging.Broadcast())
	}
	if c.Group != "" {
		o = append(o, messaging.Group(c.Group))
	}
	if c.Retry != nil {
		o = append(o, messaging.Retry(*c.Retry))
	}
	return append(o, c.Options...)
}
