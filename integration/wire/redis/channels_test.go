package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/wire/exchange"
)

// With a channel for each type, a plain program subscribes to a type by its channel's name, and what it publishes there is an event of Herald's.
func TestChannelsOfTypesAreExchangedBothWays(t *testing.T) {
	t.Parallel()
	b := need(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topic := exchange.Topic("types")
	client := plain{b.Addr(), key}.client(t)
	foreign := client.PSubscribe(ctx, topic+":order.*")
	t.Cleanup(func() { _ = foreign.Close() })
	if _, err := foreign.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	broker, err := redis.Open(ctx, strings.Replace(b.URL(), "redis://", "redis+pubsub://", 1)+"?channels=type")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close(context.WithoutCancel(t.Context())) })
	got := make(chan envelope.Event, 1) // one is published
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		got <- d.Event
		return nil
	})
	if _, err := broker.Subscribe(ctx, topic, handler, messaging.Broadcast(), messaging.Types("order.*")); err != nil {
		t.Fatal(err)
	}
	if err := broker.Publish(ctx, topic, envelope.New("order.placed", []byte(`{"order":1}`), envelope.ID("evt-1"))); err != nil {
		t.Fatal(err)
	}
	m, err := foreign.ReceiveMessage(ctx)
	if err != nil || m.Channel != topic+":order.placed" || !strings.Contains(m.Payload, `"eventId":"evt-1"`) {
		t.Errorf("the program received %+v, %v", m, err)
	}
	if e := <-got; e.ID != "evt-1" {
		t.Errorf("Herald received %+v", e)
	}
	document := `{"eventId":"evt-2","eventType":"order.paid","timestamp":"2024-01-15T10:30:00Z","data":{"order":2}}`
	if n, err := client.Publish(ctx, topic+":order.paid", document).Result(); n != 2 || err != nil {
		t.Errorf("%d heard it, %v, want the program and Herald", n, err)
	}
	if e := <-got; e.ID != "evt-2" || e.Type != "order.paid" || string(e.Data) != `{"order":2}` {
		t.Errorf("Herald received %+v", e)
	}
}
