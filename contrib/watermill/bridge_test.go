package heraldwatermill_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

// bridge is a broker in memory with a publisher and a subscriber over it.
type bridge struct {
	broker     *messaging.Broker
	publisher  *heraldwatermill.Publisher
	subscriber *heraldwatermill.Subscriber
}

func open(t *testing.T, config heraldwatermill.SubscriberConfig) bridge {
	t.Helper()
	broker, err := memory.Open(t.Context(), "memory://")
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close(context.Background())) })
	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{Mapping: config.Mapping})
	must(t, err)
	if config.Group == "" && !config.Broadcast {
		config.Group = "g"
	}
	subscriber, err := heraldwatermill.NewSubscriber(broker, config)
	must(t, err)
	t.Cleanup(func() { must(t, subscriber.Close()) })
	return bridge{broker, publisher, subscriber}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b bridge) subscribe(t *testing.T, topic string) <-chan *message.Message {
	t.Helper()
	messages, err := b.subscriber.Subscribe(t.Context(), topic)
	must(t, err)
	return messages
}

// next takes a message; nil is a closed channel.
func next(t *testing.T, from <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no message")
		return nil
	}
}

func none(t *testing.T, from <-chan *message.Message) {
	t.Helper()
	synctest.Wait()
	select {
	case m := <-from:
		t.Fatalf("message %v came", m)
	default:
	}
}

func TestSubscriber_AMessageComesAsItWasPublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{})
		messages := b.subscribe(t, "orders")
		sent := message.NewMessage("id-1", []byte("payload"))
		sent.Metadata = message.Metadata{
			"tenant": "acme", "correlation_id": "corr", "herald_type": "order.placed", "herald_version": "2", "herald_key": "k",
			"herald_content_type": "text/plain", "herald_schema": "s", "herald_reply_to": "answers", "Upper-Case": "yes", "": "no key",
			"wm.looks": "like ours", "x-reserved": "1", "lines": "a\nb", "binary": "\xff\x00", "traceparent": "00-01-02-03",
			strings.Repeat("l", 128): "long",
		}
		must(t, b.publisher.Publish("orders", sent))
		got := next(t, messages)
		if !got.Equals(sent) {
			t.Errorf("got %q %v %q, want %q %v %q", got.UUID, got.Metadata, got.Payload, sent.UUID, sent.Metadata, sent.Payload)
		}
		got.Ack()
	})
}

func TestPublisher_AMessageIsAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		byTopic := func(topic string, m *message.Message) string { return topic + m.UUID }
		b := open(t, heraldwatermill.SubscriberConfig{Mapping: heraldwatermill.Mapping{Type: "thing.done", Key: byTopic}})
		events := make(chan envelope.Event, 1)
		_, err := b.broker.Subscribe(t.Context(), "things", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			events <- d.Event
			return nil
		}), messaging.Group("herald"))
		must(t, err)
		sent := message.NewMessage("id-1", []byte(`{}`))
		sent.Metadata = message.Metadata{"tenant": "acme", "correlation_id": "corr"}
		must(t, b.publisher.Publish("things", sent))
		e := <-events
		if e.ID != "id-1" || e.Type != "thing.done" || e.Key != "thingsid-1" || e.CorrelationID != "corr" || string(e.Data) != `{}` ||
			!slices.Equal(e.Headers, envelope.Headers{{Key: "tenant", Value: "acme"}}) {
			t.Errorf("the event is %+v", e)
		}
	})
}

func TestSubscriber_ANackedMessageComesAgainInItsPlaceForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{})
		messages := b.subscribe(t, "orders")
		must(t, b.publisher.Publish("orders", message.NewMessage("1", nil), message.NewMessage("2", nil)))
		began := time.Now()
		for range 1000 {
			m := next(t, messages)
			if m.UUID != "1" {
				t.Fatalf("message %s came before the first was acked", m.UUID)
			}
			m.Nack()
		}
		next(t, messages).Ack()
		next(t, messages).Ack()
		if took, want := time.Since(began), 1000*heraldwatermill.DefaultNackDelay; took != want {
			t.Errorf("1000 nacks took %v, want %v", took, want)
		}
		for letter := range b.broker.DeadLetters(t.Context(), "orders", "g") {
			t.Errorf("dead letter %v", letter)
		}
	})
}

