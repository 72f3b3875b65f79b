package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// wires are the open connections of one client, so that all of them can be cut: a command that blocks can't be interrupted otherwise.
type wires struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tls    *tls.Config
	within time.Duration
	veto   func() error // set: asked when a connection has been opened, whether it is wanted still
	find   *sentinels   // set: they say where to dial, whatever address is asked for

	written atomic.Uint64 // writes that were tried

	mu   sync.Mutex
	open map[*wire]struct{}
	last map[string]*wire // by address
}

func newWires(cfg Config) *wires {
	return &wires{dial: cfg.Dial, tls: cfg.TLS, within: cfg.Timeout, open: make(map[*wire]struct{}), last: make(map[string]*wire)}
}

// Dial is the dialer that the client library is given. It returns no error: the library would print it, and go on dialling by itself. What is
// refused is a connection whose first use tells why.
func (w *wires) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.within)
	defer cancel()
	c, err := w.connect(ctx, network, address)
	if err != nil {
		return refused{why: err, address: address}, nil
	}
	return c, nil
}

func (w *wires) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if w.find != nil {
		var err error
		if address, err = w.find.primary(ctx); err != nil {
			return nil, err
		}
	}
	raw, err := w.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &wire{Conn: raw, of: w, to: address}
	w.mu.Lock()
	w.open[c] = struct{}{}
	w.last[address] = c
	w.mu.Unlock()
	if w.find != nil && !w.find.stands(address) { // what was open when it was replaced has been cut
		_ = c.Close() // the reason is told
		return nil, errOtherPrimary
	}
	if w.veto != nil { // after the connection can be cut, so that none slips through
		if err := w.veto(); err != nil {
			_ = c.Close() // the reason is told
			return nil, err
		}
	}
	if w.tls == nil {
		if file, ok := raw.(syscall.Conn); ok {
			return &wireWithFile{c, file}, nil
		}
		return c, nil
	}
	cfg := w.tls.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(c, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			err = because(errNoHandshake, err)
		}
		return nil, err
	}
	return secure, nil
}

var errNoHandshake = errors.New("no answer to the TLS handshake, so the server may not speak TLS")

// refused is a connection that could not be made.
type refused struct {
	why     error
	address string
}

func (r refused) Read([]byte) (int, error)         { return 0, r.why }
func (r refused) Write([]byte) (int, error)        { return 0, r.why }
func (r refused) Close() error                     { return nil }
func (r refused) LocalAddr() net.Addr              { return refusedAddr("") }
func (r refused) RemoteAddr() net.Addr             { return refusedAddr(r.address) }
func (r refused) SetDeadline(time.Time) error      { return nil }
func (r refused) SetReadDeadline(time.Time) error  { return nil }
func (r refused) SetWriteDeadline(time.Time) error { return nil }

// refusedAddr is the address of either end.
type refusedAddr string

func (refusedAddr) Network() string  { return "tcp" }
func (a refusedAddr) String() string { return string(a) }

// alive reports whether the latest connection to each address still stands, as far as this machine knows. It is for clients of which no
// connection waits in a read: a look would wait for that.
func (w *wires) alive() bool {
	w.mu.Lock()
	last := make([]*wire, 0, len(w.last))
	for _, c := range w.last {
		last = append(last, c)
	}
	w.mu.Unlock()
	for _, c := range last {
		if !c.stands() {
			return false
		}
	}
	return len(last) > 0
}

// cut closes all connections; the client opens new ones.
func (w *wires) cut() { w.keepOnly("") }

// keepOnly closes the connections that do not go to an address.
func (w *wires) keepOnly(address string) {
	w.mu.Lock()
	open := make([]*wire, 0, len(w.open))
	for c := range w.open {
		if address == "" || c.to != address {
			open = append(open, c)
		}
	}
	for to := range w.last { // one that goes elsewhere says nothing any more
		if address != "" && to != address {
			delete(w.last, to)
		}
	}
	w.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// wire is one connection.
type wire struct {
	net.Conn
	of     *wires
	to     string
	peeked []byte // what stands looked at, for the next Read
	spare  [1]byte
	once   sync.Once
	err    error
}

// wireWithFile is a connection whose pool can ask the kernel whether it still stands before it uses it.
type wireWithFile struct {
	*wire
	file syscall.Conn
}

// SyscallConn implements syscall.Conn.
func (c *wireWithFile) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }

// Read implements net.Conn.
func (c *wire) Read(p []byte) (int, error) {
	if len(c.peeked) > 0 && len(p) > 0 {
		n := copy(p, c.peeked)
		c.peeked = c.peeked[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *wire) Write(p []byte) (int, error) {
	c.of.written.Add(1)
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *wire) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		delete(c.of.open, c)
		c.of.mu.Unlock()
		c.err = c.Conn.Close()
	})
	return c.err
}

func (c *wire) isOpen() bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	_, open := c.of.open[c]
	return open
}

// stands reports whether the connection is open as far as the kernel knows, for a connection on which nothing is awaited. It is the moment
// before a message is claimed: on a connection that is known to be cut, nothing must be written.
func (c *wire) stands() bool {
	if !c.isOpen() {
		return false
	}
	if len(c.peeked) > 0 {
		return true
	}
	if verdict, known := peek(c.Conn); known {
		return verdict
	}
	// A connection without a file descriptor of its own, as tests put between: a read that must not wait long.
	if c.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	n, err := c.Conn.Read(c.spare[:])
	if n > 0 {
		c.peeked = c.spare[:n]
	}
	timeout, ok := err.(net.Error) //nolint:errorlint // net's own, never wrapped
	return err == nil || ok && timeout.Timeout()
}

// standsBesideReader is stands for a connection on which somebody waits for what comes: that one is the first to know where the kernel can't be
// asked.
func (c *wire) standsBesideReader() bool {
	if !c.isOpen() {
		return false
	}
	verdict, known := peek(c.Conn)
	return verdict || !known
}
