package conformance_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/network"
)

func TestMain(m *testing.M) {
	brokers.TakeGiven()
	flag.Parse()
	// Most sentences wait for the broker most of the time: more of them run side by side than there are processors.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	m.Run()
}

// dial is what a driver makes each of its connections by.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// open opens a driver to a broker; every connection it makes goes through dial.
type open func(ctx context.Context, b *brokers.Broker, dial dial) (driver.Driver, error)

// harness returns what drivertest needs of a real broker: a network of its own for each driver, which Disconnect takes away from all and Cut
// resets for one. Refuse, Unanswered, Inject and the bounds are for each adapter to add. Patience is for a machine that also runs the broker.
func harness(t *testing.T, b *brokers.Broker, open open) drivertest.Harness {
	t.Helper()
	nets := &networks{t: t, of: map[driver.Driver]*network.Network{}}
	name := b.Kind().Adapter() // its first word is the broker of the report
	if b.Kind() == brokers.Valkey {
		name += " (valkey)"
	}
	return drivertest.Harness{
		Name: name,
		Open: func(ctx context.Context) (driver.Driver, error) {
			return nets.open(func(dial dial) (driver.Driver, error) { return open(ctx, b, dial) })
		},
		Disconnect: func() error { nets.down(); return nil },
		Reconnect:  func() error { nets.up(); return nil },
		Cut:        nets.cut,
		Quiet:      300 * time.Millisecond,
		Patience:   30 * time.Second,
	}
}

// networks are those of the drivers that a suite has opened.
type networks struct {
	t *testing.T

	mu   sync.Mutex
	away bool
	all  []*network.Network
	of   map[driver.Driver]*network.Network
}

func (n *networks) open(open func(dial dial) (driver.Driver, error)) (driver.Driver, error) {
	between := network.New(n.t)
	n.mu.Lock()
	n.all = append(n.all, between)
	if n.away {
		between.Down()
	}
	n.mu.Unlock()
	d, err := open(between.Dial)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[d] = between
	return d, nil
}

func (n *networks) down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = true
	for _, between := range n.all {
		between.Down()
	}
}

func (n *networks) up() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = false
	for _, between := range n.all {
		between.Up()
	}
}

func (n *networks) cut(d driver.Driver) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	between := n.of[d]
	if between == nil {
		return fmt.Errorf("cut: the driver %T was not opened here", d)
	}
	between.Cut()
	return nil
}
