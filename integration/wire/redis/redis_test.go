package redis_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/wire/exchange"
	"github.com/herald-go/herald/integration/wire/foreign"
)

// key returns the key of a topic's only stream.
func key(topic string) string { return "{" + topic + "}" }

func node(b *brokers.Broker) exchange.Script {
	return exchange.Script{URL: b.URL(), Key: key, Open: func(t *testing.T) *foreign.Script {
		t.Helper()
		return foreign.Node(t, "redis.js")
	}}
}

// need returns the broker, and marks the test as part of the exchange.
func need(t *testing.T) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "wire")
	return brokers.Need(t, brokers.Redis)
}

func TestEachFormIsExchangedBothWays(t *testing.T) {
	t.Parallel()
	b := need(t)
	for name, client := range map[string]exchange.Client{"go-redis": plain{b.Addr(), key}, "node": node(b)} {
		for _, form := range exchange.Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				if exchange.Updating() && name != "go-redis" {
					t.Skip("the plain program writes the golden files")
				}
				t.Parallel()
				exchange.Both(t, b.URL(), form, client)
			})
		}
	}
}

// What a person sees who looks with redis-cli.
func TestEntriesAreReadableByHand(t *testing.T) {
	t.Parallel()
	b := need(t)
	topic := exchange.Topic("cli")
	received := exchange.Collect(t, b.URL(), topic)
	out, err := b.Exec(t.Context(), "redis-cli", "XADD", key(topic), "*", "order", "42", "note", "by hand")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if d := received(1)[0]; !d.Foreign || d.RandomID {
		t.Errorf("got %+v, want a foreign event whose id is its position", d)
	}
	broker := exchange.Open(t, b.URL(), messaging.Config{})
	if err := broker.Publish(t.Context(), topic, exchange.Events()[0]); err != nil {
		t.Fatal(err)
	}
	received(1)
	out, err = b.Exec(t.Context(), "redis-cli", "XREVRANGE", key(topic), "+", "-", "COUNT", "1")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"order-1", "order.placed", `{"order":1,"total":99.99}`} {
		if !strings.Contains(out, want) {
			t.Errorf("redis-cli shows no %q:\n%s", want, out)
		}
	}
}

// The JSON of the field's articles, with no mark of any kind.
func TestUnmarkedJSONIsAnEnvelope(t *testing.T) {
	t.Parallel()
	b := need(t)
	topic := exchange.Topic("article")
	received := exchange.Collect(t, b.URL(), topic)
	body := `{"eventId":"evt_abc123","eventType":"OrderCreated","timestamp":"2024-01-15T10:30:00Z","version":"1.0","source":"order-service",` +
		`"correlationId":"corr_xyz789","data":{"orderId":"ord_123"}}`
	publish(t, b, topic, entry{Fields: [][2]string{{"data", body}}})
	got := received(1)[0]
	if got.Foreign || got.ID != "evt_abc123" || got.Type != "OrderCreated" || got.CorrelationID != "corr_xyz789" || string(got.Data) != `{"orderId":"ord_123"}` {
		t.Errorf("got %+v", got)
	}
}

func TestABrokenClaimIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := need(t)
	topic := exchange.Topic("broken")
	received := exchange.Collect(t, b.URL(), topic)
	publish(t, b, topic, entry{Fields: [][2]string{{"herald", "1"}, {"data", "no id, no type"}}}, entry{Fields: [][2]string{{"data", "foreign"}}})
	if d := received(1)[0]; !d.Foreign || string(d.Data) != "foreign" {
		t.Errorf("the handler got %+v, want the foreign entry alone", d)
	}
	if letter := exchange.DeadLetter(t, b.URL(), topic); letter.Reason != messaging.ReasonMalformed || string(letter.Event.Data) != "no id, no type" {
		t.Errorf("the dead letter is %s: %s (%q)", letter.Reason, letter.Error, letter.Event.Data)
	}
}

func publish(t *testing.T, b *brokers.Broker, topic string, entries ...entry) {
	t.Helper()
	var raw []json.RawMessage
	for _, e := range entries {
		raw = append(raw, exchange.Raw(t, e))
	}
	plain{b.Addr(), key}.Publish(t, topic, raw)
}
