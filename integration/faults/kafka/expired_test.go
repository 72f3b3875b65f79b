package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Row 26: the broker forgets where a group is that had no member for long. Who subscribes it again begins where a new group would: nothing is
// lost. A group with a member is not forgotten, though nothing happens in it.
func TestPositionsExpire(t *testing.T) {
	b := own(t, brokers.Setting("offsets.retention.minutes", "1"), brokers.Setting("offsets.retention.check.interval.ms", "500"))
	topic := matrix.Topic()
	cfg := messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"left", "stays"}}}}
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(cfg))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	reading := func(group string) (*messaging.Subscription, chan string) {
		got := make(chan string, 100) // more than can come
		handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			got <- string(d.Data)
			return nil
		})
		sub, err := broker.Subscribe(t.Context(), topic, handler, messaging.Group(group), messaging.Concurrency(1))
		must(t, err)
		return sub, got
	}
	publish := func(n int) (bodies []string) {
		for i := range n {
			bodies = append(bodies, fmt.Sprintf("%d of %d", i, n))
			must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte(bodies[i]), envelope.ContentType("text/plain"))))
		}
		return bodies
	}
	sub, got := reading("left")
	_, stays := reading("stays")
	before := publish(5)
	await(t, got, before...)
	await(t, stays, before...)
	must(t, sub.Close(t.Context()))
	after := publish(3)
	await(t, stays, after...)
	untilForgotten(t, b, topic, "left", "stays")
	_, got = reading("left")
	await(t, got, append(slices.Clone(before), after...)...)
	more := publish(2)
	await(t, got, more...)
	await(t, stays, more...)
}

// untilForgotten waits until the broker does not know one group any more, while it still knows another.
func untilForgotten(t *testing.T, b *brokers.Broker, topic, gone, there string) {
	t.Helper()
	cfg, err := kafka.ParseURL(b.URL())
	must(t, err)
	d, err := kafka.New(t.Context(), cfg)
	must(t, err)
	defer func() { must(t, d.Close(context.WithoutCancel(t.Context()))) }()
	check := time.NewTicker(500 * time.Millisecond)
	defer check.Stop()
	for began := time.Now(); time.Since(began) < 3*time.Minute; <-check.C {
		groups, err := d.ListGroups(t.Context(), topic)
		must(t, err)
		known := func(name string) bool {
			return slices.ContainsFunc(groups, func(g driver.GroupInfo) bool { return g.Name == name })
		}
		if !known(there) {
			t.Fatalf("group %s has a member, and is forgotten", there)
		}
		if _, err := d.Lag(t.Context(), topic, gone); !known(gone) && errors.Is(err, driver.ErrUnknownTopic) {
			return
		}
	}
	t.Fatal("the broker forgets nothing")
}
