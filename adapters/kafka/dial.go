package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/herald-go/herald/pkg/driver"
)

// newest are the newest versions that are used: the last without tagged fields, which the client library encodes wrongly in some requests, and
// for heartbeats and leaving the first, since of later answers it reads the error from the wrong place.
// Brokers from 2.1 to 4.1 have all of them but the last.
var newest = map[protocol.ApiKey]int16{
	protocol.Produce: 7, protocol.Fetch: fetchVersion, protocol.ListOffsets: 5, protocol.Metadata: 7, protocol.OffsetCommit: 6,
	protocol.OffsetFetch: 5, protocol.FindCoordinator: 2, protocol.JoinGroup: 4, protocol.Heartbeat: 0, protocol.LeaveGroup: 0,
	protocol.SyncGroup: 2, protocol.DescribeGroups: 2, protocol.ListGroups: 2, protocol.SaslHandshake: 1, protocol.ApiVersions: 2,
	protocol.CreateTopics: 3, protocol.DeleteTopics: 3, protocol.DeleteRecords: deleteRecordsVersion, protocol.InitProducerId: 1,
	protocol.DescribeConfigs: 2, protocol.CreatePartitions: 1, protocol.DeleteGroups: 1, protocol.SaslAuthenticate: 1,
	protocol.IncrementalAlterConfigs: 0, // from 2.3 on
}

// version chooses the version of a request.
func (c *conn) version(key protocol.ApiKey) (int16, error) {
	most := newest[key]
	if c.versions == nil {
		return 0, nil // the first request asks for the versions
	}
	there, ok := c.versions[key]
	if !ok || there.least > most {
		return 0, fmt.Errorf("%w: the broker does not take %s of version %d", driver.ErrUnsupported, key, most)
	}
	return min(most, there.most), nil
}

// takes reports whether the broker takes a version of a request.
func (c *conn) takes(key protocol.ApiKey, version int16) bool {
	there, ok := c.versions[key]
	return ok && there.least <= version && version <= there.most
}

// dialer opens connections as the Config says, and no more often than each address's gate lets it.
type dialer struct {
	cfg   Config
	tls   *tls.Config
	ended func(error) // told of each connection that ends by itself; must not block

	mu    sync.Mutex // guards what follows
	gates map[string]*gate
}

func newDialer(cfg Config) (*dialer, error) {
	d := &dialer{cfg: cfg, ended: func(error) {}, gates: map[string]*gate{}}
	if cfg.Dial == nil {
		d.cfg.Dial = new(net.Dialer).DialContext
	}
	if !cfg.TLS {
		return d, nil
	}
	var err error
	d.tls, err = cfg.TLSFiles.Config()
	return d, err
}

// gate returns an address's gate.
func (d *dialer) gate(address string) *gate {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.gates[address]
	if g == nil {
		g = newGate()
		d.gates[address] = g
	}
	return g
}

// dial opens a connection that is ready for requests, when the address's turn comes. One that is in doubt is dialled for all who want it.
func (d *dialer) dial(ctx context.Context, address string, broker int32) (*conn, error) {
	g := d.gate(address)
	leave, err := g.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := d.connect(ctx, g, address, broker)
	if err == nil {
		g.opened()
	} else if ctx.Err() == nil { // whoever gave up has learned nothing
		g.failed(err)
	}
	return c, err
}

// connect opens a connection: encrypted, versions known, logged in.
func (d *dialer) connect(ctx context.Context, g *gate, address string, broker int32) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.RequestTimeout, errNoAnswer)
	defer cancel()
	nc, err := d.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	if d.tls != nil {
		if nc, err = d.encrypt(ctx, nc, address); err != nil {
			return nil, fmt.Errorf("dial %s: %w", address, err)
		}
	}
	c := newConn(nc, broker, d.cfg.ClientID, d.cfg.RequestTimeout, func(c *conn, err error) {
		g.ended(c.stage.Load(), err)
		d.ended(err)
	})
	if err = d.greet(ctx, c); err != nil {
		c.close()
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	c.stage.Store(stageGreeted)
	return c, nil
}

func (d *dialer) encrypt(ctx context.Context, nc net.Conn, address string) (net.Conn, error) {
	cfg := d.tls.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil {
		cfg.ServerName = host
	}
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secured, nil
}

// greet learns the broker's versions and logs in.
func (d *dialer) greet(ctx context.Context, c *conn) error {
	answer, err := c.call(ctx, &apiversions.Request{})
	if err != nil {
		return d.hint(err)
	}
	res, ok := answer.(*apiversions.Response)
	if !ok || res.ErrorCode != 0 {
		return fmt.Errorf("%w: no versions", errProtocol)
	}
	versions := make(map[protocol.ApiKey]versionRange, len(res.ApiKeys))
	for _, k := range res.ApiKeys {
		versions[protocol.ApiKey(k.ApiKey)] = versionRange{k.MinVersion, k.MaxVersion}
	}
	c.versions = versions
	if d.cfg.User == "" {
		return nil
	}
	return d.login(ctx, c)
}

// hint adds what is most often the reason for a broker that hangs up at once.
func (d *dialer) hint(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("%w (the broker hung up: does its listener want TLS or a login?)", err)
}

func (d *dialer) mechanism() (sasl.Mechanism, error) {
	switch d.cfg.SASL {
	case SASLScram256:
		return scram.Mechanism(scram.SHA256, d.cfg.User, d.cfg.Password)
	case SASLScram512:
		return scram.Mechanism(scram.SHA512, d.cfg.User, d.cfg.Password)
	default:
		return plain.Mechanism{Username: d.cfg.User, Password: d.cfg.Password}, nil
	}
}

// login proves who we are. Errors of the mechanism are not repeated: they could hold what was sent.
func (d *dialer) login(ctx context.Context, c *conn) error {
	mechanism, err := d.mechanism()
	if err != nil {
		return errors.New("user or password can't be used with this mechanism")
	}
	answer, err := c.call(ctx, &saslhandshake.Request{Mechanism: mechanism.Name()})
	if err != nil {
		return err
	}
	if res, ok := answer.(*saslhandshake.Response); !ok || res.ErrorCode != 0 {
		return fmt.Errorf("sasl %s: %w", mechanism.Name(), kafkago.UnsupportedSASLMechanism)
	}
	session, state, err := mechanism.Start(ctx)
	for done := false; !done; {
		if err != nil {
			return fmt.Errorf("sasl %s: %w", mechanism.Name(), kafkago.SASLAuthenticationFailed)
		}
		answer, err := c.call(ctx, &saslauthenticate.Request{AuthBytes: state})
		if err != nil {
			return err
		}
		res, ok := answer.(*saslauthenticate.Response)
		if !ok || res.ErrorCode != 0 {
			return fmt.Errorf("sasl %s: %w", mechanism.Name(), kafkago.SASLAuthenticationFailed)
		}
		if done, state, err = session.Next(ctx, res.AuthBytes); err != nil {
			return fmt.Errorf("sasl %s: %w", mechanism.Name(), kafkago.SASLAuthenticationFailed)
		}
	}
	return nil
}
