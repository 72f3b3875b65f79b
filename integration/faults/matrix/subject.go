package matrix

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// Subject is a broker whose faults are tested.
type Subject struct {
	// Broker is one that the test owns. Its rows run one after the other.
	Broker *brokers.Broker
	// Open opens a connection whose traffic goes over the network.
	Open func(ctx context.Context, n *network.Network, opts ...messaging.Option) (*messaging.Broker, error)
	// Recovery is how soon traffic must flow again when the broker answers; 5 s by default.
	Recovery time.Duration
	// Silence is how long a black hole lasts: longer than the client needs to notice it.
	Silence time.Duration
	// Ordered says that the broker keeps each key's order over several members.
	Ordered bool
	// Spec is what topics are, their names aside.
	Spec messaging.Topic
}

// bench is one row's load, with the networks of those who take part: the publishers' first.
type bench struct {
	*load.Load
	t        *testing.T
	s        Subject
	networks []*network.Network
	topic    string
	before   int // goroutines
}

// start begins the load of a row.
func (s Subject) start(t *testing.T, cfg load.Config) *bench {
	t.Helper()
	b := &bench{t: t, s: s, topic: Topic(), before: runtime.NumGoroutine()}
	cfg.Topic, cfg.Spec, cfg.Ordered = b.topic, s.Spec, s.Ordered
	cfg.Spec.Groups = []string{"workers"}
	cfg.Open = func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
		n := network.New(t)
		b.networks = append(b.networks, n)
		return s.Open(ctx, n, opts...)
	}
	b.Load = load.Start(t, cfg)
	return b
}

// Topic returns a name that no other row has.
func Topic() string { return fmt.Sprintf("faults.%08x", rand.Uint32()) }

// all does something to every network.
func (b *bench) all(change func(*network.Network)) {
	for _, n := range b.networks {
		change(n)
	}
}

// recovery is the goal.
func (s Subject) recovery() time.Duration {
	if s.Recovery == 0 {
		return 5 * time.Second
	}
	return s.Recovery
}

// finish judges the row, and looks for what is left behind.
func (b *bench) finish() {
	b.t.Helper()
	b.Finish()
	b.left()
}

// patience bounds the wait for what has to end by itself.
const patience = 30 * time.Second

func (b *bench) left() {
	b.t.Helper()
	settled := within(patience, func() bool {
		open := 0
		b.all(func(n *network.Network) { open += n.Connections() })
		return open == 0
	})
	if !settled {
		b.t.Error("connections are left open after Close")
	}
	// Each network has a goroutine or two of its own until the test ends.
	allowed := b.before + 4*len(b.networks)
	if !within(patience, func() bool { return runtime.NumGoroutine() <= allowed }) {
		stacks := make([]byte, 1<<20)
		b.t.Errorf("%d goroutines before the row, %d after it:\n%s", b.before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
	}
}

// within reports whether a condition comes true in time.
func within(limit time.Duration, holds func() bool) bool {
	check := time.NewTicker(20 * time.Millisecond)
	defer check.Stop()
	for began := time.Now(); time.Since(began) < limit; <-check.C {
		if holds() {
			return true
		}
	}
	return holds()
}

// after waits, as long as a fault lasts.
func after(d time.Duration) { <-time.After(d) }

// must fails the test on an error of the harness.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
