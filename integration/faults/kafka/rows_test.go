package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
)

// Rows 1 to 11 of the matrix, which all brokers have in common.
func TestFaults(t *testing.T) {
	b := own(t)
	matrix.Run(t, matrix.Subject{
		Broker: b, Open: through(b), Silence: session + 4*time.Second, Recovery: 10 * time.Second, Ordered: true,
		Spec: messaging.Topic{Partitions: 4},
	})
}

// Row 23: members come and go every two seconds, with three partitions over two, three and four of them. Nothing is committed that is not
// done, and no key's order breaks.
func TestRebalanceStorm(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic, Members: 2, Keys: 24, Work: time.Millisecond, Spec: messaging.Topic{Partitions: 3}})
	l.Await(200)
	for round := range 4 {
		for range 1 + round%2 {
			l.Hurt(func() { l.Join() })
		}
		<-time.After(2 * time.Second)
		for range 1 + round%2 {
			l.Hurt(func() { l.Leave() })
		}
		<-time.After(2 * time.Second)
	}
	l.Recover(15 * time.Second)
	l.Finish()
}

// Row 25: retention takes records away before the group has read them. The gap is told with its size.
func TestRetentionOvertakesTheGroup(t *testing.T) {
	b := own(t, brokers.Setting("log.retention.check.interval.ms", "300"), brokers.Setting("log.initial.task.delay.ms", "300"))
	topic := matrix.Topic()
	const events = 20
	cfg := messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"late"}}}}
	gaps := make(chan messaging.Notice, 10) // more than can come
	hooks := messaging.Hooks{Notice: func(n messaging.Notice) {
		if n.Kind == messaging.Gap {
			gaps <- n
		}
	}}
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(cfg), messaging.WithHooks(hooks))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	for i := range events {
		must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", fmt.Appendf(nil, "%d", i))))
	}
	tool(t, b, "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "retention.ms=1")
	untilGone(t, broker, topic)
	nothing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })
	_, err = broker.Subscribe(t.Context(), topic, nothing, messaging.Group("late"))
	must(t, err)
	select {
	case n := <-gaps:
		if n.Count != events || n.Topic != topic {
			t.Errorf("told of %+v, want a gap of %d", n, events)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody was told of the gap")
	}
}

// untilGone waits until the topic's history is empty.
func untilGone(t *testing.T, broker *messaging.Broker, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	check := time.NewTicker(200 * time.Millisecond)
	defer check.Stop()
	for ctx.Err() == nil {
		left := 0
		for range broker.Read(ctx, topic, messaging.Oldest(), "") {
			left++ // an error too: it tells nothing
		}
		if left == 0 {
			return
		}
		<-check.C
	}
	t.Fatal("retention takes nothing away")
}

// Row 27: partitions are added under load. They are found, and what is in them is handled from its beginning.
func TestPartitionsAdded(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic, Members: 2, Keys: 24, Spec: messaging.Topic{Partitions: 2}})
	l.Await(200)
	// A key's partition changes with their number, so that its order is not kept across the change: that is Kafka's.
	l.Hurt(func() { tool(t, b, "kafka-topics", "--alter", "--topic", topic, "--partitions", "6") })
	l.Recover(30 * time.Second)
	l.Await(2000)
	report := l.Drain()
	report.Reordered = nil
	if !report.OK() {
		t.Error(report)
	}
	t.Log(report)
}

// Row 28: one record is too large for the topic. It alone is refused; those of the same call pass.
func TestOneRecordTooLarge(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	cfg := messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"g"}}}}
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(cfg))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	tool(t, b, "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "max.message.bytes=20000")
	sized := func(size int) envelope.Event {
		return envelope.New("thing.done", bytes.Repeat([]byte("x"), size), envelope.ContentType("text/plain"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	until(t, "the broker goes by the setting", func() bool { // a moment after it has taken it
		return errors.Is(broker.Publish(ctx, topic, sized(30_000)), messaging.ErrTooLarge)
	})
	var events []envelope.Event
	for i := range 9 {
		size := 100
		if i == 4 {
			size = 30_000
		}
		events = append(events, sized(size))
	}
	err = broker.Publish(ctx, topic, events...)
	var unpublished *messaging.PublishError
	if !errors.As(err, &unpublished) || !errors.Is(err, messaging.ErrTooLarge) || len(unpublished.Failed) != 1 || unpublished.Failed[0].Index != 4 {
		t.Errorf("publish: %v, want the fifth event alone refused as too large", err)
	}
}

// Bad input: a topic that is not there where nothing may be created.
func TestUnknownTopicIsRefused(t *testing.T) {
	b := shared(t)
	cfg, err := kafka.ParseURL(b.URL())
	must(t, err)
	cfg.Declare = kafka.DeclareVerify
	broker, err := kafka.OpenConfig(t.Context(), cfg)
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	nothing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })
	_, err = broker.Subscribe(t.Context(), "not.there", nothing, messaging.Group("g"))
	if !errors.Is(err, messaging.ErrUnknownTopic) || !strings.Contains(err.Error(), "not.there") {
		t.Errorf("subscribe: %v, want unknown topic", err)
	}
}
