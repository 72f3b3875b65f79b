package rabbitmq_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// patience bounds the wait for what must happen; atOnce is how long what happens at once may take on a machine that stands still for a moment. It
// is less than opening may wait for a broker.
const (
	patience = time.Minute
	atOnce   = 20 * time.Second
)

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// own returns a broker of the test's own, and marks the test as part of the faults.
func own(t *testing.T, opts ...brokers.Option) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "faults")
	return brokers.Own(t, brokers.RabbitMQ, opts...)
}

// shared returns the run's broker, for tests that do it no harm.
func shared(t *testing.T) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "faults")
	return brokers.Need(t, brokers.RabbitMQ)
}

// open opens a connection that notices a dead peer soon.
func open(ctx context.Context, b *brokers.Broker, d dial, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := rabbitmq.ParseURL(b.URL())
	if err != nil {
		return nil, err
	}
	cfg.Heartbeat = 2 * time.Second
	cfg.Dial = d
	return rabbitmq.OpenConfig(ctx, cfg, opts...)
}

// through returns what the matrix and the load open connections with.
func through(b *brokers.Broker) func(context.Context, *network.Network, ...messaging.Option) (*messaging.Broker, error) {
	return func(ctx context.Context, n *network.Network, opts ...messaging.Option) (*messaging.Broker, error) {
		return open(ctx, b, n.Dial, opts...)
	}
}

// busy starts a load over plain connections.
func busy(t *testing.T, b *brokers.Broker, cfg load.Config) *load.Load {
	t.Helper()
	if cfg.Topic == "" {
		cfg.Topic = matrix.Topic()
	}
	cfg.Spec.Groups = []string{"workers"}
	cfg.Open = func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
		return open(ctx, b, nil, opts...)
	}
	return load.Start(t, cfg)
}

// connect returns a driver of its own.
func connect(t *testing.T, b *brokers.Broker, change ...func(*rabbitmq.Config)) *rabbitmq.Driver {
	t.Helper()
	cfg, err := rabbitmq.ParseURL(b.URL())
	must(t, err)
	for _, c := range change {
		c(&cfg)
	}
	d, err := rabbitmq.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	return d
}

// send publishes one message through a driver and returns its fate.
func send(t *testing.T, d *rabbitmq.Driver, topic, id string) driver.Fate {
	t.Helper()
	stored := make(result, 1)
	m := &driver.Message{ID: id, Type: "thing.done", Body: []byte("{}")}
	d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, []*driver.Message{m}, stored)
	return <-stored
}

// channel returns a channel of a plain program.
func channel(t *testing.T, b *brokers.Broker) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(b.URL())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	must(t, err)
	return ch
}

// login returns the user and the password that the broker is opened with.
func login(t *testing.T, b *brokers.Broker) (user, password string) {
	t.Helper()
	u, err := url.Parse(b.URL())
	must(t, err)
	password, _ = u.User.Password()
	return u.User.Username(), password
}

func ctl(t *testing.T, b *brokers.Broker, args ...string) string {
	t.Helper()
	out, err := b.Exec(t.Context(), append([]string{"rabbitmqctl"}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
