package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// The pauses between two tries.
const (
	retryFirst = 20 * time.Millisecond
	retryMost  = time.Second
)

// cluster knows the brokers, the leaders and the coordinators, and holds the shared connections: one to each broker for short requests.
// Whoever waits long (fetching, joining, publishing) dials its own. It is safe for concurrent use.
type cluster struct {
	dialer *dialer
	told   atomic.Pointer[func(error)] // told of each connection that failed; must not block
	clock  atomic.Pointer[func() time.Time]

	mu           sync.Mutex // guards what follows
	brokers      map[int32]string
	controller   int32
	topics       map[string]*topicInfo
	coordinators map[string]int32
	lines        map[int32]*line
	open         map[*conn]struct{}
	closed       bool
}

// topicInfo is what is known of a topic: the leader of each partition, -1 where there is none.
type topicInfo struct {
	leaders []int32
	copies  int // replicas of the first partition
	id      topicID
}

// line is the shared connection to one broker. turn, of capacity 1, is held while it is dialled; conn and err belong to whoever holds it.
type line struct {
	turn  chan struct{}
	conn  *conn
	tries atomic.Int64 // dials that failed
	err   error        // the latest
}

// bootstrap is the broker number of the connection over which the cluster is found.
const bootstrap int32 = -1

func newCluster(d *dialer) *cluster {
	c := &cluster{
		dialer: d, controller: bootstrap, brokers: map[int32]string{}, topics: map[string]*topicInfo{},
		coordinators: map[string]int32{}, lines: map[int32]*line{}, open: map[*conn]struct{}{},
	}
	d.ended = c.trouble
	return c
}

// trouble tells that a connection failed.
func (c *cluster) trouble(err error) {
	if told := c.told.Load(); told != nil {
		(*told)(err)
	}
}

// setTrouble says who is told.
func (c *cluster) setTrouble(f func(error)) { c.told.Store(&f) }

// close ends all connections and waits for their readers.
func (c *cluster) close() {
	c.mu.Lock()
	c.closed = true
	all := c.open
	c.open = map[*conn]struct{}{}
	c.mu.Unlock()
	for conn := range all {
		conn.close()
	}
}

// dial opens a connection of the caller's own to a broker.
func (c *cluster) dial(ctx context.Context, broker int32) (*conn, error) {
	c.mu.Lock()
	address, known := c.brokers[broker]
	c.mu.Unlock()
	if broker != bootstrap && !known {
		return nil, fmt.Errorf("broker %d: %w", broker, kafkago.BrokerNotAvailable)
	}
	var conn *conn
	var err error
	if known {
		conn, err = c.dialer.dial(ctx, address, broker)
	} else {
		conn, err = c.dialAny(ctx)
	}
	if err != nil {
		c.trouble(err)
		return nil, err
	}
	c.mu.Lock()
	if !c.closed {
		c.open[conn] = struct{}{}
		c.mu.Unlock()
		return conn, nil
	}
	c.mu.Unlock()
	conn.close()
	return nil, driver.ErrClosed
}

