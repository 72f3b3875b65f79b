package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults of a Config's zero fields.
const (
	// DefaultAddress is where a Redis without configuration listens.
	DefaultAddress = "127.0.0.1:6379"
	// DefaultSession is how long a member may be silent before others take what it holds.
	DefaultSession = 15 * time.Second
	// DefaultHistory is how long entries stay that every group has finished.
	DefaultHistory = 24 * time.Hour
	// DefaultTimeout is how long an answer may take.
	DefaultTimeout = 5 * time.Second
	// DefaultDialTimeout bounds New where its context has no deadline.
	DefaultDialTimeout = 30 * time.Second
	// DefaultQueue is how many messages a publisher queues.
	DefaultQueue = 10_000
	// DefaultQueueBytes is how many bytes a publisher queues.
	DefaultQueueBytes = 32 << 20
	// DefaultBuffer is how many messages a Pub/Sub reader buffers.
	DefaultBuffer = 10_000
)

// Values of Config.Durability.
const (
	// DurabilityReply trusts the reply to the write; what that survives is the server's configuration. It costs nothing.
	DurabilityReply = "reply"
	// DurabilityAOF waits until the server has synced its append-only file (WAITAOF 1 0, from Redis 7.2). The server syncs by its own policy:
	// with appendfsync everysec each pipeline, of 500 messages at most, waits for up to a second; with always it waits for nothing more.
	DurabilityAOF = "aof"
	// DurabilityReplicas is the prefix of "replicas:n", which waits until n replicas have the write in memory (WAIT): one more round trip
	// between the servers per pipeline.
	DurabilityReplicas = "replicas:"
)

// Values of Config.Overflow.
const (
	// OverflowBlock stops reading from the connection: nothing is dropped here, until the server's client-output-buffer-limit cuts the
	// connection.
	OverflowBlock = "block"
	// OverflowOldest drops the oldest message that waits.
	OverflowOldest = "drop-oldest"
	// OverflowLatest keeps the latest message of each key, and drops the oldest where that does not help.
	OverflowLatest = "latest"
)

// Config says where a Redis is and how it is used. The zero value is a server on DefaultAddress without a password.
type Config struct {
	// Addresses are host:port, the port 6379 (26379 with Master) if left out. Several are a cluster, or sentinels with Master. Defaults to
	// DefaultAddress.
	Addresses []string
	// Username and Password authenticate (AUTH); both may be empty.
	Username, Password string
	// SentinelUsername and SentinelPassword authenticate to the sentinels.
	SentinelUsername, SentinelPassword string
	// DB is the logical database; a cluster has 0 alone.
	DB int
	// Cluster says that one address is a cluster's. Several without Master are one anyway.
	Cluster bool
	// Master is the name under which sentinels know the primary.
	Master string
	// TLS, when set, is spoken over what Dial returns. Its ServerName defaults to the host that is dialled.
	TLS *tls.Config
	// PubSub is the fire-and-forget mode: channels in the place of streams.
	PubSub bool
	// Durability is what a stored message has waited for: DurabilityReply, DurabilityAOF or "replicas:n". Defaults to DurabilityReply.
	Durability string
	// Session is how long a member may be silent before others take what it holds. Defaults to DefaultSession; at least one second.
	Session time.Duration
	// History is how long entries stay that every group of the topic has finished; negative is for ever. Topics that are declared with
	// bounds of their own, and logs, are not concerned. Defaults to DefaultHistory.
	History time.Duration
	// AllowEviction opens a server whose eviction policy may delete streams; otherwise New refuses it.
	AllowEviction bool
	// Overflow is what a Pub/Sub reader does whose buffer is full: OverflowBlock, OverflowOldest or OverflowLatest. Defaults to
	// OverflowBlock.
	Overflow string
	// Channels is what has a Pub/Sub channel of its own: ChannelsTopic or ChannelsType. Publishers and readers must agree. Defaults to
	// ChannelsTopic.
	Channels string
	// Buffer is how many messages a Pub/Sub reader buffers, beside its window. Defaults to DefaultBuffer.
	Buffer int
	// Timeout is how long an answer may take before the connection is given up. A Pub/Sub reader asks whether the server is there when it has
	// heard nothing for a second: of a peer that is gone without a word it misses what is published in that second and in Timeout, and tells
	// so as a gap. Defaults to DefaultTimeout.
	Timeout time.Duration
	// DialTimeout bounds New where its context has no deadline. Defaults to DefaultDialTimeout.
	DialTimeout time.Duration
	// Queue and QueueBytes bound what the publisher holds. They default to DefaultQueue and DefaultQueueBytes.
	Queue, QueueBytes int
	// Dial opens every connection, also those to sentinels and cluster nodes. Defaults to a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	sentinels *sentinels // the driver's, with Master
}