func TestSubscriber_WithAPolicyANackIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{time.Minute}}
		b := open(t, heraldwatermill.SubscriberConfig{Retry: &policy})
		messages := b.subscribe(t, "orders")
		must(t, b.publisher.Publish("orders", message.NewMessage("bad", nil)))
		var attempts []int
		for range 4 {
			var m *message.Message
			for m == nil { // a minute passes, and more: next would give up
				m = <-messages
			}
			d, _ := messaging.DeliveryFrom(m.Context())
			attempts = append(attempts, d.Attempt)
			m.Nack()
		}
		synctest.Wait()
		var dead []string
		for letter, err := range b.broker.DeadLetters(t.Context(), "orders", "g") {
			must(t, err)
			dead = append(dead, letter.Event.ID)
		}
		if !slices.Equal(attempts, []int{1, 2, 3, 4}) || !slices.Equal(dead, []string{"bad"}) {
			t.Errorf("attempts %v, dead letters %v", attempts, dead)
		}
	})
}

func TestSubscriber_OneMessageIsOutAtATimeUnlessMoreAreAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{InFlight: 3})
		messages := b.subscribe(t, "orders")
		var all message.Messages
		for _, id := range []string{"1", "2", "3", "4"} {
			m := message.NewMessage(id, nil)
			all = append(all, m)
		}
		keyed := message.NewMessage("0", nil)
		again := message.NewMessage("00", nil)
		keyed.Metadata[heraldwatermill.MetadataKey], again.Metadata[heraldwatermill.MetadataKey] = "k", "k"
		must(t, b.publisher.Publish("orders", append(message.Messages{keyed, again}, all...)...))
		first, second, third := next(t, messages), next(t, messages), next(t, messages)
		ids := []string{first.UUID, second.UUID, third.UUID}
		slices.Sort(ids)
		if !slices.Equal(ids, []string{"0", "1", "2"}) {
			t.Errorf("%v are out, want 0 but not 00, which has its key", ids)
		}
		none(t, messages)
		third.Ack() // out of order
		next(t, messages).Ack()
		first.Ack()
		second.Ack()
		next(t, messages).Ack()
		next(t, messages).Ack()
	})
}

func TestSubscriber_CloseLetsAMessageThatIsOutBeAcked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{})
		messages := b.subscribe(t, "orders")
		must(t, b.publisher.Publish("orders", message.NewMessage("1", nil), message.NewMessage("2", nil)))
		m := next(t, messages)
		closed := make(chan error)
		go func() { closed <- b.subscriber.Close() }()
		synctest.Wait()
		if err := m.Context().Err(); err != nil {
			t.Errorf("the context of the message that is out has ended: %v", err)
		}
		m.Ack()
		must(t, <-closed)
		if m, open := <-messages; open {
			t.Errorf("message %s came after Close", m.UUID)
		}
		if m.Context().Err() == nil {
			t.Error("the context of an acked message lives")
		}
		later, err := heraldwatermill.NewSubscriber(b.broker, heraldwatermill.SubscriberConfig{Group: "g"})
		must(t, err)
		messages, err = later.Subscribe(t.Context(), "orders")
		must(t, err)
		if m := next(t, messages); m.UUID != "2" {
			t.Errorf("message %s comes next", m.UUID)
		} else {
			m.Ack()
		}
		must(t, later.Close())
	})
}