// dialAny opens a connection to any broker of the cluster: those that were met before, then those of the Config, and last those that have just
// failed.
func (c *cluster) dialAny(ctx context.Context) (*conn, error) {
	c.mu.Lock()
	var addresses []string
	for _, a := range c.brokers {
		addresses = append(addresses, a)
	}
	c.mu.Unlock()
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	for _, a := range c.dialer.cfg.Brokers {
		if !slices.Contains(addresses, a) {
			addresses = append(addresses, a)
		}
	}
	slices.SortStableFunc(addresses, func(a, b string) int { return c.dialer.gate(a).opens().Compare(c.dialer.gate(b).opens()) })
	var errs []error
	for _, a := range addresses {
		conn, err := c.dialer.dial(ctx, a, bootstrap)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// hangUp ends a connection of the caller's own.
func (c *cluster) hangUp(conn *conn) {
	if conn == nil {
		return
	}
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	conn.close()
}

// shared returns the shared connection to a broker, dialled if need be.
func (c *cluster) shared(ctx context.Context, broker int32) (*conn, error) {
	c.mu.Lock()
	l := c.lines[broker]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		c.lines[broker] = l
	}
	c.mu.Unlock()
	before := l.tries.Load()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if l.conn != nil && !l.conn.dead() {
		return l.conn, nil
	}
	if l.tries.Load() != before {
		return nil, l.err // whoever waited for the same dial shares its failure
	}
	c.hangUp(l.conn)
	l.conn = nil
	conn, err := c.dial(ctx, broker)
	if err != nil {
		if ctx.Err() == nil {
			l.err = err
			l.tries.Add(1)
		}
		return nil, err
	}
	l.conn = conn
	return conn, nil
}

// ask sends a short request to one broker and waits for its answer. bootstrap is any broker.
func (c *cluster) ask(ctx context.Context, broker int32, msg protocol.Message) (protocol.Message, error) {
	conn, err := c.shared(ctx, broker)
	if err != nil {
		return nil, err
	}
	answer, err := conn.call(ctx, msg)
	if err != nil && conn.dead() {
		c.trouble(err)
	}
	return answer, err
}

// refresh reads the leaders of the named topics anew. A topic that does not exist is forgotten; errors of a single topic are left out.
func (c *cluster) refresh(ctx context.Context, topics ...string) error {
	if topics == nil {
		topics = []string{} // nil would ask for all
	}
	res, err := c.describeTopics(ctx, topics)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(res.Brokers) > 0 {
		clear(c.brokers)
		for _, b := range res.Brokers {
			c.brokers[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		}
		c.controller = res.ControllerID
	}
	for i, t := range res.Topics {
		var id topicID
		if i < len(res.ids) {
			id = res.ids[i]
		}
		err = errors.Join(err, c.learn(t, id))
	}
	return err
}

// meet finds the cluster, once it is there.
func (c *cluster) meet(ctx context.Context) (err error) {
	failed := retry(ctx, func() error {
		if err = c.refresh(ctx); distrusts(err) {
			return nil // trying again would not help
		}
		return err
	})
	return or(failed, err)
}

// learn takes in what a broker says of a topic. c.mu is held.
func (c *cluster) learn(t metadata.ResponseTopic, id topicID) error {
	switch err := code(t.ErrorCode); {
	case is(err, kafkago.UnknownTopicOrPartition):
		delete(c.topics, t.Name)
		return nil
	case is(err, kafkago.LeaderNotAvailable):
		if c.topics[t.Name] == nil {
			c.topics[t.Name] = &topicInfo{} // being created
		}
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	info := &topicInfo{leaders: make([]int32, len(t.Partitions)), id: id}
	for i := range info.leaders {
		info.leaders[i] = noBroker
	}
	for _, p := range t.Partitions {
		if p.PartitionIndex < 0 || int(p.PartitionIndex) >= len(info.leaders) {
			return fmt.Errorf("%s: %w: partition %d of %d", t.Name, errProtocol, p.PartitionIndex, len(t.Partitions))
		}
		info.copies = len(p.ReplicaNodes)
		if p.LeaderID >= 0 {
			info.leaders[p.PartitionIndex] = p.LeaderID
		}
	}
	c.topics[t.Name] = info
	return nil
}

// noBroker is the leader of a partition that has none.
const noBroker int32 = -2

// topic returns what is known of a topic, asking the cluster where nothing is; ErrUnknownTopic where it does not exist.
func (c *cluster) topic(ctx context.Context, name string) (*topicInfo, error) {
	if t := c.known(name); t != nil && len(t.leaders) > 0 {
		return t, nil
	}
	return c.topicNow(ctx, name)
}

// topicNow asks the cluster in any case.
func (c *cluster) topicNow(ctx context.Context, name string) (*topicInfo, error) {
	if err := c.refresh(ctx, name); err != nil {
		return nil, err
	}
	t := c.known(name)
	switch {
	case t == nil:
		return nil, driver.ErrUnknownTopic
	case len(t.leaders) == 0:
		return nil, kafkago.LeaderNotAvailable
	default:
		return t, nil
	}
}

// known returns what was learned last, or nil.
func (c *cluster) known(name string) *topicInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topics[name]
}

// leader returns the broker that leads a partition, noBroker where that is not known.
func (c *cluster) leader(topic string, partition int) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[topic]
	if t == nil || partition >= len(t.leaders) {
		return noBroker
	}
	if _, there := c.brokers[t.leaders[partition]]; !there {
		return noBroker
	}
	return t.leaders[partition]
}

// nodes returns the numbers of all brokers.
func (c *cluster) nodes() []int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]int32, 0, len(c.brokers))
	for id := range c.brokers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// anyNode returns the controller, or any broker where that is not known.
func (c *cluster) anyNode() int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.brokers[c.controller]; there {
		return c.controller
	}
	return bootstrap
}

// retry calls f until it succeeds or fails for good, or until ctx ends.
func retry(ctx context.Context, f func() error) error {
	pause := backoff.New(retryFirst, retryMost)
	for {
		err := f()
		if err == nil || permanent(err) {
			return err
		}
		if ctx.Err() != nil || pause.Wait(ctx) != nil {
			return ended(ctx, err)
		}
	}
}
