package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

const (
	largeEvent = 3 << 20 // more than a topic takes by default
	largeLimit = 4 << 20
)

// enlarge lets a topic take large messages.
func enlarge(t *testing.T, b *brokers.Broker, topic string) {
	t.Helper()
	tool(t, b, "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", fmt.Sprintf("max.message.bytes=%d", largeLimit))
}

// limited opens a broker whose events may be large.
func limited(t *testing.T, b *brokers.Broker, limit int, opts ...messaging.Option) (*messaging.Broker, error) {
	t.Helper()
	cfg := messaging.Config{Service: "size", Limits: envelope.Limits{Message: limit}}
	m, err := open(t.Context(), b, nil, append(opts, messaging.WithConfig(cfg))...)
	if err == nil {
		t.Cleanup(func() { must(t, m.Close(context.WithoutCancel(t.Context()))) })
	}
	return m, err
}

func largeThing() envelope.Event { return envelope.New("thing.done", make([]byte, largeEvent)) }

// What a topic takes is its own setting's: a connection may have a limit above the cluster's default, and each topic tells whether it keeps up.
func TestALargeMessageIsTheTopicsToTake(t *testing.T) {
	b := shared(t)
	large, usual := matrix.Topic(), matrix.Topic()
	maker := connect(t, b)
	must(t, maker.Declare(t.Context(), []driver.TopicSpec{{Name: large}, {Name: usual, Groups: []string{"workers"}}}))
	enlarge(t, b, large)
	dead := make(chan *messaging.DeadLetter, 1)
	m, err := limited(t, b, largeLimit-48<<10, messaging.WithHooks(messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) { dead <- l }}))
	must(t, err)
	fails := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return errors.New("not today") })
	sub, err := m.Subscribe(t.Context(), large, fails, messaging.Group("workers"),
		messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{}}))
	must(t, err)
	must(t, m.Publish(t.Context(), large, largeThing()))
	if err := m.Publish(t.Context(), usual, largeThing()); !errors.Is(err, messaging.ErrTooLarge) {
		t.Errorf("a topic that takes less: %v, want too large", err)
	}
	select {
	case l := <-dead:
		if len(l.Event.Data) < largeEvent {
			t.Errorf("the dead letter holds %d bytes, want the event", len(l.Event.Data))
		}
	case <-time.After(30 * time.Second):
		t.Error("a large event that fails becomes no dead letter")
	}
	must(t, sub.Close(t.Context()))
	if _, err := limited(t, b, 128<<20); !errors.Is(err, messaging.ErrUnsupported) {
		t.Errorf("a limit that no topic can hold: %v, want unsupported", err)
	}
}

// inboxTakes sends a large message to a group's inbox.
func inboxTakes(t *testing.T, d *kafka.Driver, topic string) driver.Fate {
	t.Helper()
	f := make(fates, 1)
	to := driver.Address{Topic: topic, Group: "workers"}
	d.Publisher().Send(t.Context(), to, []*driver.Message{{ID: "large", Type: "thing.done", Body: make([]byte, largeEvent)}}, f)
	return <-f
}

// The inbox takes what its topic takes: from its birth on, and again where the topic was allowed more since.
func TestTheInboxTakesWhatItsTopicTakes(t *testing.T) {
	b := shared(t)
	d := connect(t, b, func(c *kafka.Config) { c.MaxMessage = largeLimit })
	born := matrix.Topic()
	must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: born, Groups: []string{"workers"}}}))
	if fate := inboxTakes(t, d, born); fate != driver.Stored {
		t.Errorf("the inbox of a topic that takes %d bytes: %v, want stored", largeLimit, fate)
	}
	if n := d.Capabilities().MaxMessage; n != largeLimit {
		t.Errorf("the report says %d bytes, want those of topics to be", n)
	}
	grown, usual := matrix.Topic(), connect(t, b)
	must(t, usual.Declare(t.Context(), []driver.TopicSpec{{Name: grown, Groups: []string{"workers"}}}))
	enlarge(t, b, grown)
	notices := make(chan driver.Notice, 10)
	spec := driver.Spec{Topic: grown, Group: "workers", Window: 10, WindowBytes: 1 << 20, Notify: func(n driver.Notice) { notices <- n }}
	for _, declare := range []string{kafka.DeclareVerify, kafka.DeclareCreate} {
		member := connect(t, b, func(c *kafka.Config) { c.Declare = declare })
		sub, err := member.Subscribe(t.Context(), spec)
		must(t, err)
		must(t, sub.Close(t.Context()))
	}
	close(notices)
	said := 0
	for n := range notices {
		if n.Kind == driver.Mismatch && strings.Contains(fmt.Sprint(n.Err), "declare is verify") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("%d notices of an inbox that takes less, want one, of the member that may not change it", said)
	}
	// The broker goes by a setting a moment after it has taken it.
	until(t, "the inbox of a topic that was allowed more takes as much", func() bool { return inboxTakes(t, usual, grown) == driver.Stored })
}
