package network

import (
	"context"
	"net"
	"time"
)

// farDial bounds how long the server's side of a connection from another process may take.
const farDial = 10 * time.Second

// listener leads connections of other processes to one address.
type listener struct {
	net.Listener
	to string
}

// Lead is Listen for programs that are no test. It fails on a network that is closed, or where nothing can listen.
func (n *Network) Lead(address string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listeners[address]; l != nil {
		return l.Addr().String(), nil
	}
	if n.state.closed {
		return "", net.ErrClosed
	}
	var config net.ListenConfig
	socket, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l := &listener{Listener: socket, to: address}
	n.listeners[address] = l
	n.work.Go(func() { n.accept(l) })
	return socket.Addr().String(), nil
}

func (n *Network) accept(l *listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return // closed
		}
		n.work.Go(func() { n.lead(near.(*net.TCPConn), l.to) })
	}
}

// lead joins an accepted connection to its far side, or resets it.
func (n *Network) lead(near *net.TCPConn, to string) {
	ctx, cancel := context.WithTimeout(context.Background(), farDial)
	defer cancel()
	err := n.shake(ctx)
	var far net.Conn
	if err == nil {
		var dialer net.Dialer
		far, err = dialer.DialContext(ctx, "tcp", to)
	}
	if err == nil && n.join(near, far) {
		return
	}
	if far != nil {
		_ = far.Close()
	}
	_ = near.SetLinger(0)
	_ = near.Close()
}

// pair returns the two ends of a new connection over loopback.
func pair(ctx context.Context) (client, near net.Conn, err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	var dialer net.Dialer
	// The kernel completes the connection before it is accepted.
	client, err = dialer.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	for {
		near, err = l.Accept()
		if err != nil {
			return nil, nil, closeAll(err, client)
		}
		if near.RemoteAddr().String() == client.LocalAddr().String() {
			return client, near, nil
		}
		_ = near.Close() // somebody else's, by chance
	}
}
