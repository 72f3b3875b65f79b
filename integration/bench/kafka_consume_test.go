package bench_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
)

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
		read, err := readBatch(c, n)
		if err != nil {
			return err
		}
		n -= read
	}
	return nil
}

// readBatch reads a batch, but n messages at most.
func readBatch(c *kafkago.Conn, n int) (read int, err error) {
	batch := c.ReadBatchWith(kafkago.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond})
	for ; read < n; read++ {
		if _, err = batch.ReadMessage(); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return read, err
	}
	return read, batch.Close()
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

// kafkaPartitioned makes a topic with more partitions than Herald's own have.
func kafkaPartitioned(b *testing.B, broker *brokers.Broker, topic string, partitions int) {
	b.Helper()
	client := &kafkago.Client{Addr: kafkago.TCP(broker.Addr()), Timeout: time.Minute}
	res, err := client.CreateTopics(b.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1},
	}})
	must(b, err)
	must(b, res.Errors[topic])
	b.Cleanup(func() {
		_, _ = client.DeleteTopics(context.WithoutCancel(b.Context()), &kafkago.DeleteTopicsRequest{Topics: []string{topic}})
	})
}

// BenchmarkKafkaPartitions publishes to and consumes from 200 partitions in one process, with the default window, and reports what that takes:
// connections, and the heap that is in use with its garbage. Bodies are one and the same, as the program's own memory is not Herald's.
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
	spec := driver.Spec{Topic: "bench-" + rand.Text(), Group: "g", Window: kafkaWindow, WindowBytes: 64 << 20, Member: "m"}
	kafkaPartitioned(b, broker, spec.Topic, partitions)
	sub, err := d.Subscribe(ctx, spec)
	must(b, err)
	body := make([]byte, kafkaBody)
	b.ResetTimer()
	r := &sent{all: make(chan error, b.N)}
	r.left.Store(int64(b.N))
	go func() {
		for i := range b.N {
			msg := &driver.Message{ID: fmt.Sprint(i), Key: fmt.Sprint("key-", i), Body: body}
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
	must(b, sub.Close(ctx))
	must(b, d.DeleteGroup(ctx, spec.Topic, spec.Group))
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
