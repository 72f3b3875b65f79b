package rabbitmq_test

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
)

// What RabbitMQ itself makes of a stranger's headers in a stream, without Herald: streams hold AMQP 1.0. Simple values come back, compound ones are
// left out, and a decimal ends the publisher's channel. It does so for every topic with a stream, and history= binds one.
func TestStreamsTakeSimpleHeadersAlone(t *testing.T) {
	b := shared(t)
	name := streamTopic(t, b)
	ch := channel(t, b)
	must(t, ch.Confirm(false))
	publish := func(headers amqp.Table) bool {
		confirm, err := ch.PublishWithDeferredConfirm(name, "k", true, false, amqp.Publishing{Headers: headers, Body: []byte("x")})
		must(t, err)
		stored, err := confirm.WaitContext(t.Context())
		must(t, err)
		return stored
	}
	if !publish(amqp.Table{
		"text": "t", "number": int64(1), "double": 1.5, "bool": true, "void": nil, "table": amqp.Table{"a": "b"}, "array": []any{"a"},
	}) {
		t.Fatal("a message with a table and an array is not confirmed")
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if publish(amqp.Table{"decimal": amqp.Decimal{Scale: 2, Value: 5}}) {
		t.Error("a decimal is stored: this server has become better than the documentation says")
	} else if err := <-closed; err == nil || !strings.Contains(err.Error(), "INTERNAL_ERROR") {
		t.Errorf("a decimal ends the channel with %v", err)
	}
	reader := channel(t, b)
	must(t, reader.Qos(10, 0, false))
	deliveries, err := reader.Consume(name, "", false, false, false, false, amqp.Table{"x-stream-offset": "first"})
	must(t, err)
	d := <-deliveries
	delete(d.Headers, "x-stream-offset")
	if got := slices.Sorted(maps.Keys(d.Headers)); !slices.Equal(got, []string{"bool", "double", "number", "text", "void"}) {
		t.Errorf("the stream has kept %v", got)
	}
}

// streamTopic makes a topic exchange with a stream and a queue behind it, and returns their name.
func streamTopic(t *testing.T, b *brokers.Broker) string {
	t.Helper()
	ch, name := channel(t, b), "raw-"+rand.Text()
	must(t, ch.ExchangeDeclare(name, "topic", true, false, false, false, nil))
	t.Cleanup(func() { _ = channel(t, b).ExchangeDelete(name, false, false) })
	for queue, kind := range map[string]string{name: "stream", name + "-queue": "quorum"} {
		_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": kind})
		must(t, err)
		must(t, ch.QueueBind(queue, "#", name, false, nil))
		t.Cleanup(func() { _, _ = channel(t, b).QueueDelete(queue, false, false, false) })
	}
	return name
}
