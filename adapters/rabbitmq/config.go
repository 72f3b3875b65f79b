package rabbitmq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/adapters/internal/tlsfiles"
)

// Kinds of queue for groups.
const (
	// QueueQuorum keeps a group in a quorum queue, replicated where the broker is a cluster. It is the default.
	QueueQuorum = "quorum"
	// QueueClassic keeps a group in a durable classic queue on one node.
	QueueClassic = "classic"
)

// Kinds of exchange for topics.
const (
	// ExchangeTopic routes by patterns over the words of the type. It is the default.
	ExchangeTopic = "topic"
	// ExchangeFanout routes everything to every group; filters are applied by the members.
	ExchangeFanout = "fanout"
	// ExchangeDirect routes by whole types: filters name types without wildcards.
	ExchangeDirect = "direct"
)

// Ways to come by exchanges and queues.
const (
	// DeclareCreate creates what is missing. It is the default.
	DeclareCreate = "create"
	// DeclareVerify creates nothing: whatever part of a group is missing is an error that names it. Bindings and arguments can't be seen.
	DeclareVerify = "verify"
	// DeclareNone neither creates nor looks: what is missing shows when it is used, and an event that finds no place to go to, such as a dead
	// letter, stays in hand. Broadcast readers still get their own queues.
	DeclareNone = "none"
)

// Defaults of a Config's zero fields.
const (
	// DefaultDialTimeout is how long opening waits for a broker that is away when its context has no deadline.
	DefaultDialTimeout = 30 * time.Second
	// DefaultHeartbeat is what amqp091 asks for, and is within the 5 to 20 s that RabbitMQ's documentation advises.
	DefaultHeartbeat = 10 * time.Second
	// DefaultHoldLimit is RabbitMQ's consumer_timeout.
	DefaultHoldLimit = 30 * time.Minute
	// DefaultPipeline is how many messages to one address may be written and not confirmed.
	DefaultPipeline = 1000
	// DefaultQueue is how many messages a publisher holds.
	DefaultQueue = 10_000
	// DefaultQueueBytes is how many bytes a publisher holds.
	DefaultQueueBytes = 16 << 20
	// DefaultMessageEstimate is what one message is taken for when WindowBytes bounds the prefetch.
	DefaultMessageEstimate = 64 << 10
	// DefaultGrace is how long a member may still settle what it holds of a partition that goes to another member: a third of the
	// 30 s that a session usually lasts.
	DefaultGrace = 10 * time.Second
	// maxPrefetch is the largest number that basic.qos can carry.
	maxPrefetch = 65535
)

// Config describes a connection. The zero value is useful: guest at localhost, quorum queues, topic exchanges, everything created on use.
type Config struct {
	// Addresses are "host:port" or "host", tried in random order; the port defaults to 5672, or 5671 with TLS. Empty is localhost.
	Addresses []string
	// User and Password log in; both empty is guest, which RabbitMQ takes on loopback only. They appear in no error.
	User, Password string
	// VHost is the virtual host; empty is "/".
	VHost string
	// UseTLS encrypts; TLS gives the configuration, else TLSFiles does. The server's name is that of the address.
	UseTLS bool
	// TLS is used as it stands but for its server name; nil means TLSFiles.
	TLS *tls.Config
	// TLSFiles are the files for TLS; the zero value trusts the system's authorities.
	TLSFiles tlsfiles.Files
	// External logs in by the client's certificate (SASL EXTERNAL) instead of user and password.
	External bool
	// Heartbeat is the interval of heartbeats; a dead peer is noticed after about twice that. 0 is DefaultHeartbeat.
	Heartbeat time.Duration
	// DialTimeout bounds New when its context has no deadline, and each single attempt to connect. 0 is DefaultDialTimeout.
	DialTimeout time.Duration
	// Dial makes every network connection; nil is a net.Dialer. TLS is done above it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Queue is the type of the groups' queues: QueueQuorum or QueueClassic. Empty is QueueQuorum.
	Queue string
	// Exchange is the kind of the topics' exchanges: ExchangeTopic, ExchangeFanout or ExchangeDirect. Empty is ExchangeTopic.
	Exchange string
	// Declare says how exchanges and queues come to be: DeclareCreate, DeclareVerify or DeclareNone. Empty is DeclareCreate.
	Declare string
	// History keeps what is published to each topic in a stream for so long, so that it can be read again; 0 keeps nothing.
	History time.Duration

	// Prefetch bounds the prefetch of a subscription beside its window; 0 is unbounded.
	Prefetch int
	// MessageEstimate is what one message is taken for, in bytes, when a subscription's WindowBytes bounds its prefetch: AMQP counts
	// messages only. Set it to the largest message for a hard bound. 0 is DefaultMessageEstimate.
	MessageEstimate int
	// HoldLimit is the broker's consumer_timeout. 0 is DefaultHoldLimit.
	HoldLimit time.Duration
	// MaxMessage is the broker's max_message_size in bytes; 0 is its default by version: 16 MiB from 4.0, 128 MiB before.
	MaxMessage int
	// Grace is how long a partition's old owner may settle what it holds. 0 is DefaultGrace.
	Grace time.Duration

	// Pipeline is how many messages to one topic, inbox or log may be written and not yet confirmed; what is beyond it holds up no others. 0 is
	// DefaultPipeline.
	Pipeline int
	// PublishQueue and PublishQueueBytes bound what the publisher holds, unconfirmed messages included. 0 is DefaultQueue and DefaultQueueBytes.
	PublishQueue, PublishQueueBytes int
}

