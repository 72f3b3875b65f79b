package redis_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// patience bounds the wait for what must happen; atOnce is how long what happens at once may take on a machine that stands still for a moment. It
// is less than opening may wait for a server.
const (
	patience = time.Minute
	atOnce   = 20 * time.Second
)

// session is how long a member may be silent here.
const session = 3 * time.Second

// own returns a broker of the test's own, and marks the test as part of the faults.
func own(t *testing.T, opts ...brokers.Option) *brokers.Broker {
	t.Helper()
	t.Attr("suite", "faults")
	return brokers.Own(t, brokers.Redis, opts...)
}

// open opens a connection that notices a dead peer soon.
func open(ctx context.Context, b *brokers.Broker, d dial, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := redis.ParseURL(b.URL())
	if err != nil {
		return nil, err
	}
	cfg.Session, cfg.Timeout, cfg.Dial = session, 2*time.Second, d
	return redis.OpenConfig(ctx, cfg, opts...)
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
	cfg.Spec.Groups = []string{"workers"}
	if cfg.Open == nil {
		cfg.Open = func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
			return open(ctx, b, nil, opts...)
		}
	}
	return load.Start(t, cfg)
}

func cli(t *testing.T, b *brokers.Broker, args ...string) string {
	t.Helper()
	out, err := b.Exec(t.Context(), append([]string{"redis-cli"}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
