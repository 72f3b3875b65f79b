package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
)

func TestKafka(t *testing.T) {
	kafkaConformance(t, brokers.Need(t, brokers.Kafka), func(*kafka.Config) {})
}

// TestKafkaPartitions has topics of three partitions, and compresses.
func TestKafkaPartitions(t *testing.T) {
	kafkaConformance(t, brokers.Need(t, brokers.Kafka), func(cfg *kafka.Config) { cfg.Partitions, cfg.Compression = 3, "zstd" })
}

func kafkaConformance(t *testing.T, b *brokers.Broker, change func(*kafka.Config)) {
	t.Helper()
	// The client's default asks for all topics again and again, of which the suite has thousands.
	transport := &kafkago.Transport{MetadataTopics: []string{"__consumer_offsets"}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &kafkago.Client{Addr: kafkago.TCP(b.Addr()), Timeout: 30 * time.Second, Transport: transport}
	k := &kafkaFaults{addr: b.Addr(), client: client, quiet: map[string]bool{}, deaf: map[string][]*hearing{}}
	h := harness(t, b, func(ctx context.Context, b *brokers.Broker, dial dial) (driver.Driver, error) {
		cfg, err := kafka.ParseURL(b.URL())
		if err != nil {
			return nil, err
		}
		change(&cfg)
		// Often, so that the suite does not wait for heartbeats. A third of the session is how long a partition's old member may take: that
		// has to be enough on a machine that stands still for a while.
		cfg.Session, cfg.Heartbeat = 15*time.Second, 200*time.Millisecond
		return k.open(ctx, cfg, dial)
	})
	h.Late = 10 * time.Second
	cut := h.Cut
	h.Cut = func(d driver.Driver) error { return errors.Join(cut(d), k.expel(d)) }
	h.Refuse, h.Unanswered, h.Inject = k.refuse, k.unanswered, k.inject
	drivertest.Run(t, h)
}

// kafkaFaults hurts a broker and its drivers by the bare client.
type kafkaFaults struct {
	addr    string
	client  *kafkago.Client
	drivers atomic.Int64

	mu    sync.Mutex
	quiet map[string]bool       // topics whose answers get lost
	deaf  map[string][]*hearing // by topic: sentences run side by side
}

// kafkaDriver remembers its groups, and turns deaf when it publishes to a topic whose answers get lost.
type kafkaDriver struct {
	*kafka.Driver
	k     *kafkaFaults
	id    string
	ears  *hearing
	outer *kafkaPublisher

	mu     sync.Mutex
	groups []string
}

func (k *kafkaFaults) open(ctx context.Context, cfg kafka.Config, dial dial) (driver.Driver, error) {
	d := &kafkaDriver{k: k, id: fmt.Sprintf("herald-conformance-%d", k.drivers.Add(1)), ears: &hearing{}}
	cfg.ClientID = d.id
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return d.ears.listen(conn), nil
	}
	inner, err := kafka.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	d.Driver, d.outer = inner, &kafkaPublisher{Publisher: inner.Publisher(), d: d}
	return d, nil
}

func (d *kafkaDriver) Publisher() driver.Publisher { return d.outer }

func (d *kafkaDriver) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	d.mu.Lock()
	d.groups = append(d.groups, driver.Name(driver.KindGroup, spec.Topic, spec.Group))
	d.mu.Unlock()
	return d.Driver.Subscribe(ctx, spec)
}

// expel takes a driver's members out of their groups, as an administrator can: a cut connection alone leaves a member what it has.
func (k *kafkaFaults) expel(d driver.Driver) error {
	own, ok := d.(*kafkaDriver)
	if !ok {
		return fmt.Errorf("expel: the driver %T was not opened here", d)
	}
	own.mu.Lock()
	groups := slices.Clone(own.groups)
	own.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, group := range groups {
		for {
			err := k.dismiss(ctx, group, own.id)
			if err == nil {
				break
			}
			if ended := wait(ctx); ended != nil {
				return errors.Join(ended, err)
			}
		}
	}
	return nil
}