func TestSubscriber_WhatIsNotAckedInTimeGoesBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b bridge, cancel func()) error{
		"Close":        func(b bridge, _ func()) error { return b.subscriber.Close() },
		"context":      func(_ bridge, cancel func()) error { cancel(); return nil },
		"broker Close": func(b bridge, _ func()) error { return b.broker.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, err := memory.NewServer(memory.Config{})
				must(t, err)
				b := openOn(t, server)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				messages, err := b.subscriber.Subscribe(ctx, "orders")
				must(t, err)
				must(t, b.publisher.Publish("orders", message.NewMessage("1", nil)))
				m, began := next(t, messages), time.Now()
				go func() { _ = end(b, cancel) }()
				<-m.Context().Done()
				if _, open := <-messages; open {
					t.Error("the channel is open")
				}
				if took := time.Since(began); took != heraldwatermill.DefaultCloseTimeout {
					t.Errorf("closing waited %v for the ack, want %v", took, heraldwatermill.DefaultCloseTimeout)
				}
				m.Ack() // too late
				other := openOn(t, server)
				messages, err = other.subscriber.Subscribe(t.Context(), "orders")
				must(t, err)
				next(t, messages).Ack()
			})
		})
	}
}

func openOn(t *testing.T, server *memory.Server) bridge {
	t.Helper()
	broker, err := memory.OpenServer(t.Context(), server)
	must(t, err)
	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
	must(t, err)
	subscriber, err := heraldwatermill.NewSubscriber(broker, heraldwatermill.SubscriberConfig{Group: "g"})
	must(t, err)
	t.Cleanup(func() {
		must(t, subscriber.Close())
		must(t, broker.Close(context.Background()))
	})
	return bridge{broker, publisher, subscriber}
}

func TestSubscriber_SeveralChannelsOfATopicShareItsMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{InFlight: 2})
		ctx, cancel := context.WithCancel(t.Context())
		first, err := b.subscriber.Subscribe(ctx, "orders")
		must(t, err)
		second := b.subscribe(t, "orders")
		must(t, b.publisher.Publish("orders", message.NewMessage("1", nil), message.NewMessage("2", nil)))
		got := map[string]bool{next(t, first).UUID: true}
		m := next(t, second)
		got[m.UUID] = true
		m.Ack()
		if !maps.Equal(got, map[string]bool{"1": true, "2": true}) {
			t.Errorf("the two channels had %v", got)
		}
		cancel() // the first channel's message was not acked
		for range first {
			t.Error("a message came to the channel that ends")
		}
		next(t, second).Ack()
	})
}

func TestSubscriber_SubscribeInitializeMakesTheGroupAndTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, heraldwatermill.SubscriberConfig{})
		if err := b.publisher.Publish("orders", message.NewMessage("0", nil)); !errors.Is(err, messaging.ErrUnrouted) {
			t.Errorf("publishing without a group: %v", err)
		}
		must(t, b.subscriber.SubscribeInitialize("orders"))
		must(t, b.publisher.Publish("orders", message.NewMessage("1", nil)))
		must(t, b.subscriber.SubscribeInitialize("orders"))
		messages := b.subscribe(t, "orders")
		must(t, b.subscriber.SubscribeInitialize("orders")) // also while subscribed
		next(t, messages).Ack()
	})
}

func TestBridge_IsClosedForEver(t *testing.T) {
	t.Parallel()
	b := open(t, heraldwatermill.SubscriberConfig{})
	must(t, b.publisher.Close())
	must(t, b.publisher.Close())
	must(t, b.subscriber.Close())
	must(t, b.subscriber.Close())
	if err := b.publisher.Publish("orders", message.NewMessage("1", nil)); !errors.Is(err, messaging.ErrClosed) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := b.subscriber.Subscribe(t.Context(), "orders"); !errors.Is(err, messaging.ErrClosed) {
		t.Errorf("Subscribe: %v", err)
	}
	if err := b.subscriber.SubscribeInitialize("orders"); !errors.Is(err, messaging.ErrClosed) {
		t.Errorf("SubscribeInitialize: %v", err)
	}
	must(t, b.broker.Publish(t.Context(), "kept")) // the broker is open
}

func TestSubscriber_SubscribesAndClosesAtOnce(t *testing.T) {
	t.Parallel()
	b := open(t, heraldwatermill.SubscriberConfig{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			messages, err := b.subscriber.Subscribe(ctx, "orders")
			cancel()
			if err != nil {
				return // it was closed while opening
			}
			for m := range messages {
				m.Ack()
			}
		})
	}
	all.Wait()
}
