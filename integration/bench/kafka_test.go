package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

const (
	kafkaPartitions = 4
	kafkaBody       = 512
	kafkaBatch      = 1000
	kafkaWindow     = 10_000
)

// BenchmarkKafka compares Herald with raw kafka-go programs, acks=all, on a topic of four partitions. publish: a thousand records a call, from
// one goroutine for each partition. callers: goroutines that publish one event and wait. consume: what is there already; reader and Herald
// commit as a group, batch reads bare.
func BenchmarkKafka(b *testing.B) {
	broker := brokers.Need(b, brokers.Kafka)
	b.Run("publish/writer", func(b *testing.B) { kafkaWriterPublish(b, broker) })
	b.Run("publish/client", func(b *testing.B) { kafkaClientPublish(b, broker) })
	b.Run("publish/driver", func(b *testing.B) { kafkaPublish(b, broker) })
	b.Run("callers/writer", func(b *testing.B) { kafkaWriterCallers(b, broker) })
	b.Run("callers/herald", func(b *testing.B) { kafkaCallers(b, broker) })
	b.Run("consume/reader", func(b *testing.B) { kafkaReaderConsume(b, broker) })
	b.Run("consume/batch", func(b *testing.B) { kafkaBatchConsume(b, broker) })
	b.Run("consume/driver", func(b *testing.B) { kafkaDriverConsume(b, broker) })
	b.Run("consume/herald", func(b *testing.B) { kafkaConsume(b, broker) })
}

// kafkaDriver is a driver with a topic and one group.
func kafkaDriver(b *testing.B, broker *brokers.Broker) (d *kafka.Driver, spec driver.Spec) {
	b.Helper()
	cfg, err := kafka.ParseURL(broker.URL())
	must(b, err)
	d, err = kafka.New(b.Context(), cfg)
	must(b, err)
	spec = driver.Spec{Topic: "bench-" + rand.Text(), Group: "g", Window: kafkaWindow, WindowBytes: 64 << 20, Member: "m"}
	must(b, d.Declare(b.Context(), []driver.TopicSpec{{Name: spec.Topic, Partitions: kafkaPartitions, Groups: []string{spec.Group}}}))
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		_ = d.DeleteGroup(ctx, spec.Topic, spec.Group)
		_ = d.Close(ctx)
		client := &kafkago.Client{Addr: kafkago.TCP(broker.Addr())}
		_, _ = client.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{spec.Topic}})
	})
	return d, spec
}

// kafkaKeys are keys of each partition.
func kafkaKeys() [kafkaPartitions]string {
	var keys [kafkaPartitions]string
	for i, left := 0, kafkaPartitions; left > 0; i++ {
		key := fmt.Sprint("key-", i)
		p := int(driver.Murmur2(key)&0x7fffffff) % kafkaPartitions
		if keys[p] == "" {
			keys[p] = key
			left--
		}
	}
	return keys
}

// kafkaEntry carries what Herald's records carry.
func kafkaEntry(key string, body []byte) kafkago.Message {
	return kafkago.Message{Key: []byte(key), Value: body, Headers: []kafkago.Header{
		{Key: "herald-id", Value: []byte("0198f3c2-7c3e-7d11-9f00-0123456789ab")}, {Key: "herald-type", Value: []byte("order.placed")},
		{Key: "herald-slot", Value: []byte("1")}, {Key: "herald-time", Value: []byte("2026-01-02T15:04:05.123456789Z")},
		{Key: "content-type", Value: []byte("application/json")},
	}}
}

