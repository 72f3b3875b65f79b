package rabbitmq_test

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/wire/exchange"
	"github.com/herald-go/herald/integration/wire/foreign"
)

func script(name, url string) exchange.Script {
	open := func(t *testing.T) *foreign.Script {
		t.Helper()
		return foreign.Node(t, "amqp.js")
	}
	if name == "pika" {
		open = func(t *testing.T) *foreign.Script {
			t.Helper()
			return foreign.Python(t, "amqp.py")
		}
	}
	return exchange.Script{URL: url, Prepares: true, Open: open}
}

// unstamped is a client that sees no time of sending, which differs from run to run. It demands that there is one.
type unstamped struct{ exchange.Client }

func (u unstamped) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	raw := u.Client.Read(t, topic, n)
	for i := range raw {
		var m message
		if err := json.Unmarshal(raw[i], &m); err != nil {
			t.Fatal(err)
		}
		text, _ := m.Headers["herald-sent"].(string)
		if sent, err := strconv.ParseInt(text, 10, 64); err != nil || sent < 1_700_000_000_000 {
			t.Errorf("herald-sent is %v, want milliseconds", m.Headers["herald-sent"])
		}
		delete(m.Headers, "herald-sent")
		raw[i] = exchange.Raw(t, m)
	}
	return raw
}

// need returns the broker's URL, and marks the test as part of the exchange.
func need(t *testing.T) string {
	t.Helper()
	t.Attr("suite", "wire")
	return brokers.Need(t, brokers.RabbitMQ).URL()
}

func TestEachFormIsExchangedBothWays(t *testing.T) {
	t.Parallel()
	url := need(t)
	for name, client := range map[string]exchange.Client{
		"amqp091": plain{url}, "amqplib": script("amqplib", url), "pika": script("pika", url),
	} {
		for _, form := range exchange.Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				if exchange.Updating() && name != "amqp091" {
					t.Skip("the plain program writes the golden files")
				}
				t.Parallel()
				exchange.Both(t, url, form, unstamped{client})
			})
		}
	}
}

// The JSON of the field's articles, with no mark of any kind.
func TestUnmarkedJSONIsAnEnvelope(t *testing.T) {
	t.Parallel()
	url := need(t)
	topic := exchange.Topic("article")
	received := exchange.Collect(t, url, topic)
	body := `{"eventId":"evt_abc123","eventType":"OrderCreated","timestamp":"2024-01-15T10:30:00Z","version":"1.0","source":"order-service",` +
		`"correlationId":"corr_xyz789","data":{"orderId":"ord_123"}}`
	publish(t, plain{url}, topic, message{RoutingKey: "OrderCreated", Body: body})
	got := received(1)[0]
	if got.Foreign || got.ID != "evt_abc123" || got.Type != "OrderCreated" || got.CorrelationID != "corr_xyz789" || string(got.Data) != `{"orderId":"ord_123"}` {
		t.Errorf("got %+v", got)
	}
}

func TestABrokenClaimIsADeadLetter(t *testing.T) {
	t.Parallel()
	url := need(t)
	topic := exchange.Topic("broken")
	received := exchange.Collect(t, url, topic)
	publish(t, plain{url}, topic,
		message{RoutingKey: "order.placed", Headers: map[string]any{"herald": "1"}, Body: "no id, no type"},
		message{RoutingKey: "order.placed", Headers: map[string]any{}, Body: "foreign"})
	if d := received(1)[0]; !d.Foreign || string(d.Data) != "foreign" {
		t.Errorf("the handler got %+v, want the foreign message alone", d)
	}
	if letter := exchange.DeadLetter(t, url, topic); letter.Reason != messaging.ReasonMalformed || string(letter.Event.Data) != "no id, no type" {
		t.Errorf("the dead letter is %s: %s (%q)", letter.Reason, letter.Error, letter.Event.Data)
	}
}

// Each type of header that AMQP knows arrives as text, and a message with nothing at all arrives, too.
func TestStrangeMessagesArrive(t *testing.T) {
	t.Parallel()
	url := need(t)
	for _, name := range []string{"amqplib", "pika"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := exchange.Topic("strange")
			received := exchange.Collect(t, url, topic)
			client := script(name, url)
			client.Open(t).Run(map[string]any{"do": "strange", "url": url, "topic": topic}, nil)
			events := received(2)
			if e := events[0]; !e.Foreign || e.ID != "strange-1" || string(e.Data) != "strange" {
				t.Errorf("got %+v", e)
			}
			if e := events[1]; !e.Foreign || len(e.Data) != 0 || e.ID == "" {
				t.Errorf("got %+v", e)
			}
			exchange.Golden(t, filepath.Join("testdata", "strange-"+name+".json"), events[0].Headers.Map())
		})
	}
}

func publish(t *testing.T, client plain, topic string, messages ...message) {
	t.Helper()
	var raw []json.RawMessage
	for _, m := range messages {
		raw = append(raw, exchange.Raw(t, m))
	}
	client.Publish(t, topic, raw)
}
