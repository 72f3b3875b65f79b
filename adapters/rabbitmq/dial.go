package rabbitmq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"

	amqp "github.com/rabbitmq/amqp091-go"
)

// connect opens one AMQP connection to one of the addresses, in random order since RabbitMQ spreads clients by nothing else.
func connect(ctx context.Context, cfg *Config, role string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	var failures []error
	for _, i := range rand.Perm(len(cfg.Addresses)) {
		l, err := connectTo(ctx, cfg, cfg.Addresses[i], role)
		if err == nil {
			return l, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil || hopeless(err) {
			break
		}
	}
	return nil, errors.Join(failures...)
}

func connectTo(ctx context.Context, cfg *Config, address, role string) (*link, error) {
	raw, err := cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	// Neither handshake takes a context: closing the connection ends them.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	secured, err := secure(ctx, cfg, raw, address)
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	split := newSplitter(secured)
	wire := newCoalescer(split, 2*cfg.Heartbeat)
	conn, err := amqp.Open(wire, amqpConfig(cfg, role))
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = wire.Close()
		return nil, err
	}
	return newLink(conn, wire, split), nil
}

func secure(ctx context.Context, cfg *Config, raw net.Conn, address string) (net.Conn, error) {
	if !cfg.UseTLS {
		return raw, nil
	}
	config := cfg.TLS.Clone()
	if config == nil {
		var err error
		if config, err = cfg.TLSFiles.Config(); err != nil {
			return nil, err
		}
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	conn := tls.Client(raw, config)
	return conn, conn.HandshakeContext(ctx)
}

// amqpConfig is made anew for each connection: opening writes into its properties.
func amqpConfig(cfg *Config, role string) amqp.Config {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName("herald " + role)
	c := amqp.Config{Vhost: cfg.VHost, Heartbeat: cfg.Heartbeat, FrameSize: frameSize, Properties: properties, Locale: "en_US"}
	if cfg.External {
		c.SASL = []amqp.Authentication{&amqp.ExternalAuth{}}
	} else {
		c.SASL = []amqp.Authentication{&amqp.PlainAuth{Username: cfg.User, Password: cfg.Password}}
	}
	return c
}

// frameSize is RabbitMQ's default; headers must fit into one frame.
const frameSize = 131072
