package network

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED)

// link is one connection through the network: near is the proxy's socket to the client, far the one to the server.
type link struct {
	net       *Network
	near, far *net.TCPConn
	done      chan struct{} // closed by end
	left      atomic.Bool   // the client has closed its end
	once      sync.Once
}

// join carries a connection from now on, unless the network is down or closed.
func (n *Network) join(near, far net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state.closed || n.state.down {
		return false
	}
	l := &link{net: n, near: near.(*net.TCPConn), far: far.(*net.TCPConn), done: make(chan struct{})}
	n.links[l] = struct{}{}
	n.work.Go(l.run)
	return true
}

// run carries both directions until both have ended, or the link is cut.
func (l *link) run() {
	var pumps sync.WaitGroup
	inwards := func(s state) bool { return s.in }
	outwards := func(s state) bool { return s.out }
	pumps.Go(func() { l.pump(l.far, l.near, inwards, outwards) })
	pumps.Go(func() { l.pump(l.near, l.far, outwards, inwards) })
	pumps.Wait()
	l.end(false)
	l.net.mu.Lock()
	delete(l.net.links, l)
	l.net.mu.Unlock()
}

// end closes both sockets, by a reset or after what was written has arrived. It reports whether they were open.
func (l *link) end(reset bool) (open bool) {
	l.once.Do(func() {
		open = true
		close(l.done)
		for _, conn := range []*net.TCPConn{l.near, l.far} {
			if reset {
				_ = conn.SetLinger(0)
			}
			_ = conn.Close()
		}
	})
	return open
}

// chunk is what was read at once, and when it is due at the other side.
type chunk struct {
	data []byte
	err  error
	due  time.Time
}

// inFlight bounds what is read ahead of a slow link, in chunks of up to chunkSize: a few megabytes, as the kernel's buffers would.
const (
	inFlight  = 64
	chunkSize = 32 << 10
)

// pump carries one direction. Reading goes ahead of writing, so that latency does not cost throughput. It waits while its direction is
// swallowed, and with the news that dst is gone while the way back is.
func (l *link) pump(src, dst *net.TCPConn, swallowed, swallowedBack func(state) bool) {
	chunks := make(chan chunk, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() { l.read(src, chunks) })
	defer reader.Wait() // it ends with the stream, or when the link is cut
	for c := range chunks {
		if !l.pass(c, swallowed) {
			return
		}
		if errors.Is(c.err, io.EOF) {
			_ = dst.CloseWrite() // the other direction goes on
			return
		}
		if c.err == nil {
			if _, err := dst.Write(c.data); err == nil {
				continue
			}
			l.pass(chunk{}, swallowedBack)
		}
		l.end(true)
		return
	}
}

func (l *link) read(src *net.TCPConn, chunks chan<- chunk) {
	defer close(chunks)
	buf := make([]byte, chunkSize)
	for {
		n, err := src.Read(buf)
		s, _ := l.net.now()
		due := time.Now().Add(s.latency)
		if n > 0 && !l.put(chunks, chunk{data: append([]byte(nil), buf[:n]...), due: due}) {
			return
		}
		if err != nil {
			if src == l.near {
				l.left.Store(true)
			}
			l.put(chunks, chunk{err: err, due: due})
			return
		}
	}
}

func (l *link) put(chunks chan<- chunk, c chunk) bool {
	select {
	case chunks <- c:
		return true
	case <-l.done:
		return false
	}
}

// pass waits until a chunk may go on. It reports false if the link was reset.
func (l *link) pass(c chunk, swallowed func(state) bool) bool {
	for {
		s, changed := l.net.now()
		if !swallowed(s) {
			wait := time.Until(c.due)
			if s.rate > 0 {
				wait = max(wait, 0) + time.Duration(len(c.data))*time.Second/time.Duration(s.rate)
			}
			return l.wait(wait)
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		}
	}
}

func (l *link) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeAll closes what a failed dial has opened so far, and returns why it failed.
func closeAll(why error, conns ...io.Closer) error {
	for _, c := range conns {
		_ = c.Close()
	}
	return why
}
