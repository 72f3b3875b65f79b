package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// What a user may do.
const (
	read     = kafkago.ACLOperationTypeRead
	write    = kafkago.ACLOperationTypeWrite
	describe = kafkago.ACLOperationTypeDescribe
)

// rights takes away one right after the other. Whoever lacks one is told at once what was not allowed, and on what.
func rights(t *testing.T, b *brokers.Broker) {
	admin, err := kafka.Open(t.Context(), b.URL())
	must(t, err)
	defer func() { must(t, admin.Close(context.WithoutCancel(t.Context()))) }()
	bob, err := kafka.Open(t.Context(), login(b, "kafka", "login", "bob", password))
	must(t, err)
	defer func() { must(t, bob.Close(context.WithoutCancel(t.Context()))) }()
	topics := func() string {
		topic := matrix.Topic()
		flows(t, admin, topic)
		return topic
	}
	t.Run("publish without Write anywhere", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "topic", topic, describe)
		allow(t, b, "bob", "group", "herald..group.."+topic+"..*", describe)
		denied(t, publishes(t, bob, topic), "publish "+topic, "producer id", "Write", "Cluster Authorization Failed")
	})
	t.Run("publish without Describe on groups", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "topic", topic, write, describe)
		denied(t, publishes(t, bob, topic), "publish "+topic, "groups prefixed herald..group.."+topic+"..", "Group Authorization Failed")
		allow(t, b, "bob", "group", "herald..group.."+topic+"..*", describe)
		must(t, publishes(t, bob, topic))
	})
	t.Run("publish without Write", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "topic", topic, describe)
		allow(t, b, "bob", "group", "herald..group.."+topic+"..*", describe)
		denied(t, publishes(t, bob, topic), "publish "+topic, "Topic Authorization Failed")
	})
	t.Run("subscribe without rights on the group", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "topic", topic, read)
		notAllowed(t, subscribes(t, bob, topic), "subscribe "+topic, "herald..group.."+topic+"..workers", "Group Authorization Failed")
	})
	t.Run("subscribe without rights on the topic", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "group", "herald..group.."+topic+"..workers", read)
		notAllowed(t, subscribes(t, bob, topic), "subscribe "+topic, "Topic Authorization Failed")
	})
	t.Run("subscribe without Read on the topic", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "group", "herald..group.."+topic+"..workers", read)
		allow(t, b, "bob", "topic", topic, describe)
		allow(t, b, "bob", "topic", "herald..inbox.."+topic+"..workers..*", read, write)
		notAllowed(t, subscribes(t, bob, topic), topic, "Topic Authorization Failed")
	})
	t.Run("subscribe without rights on the inbox", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "group", "herald..group.."+topic+"..workers", read)
		allow(t, b, "bob", "topic", topic, read)
		notAllowed(t, subscribes(t, bob, topic), "subscribe "+topic, "herald..inbox.."+topic+"..workers..", "Topic Authorization Failed")
	})
	t.Run("what docs/kafka.md lists is enough", func(t *testing.T) {
		topic := topics()
		allow(t, b, "bob", "group", "herald..group.."+topic+"..*", read, describe)
		allow(t, b, "bob", "topic", topic, read, write, describe)
		allow(t, b, "bob", "topic", "herald..inbox.."+topic+"..workers..*", read, write, describe)
		flows(t, bob, topic)
	})
}

func publishes(t *testing.T, broker *messaging.Broker, topic string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return broker.Publish(ctx, topic, envelope.New("thing.done", []byte("{}")))
}

// subscribes returns why a subscription can't be opened, or why it ends.
func subscribes(t *testing.T, broker *messaging.Broker, topic string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	nothing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })
	sub, err := broker.Subscribe(ctx, topic, nothing, messaging.Group("workers"))
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close(ctx) }()
	select {
	case <-sub.Failed():
		return sub.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func denied(t *testing.T, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, messaging.ErrDenied) {
		t.Fatalf("got %v, want denied", err)
	}
	notAllowed(t, err, words...)
}

func notAllowed(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want an error that says what is not allowed", err)
	}
	clean(t, err)
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in: %v", word, err)
		}
	}
	t.Log(err)
}
