package redis_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// cuttable keeps the connections of a driver.
type cuttable struct {
	mu    sync.Mutex
	conns []*net.TCPConn
}

func (c *cuttable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if tcp, ok := conn.(*net.TCPConn); ok {
		c.conns = append(c.conns, tcp)
	}
	return conn, nil
}

// cut resets all connections.
func (c *cuttable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	c.conns = nil
}

// A server that answers is back within some round trips and two short pauses: nobody waits for the end of a read that blocks for a second, and has
// just begun. The best of several cuts count, since the machine may be busy with something else.
func TestTrafficFlowsSoonAfterACut(t *testing.T) {
	const cuts, best, most = 7, 3, 500 * time.Millisecond
	b := own(t)
	cfg, err := redis.ParseURL(b.URL())
	must(t, err)
	var c cuttable
	cfg.Dial = c.dial
	d, err := redis.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	topic := matrix.Topic()
	sub, err := d.Subscribe(t.Context(), driver.Spec{Topic: topic, Group: "workers", Window: 10, WindowBytes: 1 << 20})
	must(t, err)
	took := make([]time.Duration, cuts)
	for i := range took {
		c.cut()
		began := time.Now()
		exchange(t, d, sub, topic, strconv.Itoa(i))
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	if t.Logf("traffic again after %v", took); took[best-1] > most {
		t.Errorf("it takes %v until traffic flows again, want %v at most", took[best-1], most)
	}
}

// exchange publishes an event until it is stored, and receives until it has come.
func exchange(t *testing.T, d *redis.Driver, sub driver.Subscription, topic, id string) {
	t.Helper()
	told := make(fates, 1) // Done must not block
	for stored := false; !stored; {
		d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, []*driver.Message{{ID: id, Body: []byte("{}")}}, told)
		stored = (<-told).fate == driver.Stored
	}
	for came := false; !came; {
		msgs, err := sub.Receive(t.Context(), 10, 1<<20)
		must(t, err)
		for _, m := range msgs {
			came = came || m.ID == id
			sub.Settle([]driver.Outcome{{Message: m, Verdict: driver.Ack}})
		}
	}
}
