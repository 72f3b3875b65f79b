package contestants

import (
	"context"
	"net"
	"time"
)

// dialFunc makes a connection.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// amqpDial is a dialFunc as amqp091-go takes it: with a deadline for the handshake, which the client takes off again.
func amqpDial(ctx context.Context, dial dialFunc) func(network, address string) (net.Conn, error) {
	ctx = context.WithoutCancel(ctx) // it dials again long after it was opened
	return func(network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(dialTime))
	}
}

// dialTime bounds the making of a connection.
const dialTime = 10 * time.Second

// plainDialer is a dialFunc as golang.org/x/net/proxy has it.
type plainDialer struct{ dial dialFunc }

// Dial makes a connection.
func (d plainDialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	return d.dial(ctx, network, address)
}
