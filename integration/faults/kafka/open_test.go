package kafka_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// session is how long a member may be silent here: the broker's least.
const session = 6 * time.Second

// own returns a broker of the test's own, and marks the test as part of the faults.
func own(t *testing.T, opts ...brokers.Option) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "faults")
	return brokers.Own(t, brokers.Kafka, opts...)
}

// shared returns the broker of the run, for faults that hurt nothing but what the test has made there.
func shared(t *testing.T) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "faults")
	return brokers.Need(t, brokers.Kafka)
}

// open opens a connection that notices a dead peer soon.
func open(ctx context.Context, b *brokers.Broker, d dial, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := kafka.ParseURL(b.URL())
	if err != nil {
		return nil, err
	}
	cfg.Session, cfg.Heartbeat, cfg.RequestTimeout, cfg.Dial = session, 500*time.Millisecond, 3*time.Second, d
	return kafka.OpenConfig(ctx, cfg, opts...)
}

// through returns what the matrix opens connections with.
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
	cfg.Spec.Groups, cfg.Ordered = []string{"workers"}, true
	if cfg.Open == nil {
		cfg.Open = func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
			return open(ctx, b, nil, opts...)
		}
	}
	return load.Start(t, cfg)
}

// bare returns a plain client with a transport of its own: the one that clients share has seen the topics of the tests before, and does not hear of a
// new one for seconds.
func bare(t *testing.T, b *brokers.Broker) *kafkago.Client {
	t.Helper()
	transport := &kafkago.Transport{MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(b.Addr()), Timeout: 10 * time.Second, Transport: transport}
}

// asks asks by a plain client, again while that knows of no broker to ask: a broker that its machine lets stand still is fenced for a moment, and no
// broker names it then.
func asks(t *testing.T, what string, f func() error) {
	t.Helper()
	until(t, what, func() bool {
		err := f()
		if err != nil && !errors.Is(err, kafkago.BrokerNotAvailable) {
			t.Fatalf("%s: %v", what, err)
		}
		return err == nil
	})
}

// tool runs one of Kafka's own programs against the broker.
func tool(t *testing.T, b *brokers.Broker, name string, args ...string) string {
	t.Helper()
	out, err := b.Exec(t.Context(), append([]string{name, "--bootstrap-server", b.Inside()}, args...)...)
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
