package kafka_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/wire/exchange"
	"github.com/herald-go/herald/integration/wire/foreign"
)

func kafkajs(addr string) exchange.Script {
	return exchange.Script{URL: addr, Open: func(t *testing.T) *foreign.Script {
		t.Helper()
		return foreign.Node(t, "kafka.js")
	}}
}

// unstamped is a client that sees no time of writing, which differs from run to run. It demands that there is one.
type unstamped struct{ exchange.Client }

func (u unstamped) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	raw := u.Client.Read(t, topic, n)
	for i := range raw {
		var r record
		if err := json.Unmarshal(raw[i], &r); err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.ParseInt(r.Timestamp, 10, 64)
		if age := time.Since(time.UnixMilli(ms)); err != nil || age < -time.Minute || age > 10*time.Minute {
			t.Errorf("the time of writing is %q", r.Timestamp)
		}
		r.Timestamp = ""
		raw[i] = exchange.Raw(t, r)
	}
	return raw
}

// need returns the broker, and marks the test as part of the exchange.
func need(t *testing.T) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "wire")
	return brokers.Need(t, brokers.Kafka)
}

func TestEachFormIsExchangedBothWays(t *testing.T) {
	t.Parallel()
	b := need(t)
	for name, client := range map[string]exchange.Client{"kafka-go": plain{b.Addr()}, "kafkajs": kafkajs(b.Addr())} {
		for _, form := range exchange.Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				if exchange.Updating() && name != "kafka-go" {
					t.Skip("the plain program writes the golden files")
				}
				t.Parallel()
				exchange.Both(t, b.URL(), form, unstamped{client})
			})
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
	publish(t, b, topic, record{Value: &body})
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
	broken, foreign := "no id, no type", "foreign"
	publish(t, b, topic, record{Headers: map[string]any{"herald": "1"}, Value: &broken}, record{Value: &foreign})
	if d := received(1)[0]; !d.Foreign || string(d.Data) != foreign {
		t.Errorf("the handler got %+v, want the foreign record alone", d)
	}
	if letter := exchange.DeadLetter(t, b.URL(), topic); letter.Reason != messaging.ReasonMalformed || string(letter.Event.Data) != broken {
		t.Errorf("the dead letter is %s: %s (%q)", letter.Reason, letter.Error, letter.Event.Data)
	}
}

// Records with no value, no key, a key that is no text, and the same header twice.
func TestStrangeRecordsArrive(t *testing.T) {
	t.Parallel()
	b := need(t)
	topic := exchange.Topic("strange")
	received := exchange.Collect(t, b.URL(), topic)
	value, key := "strange", "base64:AP8B"
	publish(t, b, topic, record{}, record{Key: &key, Value: &value, Headers: map[string]any{"twice": []any{"a", "b"}, "bytes": "base64:AP8B", "": "no name"}})
	events := received(2)
	ids := map[string]bool{}
	for i, want := range []string{"", value} {
		if d := events[i]; !d.Foreign || string(d.Data) != want || d.RandomID || ids[d.ID] {
			t.Errorf("got %+v", d)
		}
		ids[events[i].ID] = true
	}
}

func publish(t *testing.T, b *brokers.Broker, topic string, records ...record) {
	t.Helper()
	var raw []json.RawMessage
	for _, r := range records {
		raw = append(raw, exchange.Raw(t, r))
	}
	plain{b.Addr()}.Publish(t, topic, raw)
}
