package network

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// Network carries TCP connections, and hurts them on demand. Its methods are safe for concurrent use. It ends with its test: every
// connection is closed then, and every goroutine is waited for.
type Network struct {
	mu        sync.Mutex
	state     state
	changed   chan struct{} // closed and replaced whenever state changes
	listeners map[string]*listener
	links     map[*link]struct{}
	dials     int
	work      sync.WaitGroup
}

// state is what holds for all connections at a moment.
type state struct {
	closed  bool // the test has ended
	down    bool
	in, out bool // swallowed: towards the client, towards the server
	latency time.Duration
	rate    int // bytes per second and direction; 0 is unlimited
}

// New returns a network without faults. It is closed when the test ends.
func New(t testing.TB) *Network {
	t.Helper()
	n := Open()
	t.Cleanup(n.Close)
	return n
}

// Open returns a network without faults, for programs that are no test. The caller must Close it.
func Open() *Network {
	return &Network{changed: make(chan struct{}), listeners: map[string]*listener{}, links: map[*link]struct{}{}}
}

// Dial connects to address, "host:port", through the network. It has the form of net.Dialer's DialContext and of the adapters' Config.Dial.
// It fails as a dial does: at once when the network is down or nobody listens, and when ctx ends while packets are swallowed.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dials++
	n.mu.Unlock()
	if err := n.shake(ctx); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var dialer net.Dialer
	// The far side is dialled first: where nobody listens, the client is refused and not accepted and dropped.
	far, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, near, err := pair(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, closeAll(err, far))
	}
	if !n.join(near, far) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: closeAll(errRefused, client, near, far)}
	}
	return client, nil
}

// Listen returns an address, "127.0.0.1:port", whose connections go to address through the network: for clients in other processes. It is the
// same at each call. A connection that is made while the network is down is accepted and reset.
func (n *Network) Listen(t testing.TB, address string) string {
	t.Helper()
	local, err := n.Lead(address)
	if err != nil {
		t.Fatalf("network: %v", err)
	}
	return local
}

// Cut resets every connection there is. New ones are welcome. It returns how many it has cut.
func (n *Network) Cut() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut()
}

// Down resets every connection and refuses new ones until Up or Heal.
func (n *Network) Down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change(func(s *state) { s.down = true })
	n.cut()
}

// Up ends Down.
func (n *Network) Up() { n.set(func(s *state) { s.down = false }) }

// BlackHole swallows what goes towards the client (in) and towards the server (out), the end of a stream and resets included. While either
// is on, new connections come to nothing: Dial waits for its context. Nobody is told. As with packets that are sent again, what was swallowed
// arrives when the direction opens, unless the connection was cut before.
func (n *Network) BlackHole(in, out bool) { n.set(func(s *state) { s.in, s.out = in, out }) }

// Slow delays each byte by latency in either direction, and passes bytesPerSecond in each; 0 is no limit.
func (n *Network) Slow(latency time.Duration, bytesPerSecond int) {
	n.set(func(s *state) { s.latency, s.rate = latency, bytesPerSecond })
}

// Heal ends every fault.
func (n *Network) Heal() { n.set(func(s *state) { *s = state{closed: s.closed} }) }

// Connections returns how many connections the client has open. One that it has closed does not count, although the server may hold its end
// for as long as it is busy with a request: Kafka reads no end of stream meanwhile.
func (n *Network) Connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	open := 0
	for l := range n.links {
		if !l.left.Load() {
			open++
		}
	}
	return open
}

// Dials returns how often Dial was called, failures included.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

func (n *Network) set(change func(*state)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change(change)
}

// change is for callers that hold mu.
func (n *Network) change(change func(*state)) {
	change(&n.state)
	close(n.changed)
	n.changed = make(chan struct{})
}

// cut is for callers that hold mu. A link leaves the set by itself once its goroutines have ended.
func (n *Network) cut() int {
	count := 0
	for l := range n.links {
		if l.end(true) {
			count++
		}
	}
	return count
}

// now returns what holds, and a channel that tells when it no longer does.
func (n *Network) now() (state, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state, n.changed
}

// shake waits as long as a connection's first packets would take.
func (n *Network) shake(ctx context.Context) error {
	for {
		s, changed := n.now()
		switch {
		case s.closed:
			return net.ErrClosed
		case s.down:
			return errRefused
		}
		if !s.in && !s.out {
			return sleep(ctx, 2*s.latency)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close closes every connection and waits for every goroutine. It must be called once at most.
func (n *Network) Close() {
	n.mu.Lock()
	n.change(func(s *state) { s.closed = true })
	for _, l := range n.listeners {
		_ = l.Close() // it is only told to stop
	}
	n.cut()
	n.mu.Unlock()
	n.work.Wait()
}
