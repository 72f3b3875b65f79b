package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// silently keeps connections that can end here without the server's hearing of it, as when an address changes or a router forgets.
type silently struct {
	mu    sync.Mutex
	conns []*silent
}

func (s *silently) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := &silent{Conn: c, dead: make(chan struct{})}
	s.conns = append(s.conns, one)
	return one, nil
}

// cut ends all connections here, and returns how to end them at the server.
func (s *silently) cut() (hangUp func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.conns
	s.conns = nil
	for _, c := range all {
		c.once.Do(func() { close(c.dead) })
		_ = c.Conn.SetDeadline(time.Unix(1, 0))
	}
	return func() {
		for _, c := range all {
			_ = c.Conn.Close()
		}
	}
}

type silent struct {
	net.Conn
	once sync.Once
	dead chan struct{}
}

func (c *silent) isDead() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

func (c *silent) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.isDead() {
		return 0, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

func (c *silent) Write(p []byte) (int, error) {
	if c.isDead() {
		return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	return c.Conn.Write(p)
}

func (c *silent) Close() error {
	if c.isDead() {
		return nil
	}
	return c.Conn.Close()
}

// A connection ends of which the server does not know: it goes on with the read that waits there, and gives what comes next to nobody. It comes
// to the member all the same.
func TestWhatADeadReadIsGivenComesAgain(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	var line silently
	m := memberOf(t, b, matrix.Topic(), driver.Spec{Member: "one", Window: 8}, func(c *redis.Config) { c.Dial = line.dial })
	for i := range 3 {
		m.eval(`return redis.call('XADD', KEYS[1], '*', 'herald-id', ARGV[1], 'herald-type', 't', 'data', '{}')`, fmt.Sprint("before ", i))
		m.finish(1)
		t.Cleanup(line.cut())
		m.awaitNotice(func(n driver.Notice) bool { return n.Kind == driver.Connected })
		m.eval(`return redis.call('XADD', KEYS[1], '*', 'herald-id', ARGV[1], 'herald-type', 't', 'data', '{}')`, fmt.Sprint("after ", i))
		ctx, cancel := context.WithTimeout(t.Context(), atOnce)
		msgs, err := m.sub.Receive(ctx, 1, 1<<20)
		cancel()
		if err != nil {
			t.Fatalf("%d: %v; pending: %s", i, err, cli(t, b, "XPENDING", "{"+m.topic+"}", "workers", "-", "+", "10"))
		}
		m.ack(msgs)
	}
}
