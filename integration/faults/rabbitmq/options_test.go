package rabbitmq_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Each kind of exchange and of queue carries the types that a group wants, and no others.
func TestKindsOfExchangeAndQueue(t *testing.T) {
	b := shared(t)
	for _, exchange := range []string{rabbitmq.ExchangeTopic, rabbitmq.ExchangeFanout, rabbitmq.ExchangeDirect} {
		for _, queue := range []string{rabbitmq.QueueQuorum, rabbitmq.QueueClassic} {
			t.Run(exchange+" "+queue, func(t *testing.T) { carries(t, b, exchange, queue) })
		}
	}
}

func carries(t *testing.T, b *brokers.Broker, exchange, queue string) {
	broker, err := rabbitmq.Open(t.Context(), b.URL()+"?exchange="+exchange+"&queue="+queue)
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	topic, got := matrix.Topic(), make(chan string, 10)
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		got <- d.Event.Type
		return nil
	})
	_, err = broker.Subscribe(t.Context(), topic, handler, messaging.Group("workers"), messaging.Types("thing.done"))
	must(t, err)
	must(t, broker.Publish(t.Context(), topic, envelope.New("other.done", []byte("{}")), envelope.New("thing.done", []byte("{}"))))
	select {
	case kind := <-got:
		if kind != "thing.done" {
			t.Errorf("got a %s", kind)
		}
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	plain := channel(t, b)
	if err := plain.ExchangeDeclarePassive(topic, exchange, true, false, false, false, nil); err != nil {
		t.Errorf("the exchange: %v", err)
	}
	_, err = plain.QueueDeclare(driver.Name(driver.KindGroup, topic, "workers"), true, false, false, false, amqp.Table{"x-queue-type": "stream"})
	if err == nil || !strings.Contains(err.Error(), "'"+queue+"'") {
		t.Errorf("the queue is no %s queue: %v", queue, err)
	}
}

// A direct exchange knows no patterns.
func TestDirectExchangeRefusesPatterns(t *testing.T) {
	d := connect(t, shared(t), func(c *rabbitmq.Config) { c.Exchange = rabbitmq.ExchangeDirect })
	for _, types := range [][]string{nil, {"thing.*"}, {"thing.done", "#"}} {
		_, err := d.Subscribe(t.Context(), driver.Spec{Topic: matrix.Topic(), Group: "workers", Types: types, Window: 1, WindowBytes: 1})
		if !errors.Is(err, driver.ErrUnsupported) {
			t.Errorf("types %v: %v, want unsupported", types, err)
		}
	}
}

// A driver that declares nothing uses what is there, and says what is missing.
func TestDeclareVerifyAndNone(t *testing.T) {
	b := shared(t)
	maker := connect(t, b)
	there := matrix.Topic()
	must(t, maker.Declare(t.Context(), []driver.TopicSpec{{Name: there, Groups: []string{"workers"}}}))
	for _, declare := range []string{rabbitmq.DeclareVerify, rabbitmq.DeclareNone} {
		t.Run(declare, func(t *testing.T) {
			d := connect(t, b, func(c *rabbitmq.Config) { c.Declare = declare })
			spec := driver.Spec{Topic: there, Group: "workers", Window: 10, WindowBytes: 1 << 20}
			sub, err := d.Subscribe(t.Context(), spec)
			must(t, err)
			if fate := send(t, d, there, declare); fate != driver.Stored {
				t.Errorf("publish to what is there: %v", fate)
			}
			if got := receive(t, sub); got.ID != declare {
				t.Errorf("got %s", got.ID)
			} else {
				sub.Settle([]driver.Outcome{{Message: got}})
			}
			must(t, sub.Close(t.Context()))
			spec.Group = "missing"
			if _, err := d.Subscribe(t.Context(), spec); !errors.Is(err, driver.ErrUnknownTopic) || !strings.Contains(err.Error(), "missing") {
				t.Errorf("subscribe to a group that is not there: %v", err)
			}
			topic := matrix.Topic()
			if fate := send(t, d, topic, "1"); fate == driver.Stored {
				t.Error("a message for a topic that is not there is stored")
			}
			if err := channel(t, b).ExchangeDeclarePassive(topic, "topic", true, false, false, false, nil); err == nil {
				t.Error("the exchange was made")
			}
			err = d.Declare(t.Context(), []driver.TopicSpec{{Name: topic}})
			if declare == rabbitmq.DeclareVerify && !errors.Is(err, driver.ErrUnknownTopic) {
				t.Errorf("declare what is not there: %v, want unknown", err)
			}
		})
	}
}