// checked returns the configuration with its defaults, or says what can't be.
func (c Config) checked() (Config, error) {
	c = c.withDefaults()
	for _, choice := range []struct{ name, value, known string }{
		{"queue", c.Queue, "quorum classic"}, {"exchange", c.Exchange, "topic fanout direct"}, {"declare", c.Declare, "create verify none"},
	} {
		if !contains(strings.Fields(choice.known), choice.value) {
			return Config{}, fmt.Errorf("rabbitmq: %s is %q, want one of: %s", choice.name, choice.value, choice.known)
		}
	}
	for _, a := range c.Addresses {
		if !isAddress(a) {
			return Config{}, errors.New("rabbitmq: an address is not host:port")
		}
	}
	if c.Heartbeat < time.Second {
		return Config{}, fmt.Errorf("rabbitmq: heartbeat is %v, want at least 1s", c.Heartbeat)
	}
	if min(c.DialTimeout, c.History, c.HoldLimit, c.Grace) < 0 {
		return Config{}, errors.New("rabbitmq: a duration is negative")
	}
	if min(c.Prefetch, c.MessageEstimate, c.MaxMessage, c.Pipeline, c.PublishQueue, c.PublishQueueBytes) < 0 {
		return Config{}, errors.New("rabbitmq: a number is negative")
	}
	if !c.UseTLS && (c.TLS != nil || c.TLSFiles != tlsfiles.Files{}) {
		return Config{}, errors.New("rabbitmq: what is said of TLS counts for amqps:// alone (UseTLS)")
	}
	if c.External && !c.UseTLS {
		return Config{}, errors.New("rabbitmq: external login needs TLS: use amqps://")
	}
	return c, nil
}

func (c Config) withDefaults() Config {
	port := "5672"
	if c.UseTLS {
		port = "5671"
	}
	addresses := c.Addresses
	if len(addresses) == 0 {
		addresses = []string{"localhost"}
	}
	c.Addresses = make([]string, len(addresses))
	for i, a := range addresses {
		c.Addresses[i] = withPort(a, port)
	}
	if c.User == "" && c.Password == "" {
		c.User, c.Password = "guest", "guest"
	}
	orText(&c.VHost, "/")
	orText(&c.Queue, QueueQuorum)
	orText(&c.Exchange, ExchangeTopic)
	orText(&c.Declare, DeclareCreate)
	orNumber(&c.Heartbeat, DefaultHeartbeat)
	orNumber(&c.DialTimeout, DefaultDialTimeout)
	orNumber(&c.HoldLimit, DefaultHoldLimit)
	orNumber(&c.Grace, DefaultGrace)
	orNumber(&c.MessageEstimate, DefaultMessageEstimate)
	orNumber(&c.Pipeline, DefaultPipeline)
	orNumber(&c.PublishQueue, DefaultQueue)
	orNumber(&c.PublishQueueBytes, DefaultQueueBytes)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// withPort adds the port that is left out; an IPv6 address without one stands in brackets.
func withPort(address, port string) string {
	if inner, ok := strings.CutPrefix(address, "["); ok && strings.HasSuffix(inner, "]") {
		return net.JoinHostPort(strings.TrimSuffix(inner, "]"), port)
	}
	if !strings.Contains(address, ":") {
		return net.JoinHostPort(address, port)
	}
	return address
}

// isAddress reports whether an address can be dialled: a host and a port that is a number. Only an IPv6 address holds colons.
func isAddress(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "[]@/") {
		return false
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":%") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func orText(v *string, instead string) {
	if *v == "" {
		*v = instead
	}
}

func orNumber[N int | time.Duration](v *N, instead N) {
	if *v == 0 {
		*v = instead
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
