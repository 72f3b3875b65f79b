package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/herald-go/herald/adapters/internal/tlsfiles"
)

// Values of Config.SASL.
const (
	// SASLPlain sends user and password as they are; use it over TLS.
	SASLPlain = "plain"
	// SASLScram256 proves the password without sending it.
	SASLScram256 = "scram-sha-256"
	// SASLScram512 proves the password without sending it.
	SASLScram512 = "scram-sha-512"
)

// Values of Config.Declare.
const (
	// DeclareCreate creates topics that are missing.
	DeclareCreate = "create"
	// DeclareVerify creates nothing, no topic and no group: what is missing is ErrUnknownTopic, what differs is ErrConflict.
	DeclareVerify = "verify"
	// DeclareNone creates nothing and compares nothing ahead of use: what is missing is ErrUnknownTopic when it is used.
	DeclareNone = "none"
)

// Values of Config.OutOfRange.
const (
	// OutOfRangeEarliest goes on with the oldest event that is left.
	OutOfRangeEarliest = "earliest"
	// OutOfRangeLatest goes on with what is published from now on.
	OutOfRangeLatest = "latest"
	// OutOfRangeFail ends the subscription with an error that wraps driver.ErrPosition.
	OutOfRangeFail = "fail"
)

// Defaults of a Config's zero fields.
const (
	// DefaultSession is how long the group waits for a member that is silent; Kafka's own brokers take 6 s to 30 min.
	DefaultSession = 30 * time.Second
	// DefaultHeartbeat is how often a member shows that it lives, and how soon it hears of a rebalance.
	DefaultHeartbeat = time.Second
	// DefaultDialTimeout is how long opening waits for a broker that is away, where the context has no deadline.
	DefaultDialTimeout = 30 * time.Second
	// DefaultRequestTimeout is how long a broker may be silent while it owes an answer before its connection counts as dead.
	DefaultRequestTimeout = 10 * time.Second
	// DefaultQueue is how many messages the publisher holds that have no fate yet.
	DefaultQueue = 10_000
	// DefaultQueueBytes is how many bytes the publisher holds that have no fate yet.
	DefaultQueueBytes = 64 << 20
	// DefaultClientID is what brokers log and meter connections under.
	DefaultClientID = "herald"
)

// Config describes a connection to a Kafka cluster. Brokers must be set; all else has a default.
type Config struct {
	// Brokers are addresses to find the cluster by, host or host:port; the port's default is 9092.
	Brokers []string
	// TLS encrypts every connection; the server's certificate is checked against its host name.
	TLS bool
	// TLSFiles says whom to trust and which certificate to show. It counts only with TLS.
	TLSFiles tlsfiles.Files
	// User and Password log in by SASL; an empty User does not log in.
	User, Password string
	// SASL is the mechanism; the default is SASLPlain.
	SASL string
	// Replication is how many copies topics get that this connection creates; 0 is the broker's default.replication.factor.
	Replication int
	// Partitions is how many partitions topics get that are created without a number of their own; 0 is the broker's num.partitions.
	Partitions int
	// MaxMessage is the max.message.bytes of the topics that this connection creates, and what messages may then have as written; 0 is the
	// broker's message.max.bytes. A topic that exists keeps its own, which counts when it is published to.
	MaxMessage int
	// Compression of what is published: none (the default), gzip, snappy, lz4 or zstd.
	Compression string
	// Declare says whether missing topics are created; the default is DeclareCreate.
	Declare string
	// OutOfRange says where a group goes on whose position the broker does not hold any more; the default is OutOfRangeEarliest. The gap is
	// reported with its size in any case. A topic that was deleted and made again is read from its beginning, unless this is OutOfRangeFail.
	OutOfRange string
	// Session is how long the group waits for a silent member before others take over; 0 is DefaultSession. A third of it is the grace for
	// handlers when a partition moves.
	Session time.Duration
	// Heartbeat is the pause between two signs of life; 0 is DefaultHeartbeat. It must be at most a third of Session.
	Heartbeat time.Duration
	// DialTimeout bounds opening where the context has no deadline; 0 is DefaultDialTimeout.
	DialTimeout time.Duration
	// RequestTimeout is how long a broker may be silent while it owes an answer before its connection counts as dead; 0 is
	// DefaultRequestTimeout. An answer that comes slowly may take longer, as long as some of it comes in each such time. A batch whose answer
	// did not come is sent again with the same sequence.
	RequestTimeout time.Duration
	// Queue and QueueBytes bound what the publisher holds without a fate; 0 is DefaultQueue and DefaultQueueBytes.
	Queue, QueueBytes int
	// ClientID is what brokers log and meter connections under; empty is DefaultClientID.
	ClientID string
	// Dial opens every connection; nil is a net.Dialer's DialContext. TLS is done above it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func oneOf(name, value string, known ...string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s is %q, want one of %s", name, value, strings.Join(known, ", "))
}