// checked returns c with its defaults, or all that is wrong with it.
func (c Config) checked() (Config, error) {
	c = c.withDefaults()
	var errs []error
	if c.DB < 0 || c.DB > 0 && c.isCluster() {
		errs = append(errs, fmt.Errorf("db is %d, want 0 or more, and 0 in a cluster", c.DB))
	}
	for i, a := range c.Addresses {
		if !validAddress(a) { // which is not repeated: a part of a password may stand in it
			errs = append(errs, fmt.Errorf("address %d is not a host with the number of a port behind it", i+1))
		}
	}
	if c.Cluster && c.Master != "" {
		errs = append(errs, errors.New("cluster and master exclude each other"))
	}
	if _, err := c.replicas(); err != nil {
		errs = append(errs, err)
	}
	if c.Session < time.Second {
		errs = append(errs, fmt.Errorf("session is %v, want a second or more", c.Session))
	}
	if !slices.Contains([]string{OverflowBlock, OverflowOldest, OverflowLatest}, c.Overflow) {
		errs = append(errs, fmt.Errorf("overflow is %q, want %s, %s or %s", c.Overflow, OverflowBlock, OverflowOldest, OverflowLatest))
	}
	if c.Channels != ChannelsTopic && c.Channels != ChannelsType {
		errs = append(errs, fmt.Errorf("channels is %q, want %s or %s", c.Channels, ChannelsTopic, ChannelsType))
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"timeout", int64(c.Timeout)},
		{"dial_timeout", int64(c.DialTimeout)},
		{"queue", int64(c.Queue)},
		{"queue_bytes", int64(c.QueueBytes)},
		{"buffer", int64(c.Buffer)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", n.name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("redis: %w", err)
	}
	return c, nil
}

func (c Config) withDefaults() Config {
	if len(c.Addresses) == 0 {
		c.Addresses = []string{DefaultAddress}
	}
	c.Addresses = slices.Clone(c.Addresses)
	for i, a := range c.Addresses {
		c.Addresses[i] = withPort(a, c.Master != "")
	}
	setDefault(&c.Durability, DurabilityReply)
	setDefault(&c.Overflow, OverflowBlock)
	setDefault(&c.Channels, ChannelsTopic)
	setDefault(&c.Session, DefaultSession)
	setDefault(&c.History, DefaultHistory)
	setDefault(&c.Timeout, DefaultTimeout)
	setDefault(&c.DialTimeout, DefaultDialTimeout)
	setDefault(&c.Queue, DefaultQueue)
	setDefault(&c.QueueBytes, DefaultQueueBytes)
	setDefault(&c.Buffer, DefaultBuffer)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c
}

func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// withPort adds the usual port to an address without one.
func withPort(address string, sentinel bool) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	port := "6379"
	if sentinel {
		port = "26379"
	}
	if strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]") {
		address = address[1 : len(address)-1]
	}
	return net.JoinHostPort(address, port)
}

// validAddress reports whether an address is a host and the number of a port.
func validAddress(address string) bool {
	host, digits, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "[]/@ ") {
		return false
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ":") {
		return false
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && port > 0
}

func (c Config) isCluster() bool { return c.Cluster || len(c.Addresses) > 1 && c.Master == "" }

// replicas returns the n of "replicas:n", 0 for other durabilities.
func (c Config) replicas() (int, error) {
	if c.Durability == DurabilityReply || c.Durability == DurabilityAOF {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(c.Durability, DurabilityReplicas)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 {
		return 0, fmt.Errorf("durability is %q, want %s, %s or %sn with n from 1", c.Durability, DurabilityReply, DurabilityAOF, DurabilityReplicas)
	}
	return n, nil
}