// dismiss takes a client's members out of one group.
func (k *kafkaFaults) dismiss(ctx context.Context, group, client string) error {
	about, err := k.client.DescribeGroups(ctx, &kafkago.DescribeGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return err
	}
	for _, m := range about.Groups[0].Members {
		if m.ClientID != client {
			continue
		}
		_, err := k.client.LeaveGroup(ctx, &kafkago.LeaveGroupRequest{GroupID: group, Members: []kafkago.LeaveGroupRequestMember{{ID: m.MemberID}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// refuse lets the topic take nothing, and waits until the broker goes by it. More replicas than there are can't be asked for: a broker alone
// counts as enough.
func (k *kafkaFaults) refuse(topic string, on bool) error {
	n := "1048588"
	if on {
		n = "1"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := k.alter(ctx, topic, n)
		if err == nil {
			err = k.probe(ctx, topic)
		}
		if on && errors.Is(err, kafkago.MessageSizeTooLarge) || !on && errors.Is(err, kafkago.InvalidTimestamp) {
			return nil
		}
		if ended := wait(ctx); ended != nil {
			return fmt.Errorf("refusing %v: %w", on, errors.Join(ended, err))
		}
	}
}

func (k *kafkaFaults) alter(ctx context.Context, topic, size string) error {
	res, err := k.client.IncrementalAlterConfigs(ctx, &kafkago.IncrementalAlterConfigsRequest{
		Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafkago.IncrementalAlterConfigsRequestConfig{{
				Name: "max.message.bytes", Value: size, ConfigOperation: kafkago.ConfigOperationSet,
			}},
		}},
	})
	if err != nil {
		return err
	}
	return res.Resources[0].Error
}

// probe publishes a record of the far future, which is never stored; before the broker sees that, it looks at the size.
func (k *kafkaFaults) probe(ctx context.Context, topic string) error {
	err := k.write(ctx, topic, kafkago.Message{Value: []byte("never stored"), Time: time.Now().AddDate(1, 0, 0)})
	if err == nil {
		return errors.New("the probe is stored")
	}
	return err
}

// inject writes with the bare client.
func (k *kafkaFaults) inject(ctx context.Context, topic string, headers []driver.Header, body []byte) error {
	var native []kafkago.Header
	for _, h := range headers {
		native = append(native, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	return k.write(ctx, topic, kafkago.Message{Value: body, Headers: native})
}

// write publishes one record by the bare client.
func (k *kafkaFaults) write(ctx context.Context, topic string, msg kafkago.Message) error {
	conn, err := kafkago.DialLeader(ctx, "tcp", k.addr, topic, 0)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.WriteMessages(msg)
	return err
}

// wait lets a moment pass.
func wait(ctx context.Context) error {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// unanswered lets answers get lost of what is published to a topic; afterwards the connections break that have lost some.
func (k *kafkaFaults) unanswered(topic string, on bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.quiet[topic] = on
	if on {
		return nil
	}
	for _, e := range k.deaf[topic] {
		e.set(false)
	}
	delete(k.deaf, topic)
	return nil
}

type kafkaPublisher struct {
	driver.Publisher
	d *kafkaDriver
}

// Send turns deaf after a first message, by which the driver asks all that it asks before it publishes to a topic.
func (p *kafkaPublisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	k := p.d.k
	k.mu.Lock()
	deaf := k.quiet[to.Topic]
	k.mu.Unlock()
	if deaf {
		first := make(stored, 1)
		p.Publisher.Send(ctx, to, []*driver.Message{{ID: "before-" + msgs[0].ID, Type: "before", Key: msgs[0].Key}}, first)
		<-first
		p.d.ears.set(true)
		k.mu.Lock()
		k.deaf[to.Topic] = append(k.deaf[to.Topic], p.d.ears)
		k.mu.Unlock()
	}
	p.Publisher.Send(ctx, to, msgs, r)
}

// stored is told that a message has its fate.
type stored chan struct{}

func (s stored) Done(int, driver.Fate, error) { s <- struct{}{} }