// shares calls f for each partition with its share of b.N, side by side, in runs of a batch.
func shares(b *testing.B, f func(partition, n int) error) {
	b.Helper()
	var wg sync.WaitGroup
	for p := range kafkaPartitions {
		wg.Go(func() {
			for left := b.N / kafkaPartitions; left > 0; left -= kafkaBatch {
				if err := f(p, min(left, kafkaBatch)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// kafkaTransport knows the topic at once: the client's own asks for all topics, and only every few seconds.
func kafkaTransport(b *testing.B, topic string) *kafkago.Transport {
	b.Helper()
	t := &kafkago.Transport{MetadataTopics: []string{topic}}
	b.Cleanup(t.CloseIdleConnections)
	return t
}

func kafkaWriter(b *testing.B, broker *brokers.Broker, topic string) *kafkago.Writer {
	b.Helper()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(broker.Addr()), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond,
		BatchSize: kafkaBatch, BatchBytes: 1 << 20, Balancer: kafkago.Murmur2Balancer{}, Transport: kafkaTransport(b, topic),
	}
	b.Cleanup(func() { _ = w.Close() })
	return w
}

func kafkaWriterPublish(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	w := kafkaWriter(b, broker, spec.Topic)
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		shares(b, func(p, n int) error {
			msgs := make([]kafkago.Message, n)
			for i := range msgs {
				msgs[i] = kafkaEntry(keys[p], body)
			}
			return w.WriteMessages(b.Context(), msgs...)
		})
	})
}

func kafkaClientPublish(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	client := &kafkago.Client{Addr: kafkago.TCP(broker.Addr()), Timeout: 30 * time.Second, Transport: kafkaTransport(b, spec.Topic)}
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		shares(b, func(p, n int) error {
			records := make([]kafkago.Record, n)
			for i := range records {
				m := kafkaEntry(keys[p], body)
				records[i] = kafkago.Record{Key: kafkago.NewBytes(m.Key), Value: kafkago.NewBytes(m.Value), Headers: m.Headers}
			}
			res, err := client.Produce(b.Context(), &kafkago.ProduceRequest{
				Topic: spec.Topic, Partition: p, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...),
			})
			if err != nil {
				return err
			}
			return res.Error
		})
	})
}

// sent waits for the fates of one Send.
type sent struct {
	left atomic.Int64
	all  chan error
}

func (s *sent) Done(_ int, fate driver.Fate, err error) {
	if fate != driver.Stored {
		s.all <- err
		return
	}
	if s.left.Add(-1) == 0 {
		s.all <- nil
	}
}

func kafkaFill(b *testing.B, d *kafka.Driver, topic string) {
	b.Helper()
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	now := time.Now()
	shares(b, func(p, n int) error {
		msgs := make([]*driver.Message, n)
		slab := make([]driver.Message, n)
		for i := range msgs {
			slab[i] = driver.Message{
				ID: "0198f3c2-7c3e-7d11-9f00-0123456789ab", Type: "order.placed", Key: keys[p], Slot: 1, Time: now,
				ContentType: "application/json", Body: body,
			}
			msgs[i] = &slab[i]
		}
		r := &sent{all: make(chan error, n)}
		r.left.Store(int64(n))
		d.Publisher().Send(b.Context(), driver.Address{Topic: topic}, msgs, r)
		return <-r.all
	})
}

func kafkaPublish(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	measured(b, func() { kafkaFill(b, d, spec.Topic) })
}

func kafkaWriterCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	w := kafkaWriter(b, broker, spec.Topic)
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		each(b, func(i int) bool {
			return w.WriteMessages(b.Context(), kafkaEntry(keys[i%kafkaPartitions], body)) == nil
		})
	})
}

func kafkaCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	herald, err := kafka.Open(b.Context(), broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		each(b, func(i int) bool {
			return herald.Publish(b.Context(), spec.Topic, envelope.New("order.placed", body, envelope.Key(keys[i%kafkaPartitions]))) == nil
		})
	})
}

// measured runs what is to be measured.
func measured(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(kafkaBody)
	b.ResetTimer()
	before := cpu()
	f()
	b.StopTimer()
	perSecond(b)
	spent(b, before)
}

func kafkaReaderConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	kafkaFill(b, d, spec.Topic)
	measured(b, func() {
		r := kafkago.NewReader(kafkago.ReaderConfig{
			Brokers: []string{broker.Addr()}, GroupID: "raw-" + rand.Text(), Topic: spec.Topic, QueueCapacity: 1000, MinBytes: 1, MaxBytes: 10 << 20,
			CommitInterval: 100 * time.Millisecond, StartOffset: kafkago.FirstOffset, MaxWait: 500 * time.Millisecond,
		})
		for range b.N / kafkaPartitions * kafkaPartitions {
			_, err := r.ReadMessage(b.Context())
			must(b, err)
		}
		must(b, r.Close())
	})
}

func kafkaBatchConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	kafkaFill(b, d, spec.Topic)
	measured(b, func() {
		var wg sync.WaitGroup
		for p := range kafkaPartitions {
			wg.Go(func() {
				if err := readBare(b.Context(), broker.Addr(), spec.Topic, p, b.N/kafkaPartitions); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func readBare(ctx context.Context, addr, topic string, partition, n int) error {
	c, err := kafkago.DialLeader(ctx, "tcp", addr, topic, partition)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for n > 0 {
		batch := c.ReadBatchWith(kafkago.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond})
		for n > 0 {
			if _, err := batch.ReadMessage(); err != nil {
				if err != io.EOF { //nolint:errorlint // the client's own habit
					return err
				}
				break
			}
			n--
		}
		if err := batch.Close(); err != nil {
			return err
		}
	}
	return nil
}

func kafkaDriverConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	kafkaFill(b, d, spec.Topic)
	measured(b, func() {
		sub, err := d.Subscribe(b.Context(), spec)
		must(b, err)
		outcomes := make([]driver.Outcome, 0, kafkaBatch)
		for got := 0; got < b.N/kafkaPartitions*kafkaPartitions; {
			msgs, err := sub.Receive(b.Context(), kafkaBatch, 64<<20)
			must(b, err)
			got += len(msgs)
			outcomes = outcomes[:0]
			for _, m := range msgs {
				outcomes = append(outcomes, driver.Outcome{Message: m})
			}
			sub.Settle(outcomes)
		}
		must(b, sub.Close(context.WithoutCancel(b.Context())))
	})
}

func kafkaConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	kafkaFill(b, d, spec.Topic)
	herald, err := kafka.Open(b.Context(), broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	var left atomic.Int64
	left.Store(int64(b.N / kafkaPartitions * kafkaPartitions))
	all := make(chan struct{})
	handler := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		if left.Add(-1) == 0 {
			close(all)
		}
		return nil
	})
	measured(b, func() {
		_, err := herald.Subscribe(b.Context(), spec.Topic, handler, messaging.Group(spec.Group), messaging.Window(kafkaWindow, 64<<20))
		must(b, err)
		if b.N >= kafkaPartitions {
			<-all
		}
	})
}

// BenchmarkKafkaPartitions publishes to and consumes from 200 partitions in one process, and reports what that takes.
func BenchmarkKafkaPartitions(b *testing.B) {
	const partitions = 200
	broker := brokers.Need(b, brokers.Kafka)
	cfg, err := kafka.ParseURL(broker.URL())
	must(b, err)
	var open, most atomic.Int64
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		most.Store(max(most.Load(), open.Add(1)))
		return &counted{Conn: c, open: &open}, nil
	}
	d, err := kafka.New(b.Context(), cfg)
	must(b, err)
	ctx := context.WithoutCancel(b.Context())
	spec := driver.Spec{Topic: "bench-" + rand.Text(), Group: "g", Window: kafkaWindow, WindowBytes: 32 << 20, Member: "m"}
	must(b, d.Declare(ctx, []driver.TopicSpec{{Name: spec.Topic, Partitions: partitions, Groups: []string{spec.Group}}}))
	sub, err := d.Subscribe(ctx, spec)
	must(b, err)
	b.ResetTimer()
	r := &sent{all: make(chan error, b.N)}
	r.left.Store(int64(b.N))
	go func() {
		for i := range b.N {
			msg := &driver.Message{ID: fmt.Sprint(i), Key: fmt.Sprint("key-", i), Body: make([]byte, kafkaBody)}
			d.Publisher().Send(ctx, driver.Address{Topic: spec.Topic}, []*driver.Message{msg}, r)
		}
	}()
	var m runtime.MemStats
	heap := uint64(0)
	for got := 0; got < b.N; {
		msgs, err := sub.Receive(ctx, kafkaBatch, 64<<20)
		must(b, err)
		got += len(msgs)
		for _, msg := range msgs {
			sub.Settle([]driver.Outcome{{Message: msg}})
		}
		if got%10 == 0 {
			runtime.ReadMemStats(&m)
			heap = max(heap, m.HeapInuse)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(most.Load()), "conns")
	b.ReportMetric(float64(heap)/(1<<20), "heap-MiB")
	must(b, d.Close(ctx))
	if left := open.Load(); left != 0 {
		b.Errorf("%d connections are left", left)
	}
}

// counted is a connection that is counted while it is open.
type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