// checked returns c with its defaults, or why it is not valid. It repeats neither user nor password.
func (c Config) checked() (Config, error) {
	c = c.withDefaults()
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("no broker given, write kafka://host:9092"))
	}
	if c.User == "" && (c.Password != "" || c.SASL != "") {
		errs = append(errs, errors.New("sasl needs a user"))
	}
	errs = append(errs,
		oneOf("sasl", strings.ToLower(c.SASL), SASLPlain, SASLScram256, SASLScram512),
		oneOf("compression", c.Compression, "none", "gzip", "snappy", "lz4", "zstd"),
		oneOf("declare", c.Declare, DeclareCreate, DeclareVerify, DeclareNone),
		oneOf("out_of_range", c.OutOfRange, OutOfRangeEarliest, OutOfRangeLatest, OutOfRangeFail))
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"replication", int64(c.Replication)},
		{"partitions", int64(c.Partitions)},
		{"max message", int64(c.MaxMessage)},
		{"session", int64(c.Session)},
		{"heartbeat", int64(c.Heartbeat)},
		{"dial timeout", int64(c.DialTimeout)},
		{"request timeout", int64(c.RequestTimeout)},
		{"queue", int64(c.Queue)},
		{"queue bytes", int64(c.QueueBytes)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", n.name))
		}
	}
	if c.Replication > 1<<15-1 {
		errs = append(errs, errors.New("replication is out of range"))
	}
	if c.MaxMessage > math.MaxInt32-attributesRoom {
		errs = append(errs, errors.New("max message is out of range"))
	}
	if c.Heartbeat > c.Session/3 {
		errs = append(errs, fmt.Errorf("heartbeat is %v, want at most a third of the session of %v", c.Heartbeat, c.Session))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("kafka: %w", err)
	}
	return c, nil
}

func (c Config) withDefaults() Config {
	c.Brokers = slices.Clone(c.Brokers)
	for i, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			c.Brokers[i] = net.JoinHostPort(strings.Trim(b, "[]"), "9092")
		}
	}
	if c.User != "" && c.SASL == "" {
		c.SASL = SASLPlain
	}
	c.Declare = or(c.Declare, DeclareCreate)
	c.OutOfRange = or(c.OutOfRange, OutOfRangeEarliest)
	c.Compression = or(c.Compression, "none")
	c.Session = or(c.Session, DefaultSession)
	c.Heartbeat = or(c.Heartbeat, min(DefaultHeartbeat, c.Session/3))
	c.DialTimeout = or(c.DialTimeout, DefaultDialTimeout)
	c.RequestTimeout = or(c.RequestTimeout, DefaultRequestTimeout)
	c.Queue = or(c.Queue, DefaultQueue)
	c.QueueBytes = or(c.QueueBytes, DefaultQueueBytes)
	c.ClientID = or(c.ClientID, DefaultClientID)
	return c
}

// or returns v, or fallback where v is zero.
func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
