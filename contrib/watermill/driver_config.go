package heraldwatermill

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// Bounds of what a Driver's publisher queues that Watermill's has not taken yet.
const (
	queueCount = 10_000
	queueBytes = 16 << 20
)

// DriverConfig tells a Driver what it works with, and what that can do: Watermill's interfaces do not tell.
type DriverConfig struct {
	// Name is the broker's name in reports and errors. Defaults to "watermill".
	Name string
	// Publisher publishes. Its Publish must return nil only when the messages are stored: what it returned an error for counts as
	// unconfirmed. It stays the caller's to close, after the driver.
	Publisher message.Publisher
	// Subscriber makes a subscriber of a group, or of no group when that is empty: every message from now on. It is called for each
	// subscription. The driver closes what it returns.
	Subscriber func(group string) (message.Subscriber, error)
	// Topic writes the name of a topic as the broker takes it, for one that refuses dots, say. It must be injective. Nil leaves names as they
	// are.
	Topic func(topic string) string
	// Groups tells that the subscribers of one group share its messages, that every group gets every message, and that a new group begins
	// with the oldest message of the topic, read or not: watermill-sql, watermill-nats with JetStream, watermill-kafka from the oldest offset.
	// Without it subscriptions are broadcasts only.
	Groups bool
	// Broadcast tells that Subscriber("") works.
	Broadcast bool
	// Durability is what a published message survives. Defaults to driver.DurableMemory.
	Durability driver.Durability
	// MaxMessage is the most bytes of one message; 0 is unlimited.
	MaxMessage int
	// Members is how many subscribers one subscription of a group opens to its topic, and to its inbox. Most of Watermill's have one message out at a time: more of them
	// handle more at once, and give up the order among them. Defaults to 1.
	Members int
}

func (c *DriverConfig) setDefaults() error {
	if c.Publisher == nil || c.Subscriber == nil {
		return fmt.Errorf("watermill driver: %w: it needs a publisher and a subscriber", messaging.ErrInvalid)
	}
	if c.Members < 0 || c.MaxMessage < 0 {
		return fmt.Errorf("watermill driver: %w: Members and MaxMessage must not be negative", messaging.ErrInvalid)
	}
	if c.Name == "" {
		c.Name = "watermill"
	}
	if c.Durability == "" {
		c.Durability = driver.DurableMemory
	}
	if c.Members == 0 {
		c.Members = 1
	}
	return nil
}

// Open opens a broker over a Watermill publisher and subscriber. ctx bounds opening only.
//
// Nobody can ask Watermill for groups, so a topic counts as having a group once this broker has subscribed one or declared one by
// messaging.Config.Topics: until then Publish returns messaging.ErrUnrouted unless messaging.Config.Unrouted says keep or drop. Where there
// are no groups it must say drop.
func Open(ctx context.Context, config DriverConfig, opts ...messaging.Option) (*messaging.Broker, error) {
	d, err := NewDriver(config)
	if err != nil {
		return nil, err
	}
	return messaging.New(ctx, d, opts...)
}

// Capabilities implements driver.Driver.
func (d *Driver) Capabilities() driver.Capabilities {
	const absent = "Watermill has no call for it"
	refused := func(how string) driver.Capability { return driver.Capability{Level: driver.Refused, How: how} }
	caps := driver.Capabilities{
		Broker: d.config.Name, Durability: d.config.Durability, MaxMessage: d.config.MaxMessage,
		Features: map[driver.Feature]driver.Capability{
			driver.FeatureHistory: refused(absent), driver.FeatureStart: refused(absent), driver.FeatureReset: refused(absent),
			driver.FeatureReplicaOrder: refused(absent), driver.FeatureDelay: refused(absent), driver.FeatureLag: refused(absent),
			driver.FeatureIdempotent: refused("a second try may be stored twice"),
		},
	}
	for _, f := range []driver.Feature{driver.FeatureGroups, driver.FeatureInbox, driver.FeatureLog, driver.FeatureKeep, driver.FeatureBroadcast} {
		caps.Features[f] = refused("this publisher and subscriber have none")
	}
	if d.config.Broadcast {
		caps.Features[driver.FeatureBroadcast] = driver.Capability{Level: driver.Native, How: "a subscriber without a group"}
	}
	if d.config.Groups {
		caps.Features[driver.FeatureGroups] = driver.Capability{Level: driver.Native, How: "a subscriber with a group"}
		caps.Features[driver.FeatureKeep] = driver.Capability{Level: driver.Native, How: "new groups begin with the oldest message"}
		caps.Features[driver.FeatureInbox] = driver.Capability{Level: driver.Emulated, How: "a topic for each group; what is not due goes round it"}
		caps.Features[driver.FeatureLog] = driver.Capability{Level: driver.Emulated, How: "a topic; each reading is a group, and writes a mark to know the end"}
	}
	return caps
}

// derivedPrefix begins the names of topics that belong to Herald.
const derivedPrefix = "herald-"

// derived writes a name of Herald's own in the characters that every broker of Watermill's takes. It is injective: the length of each part
// but the last stands before it.
func derived(name string) string {
	parts := strings.Split(strings.TrimPrefix(name, "herald.."), "..")
	var b strings.Builder
	b.WriteString(derivedPrefix + parts[0])
	for _, part := range parts[1:] {
		b.WriteString("-" + strconv.Itoa(len(part)) + "-" + part)
	}
	return b.String()
}

// topicOf is the Watermill topic of an address.
func (c *DriverConfig) topicOf(to driver.Address) string {
	name := to.Topic
	switch {
	case to.Group != "":
		name = derived(driver.Name(driver.KindInbox, to.Topic, to.Group))
	case strings.HasPrefix(to.Topic, "herald.."):
		name = derived(to.Topic)
	case to.Log:
		name = derived("herald..log.." + to.Topic)
	}
	if c.Topic != nil {
		return c.Topic(name)
	}
	return name
}