// Who creates nothing learns when it subscribes, and not at the first failure, what its group lacks: each thing by name, and how it is made.
func TestVerifyNamesWhatIsMissing(t *testing.T) {
	b := shared(t)
	maker := connect(t, b)
	d := connect(t, b, func(c *rabbitmq.Config) { c.Declare = rabbitmq.DeclareVerify })
	for _, partitions := range []int{0, 2} {
		topic := matrix.Topic()
		must(t, maker.Declare(t.Context(), []driver.TopicSpec{{Name: topic, Groups: []string{"workers"}, Partitions: partitions}}))
		spec := driver.Spec{Topic: topic, Group: "workers", Partitions: partitions, Window: 10, WindowBytes: 1 << 20}
		sub, err := d.Subscribe(t.Context(), spec)
		must(t, err)
		must(t, sub.Close(t.Context()))
		tier, dead := driver.Name(driver.KindLater, topic, "workers", "30s"), driver.Name(driver.KindDead, topic, "workers")
		for _, queue := range []string{tier, dead} {
			_, err := channel(t, b).QueueDelete(queue, false, false, false)
			must(t, err)
		}
		_, err = d.Subscribe(t.Context(), spec)
		verified := d.Declare(t.Context(), []driver.TopicSpec{{Name: topic, Groups: []string{"workers"}, Partitions: partitions}})
		for _, err := range []error{err, verified} {
			if !errors.Is(err, driver.ErrUnknownTopic) {
				t.Fatalf("without two of its queues: %v, want unknown", err)
			}
			for _, word := range []string{tier, "x-message-ttl=30000", dead, "x-queue-type=stream", "declare=create"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("no %q in: %v", word, err)
				}
			}
		}
	}
}

// What is there in another form is an error that names the argument, both values and the remedy.
func TestMismatchIsAConflict(t *testing.T) {
	b := shared(t)
	d := connect(t, b)
	t.Run("an exchange of another type", func(t *testing.T) {
		topic := matrix.Topic()
		must(t, channel(t, b).ExchangeDeclare(topic, "fanout", true, false, false, false, nil))
		conflict(t, d, topic, "exchange "+topic, "type", "fanout", "topic")
	})
	t.Run("a queue of another type", func(t *testing.T) {
		topic := matrix.Topic()
		queue := driver.Name(driver.KindGroup, topic, "workers")
		_, err := channel(t, b).QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "classic"})
		must(t, err)
		conflict(t, d, topic, "queue "+queue, "x-queue-type", "classic", "quorum")
	})
	t.Run("a queue with another argument", func(t *testing.T) {
		topic := matrix.Topic()
		queue := driver.Name(driver.KindGroup, topic, "workers")
		_, err := channel(t, b).QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": 5})
		must(t, err)
		conflict(t, d, topic, "queue "+queue, "x-delivery-limit", "5", "2147483647")
	})
}

func conflict(t *testing.T, d *rabbitmq.Driver, topic string, words ...string) {
	t.Helper()
	_, err := d.Subscribe(t.Context(), driver.Spec{Topic: topic, Group: "workers", Window: 1, WindowBytes: 1})
	if !errors.Is(err, driver.ErrConflict) {
		t.Fatalf("subscribe: %v, want a conflict", err)
	}
	for _, word := range append(words, "is wanted", "configure", "delete") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in: %v", word, err)
		}
	}
}

// Whoever is refused for good learns it at once, and no error repeats the password.
func TestOpeningIsRefusedAtOnce(t *testing.T) {
	b := shared(t)
	const canary = "canary-of-a-wrong-password"
	_, password := login(t, b)
	wrong, err := url.Parse(b.URL())
	must(t, err)
	wrong.User = url.UserPassword(wrong.User.Username(), canary)
	for name, raw := range map[string]string{"vhost": strings.TrimSuffix(b.URL(), "/") + "/elsewhere", "password": wrong.String()} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			broker, err := rabbitmq.Open(t.Context(), raw)
			if err == nil {
				must(t, broker.Close(t.Context()))
			}
			if took := time.Since(began); err == nil || took > atOnce { // three seconds are the broker's own, for a wrong password
				t.Errorf("opened with %v after %v, want an error at once", err, took)
			}
			if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), password)) {
				t.Errorf("the password is in: %v", err)
			}
			t.Log(err)
		})
	}
}
