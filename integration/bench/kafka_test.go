package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
)

const (
	kafkaPartitions = 4
	kafkaBody       = 512
	kafkaBatch      = 1000
	kafkaWindow     = 10_000
)

// BenchmarkKafka compares Herald with raw kafka-go programs, acks=all, on a topic of four partitions. publish: a thousand records a call, from
// one goroutine for each partition; piped and async do not wait for each call. The Writer waits a millisecond for more; writer and callers/writer
// have its own batches of a hundred, and writer1000 batches as large as the calls. callers: goroutines that publish one event and wait.
// consume: what is there already; reader and Herald commit as a group, batch reads bare.
func BenchmarkKafka(b *testing.B) {
	broker := brokers.Need(b, brokers.Kafka)
	b.Run("publish/writer", func(b *testing.B) { kafkaWriterPublish(b, broker, 0) })
	b.Run("publish/writer1000", func(b *testing.B) { kafkaWriterPublish(b, broker, kafkaBatch) })
	b.Run("publish/client", func(b *testing.B) { kafkaClientPublish(b, broker) })
	b.Run("publish/driver", func(b *testing.B) { kafkaPublish(b, broker) })
	b.Run("publish/piped", func(b *testing.B) { kafkaPiped(b, broker) })
	b.Run("publish/herald", func(b *testing.B) { kafkaBatchPublish(b, broker) })
	b.Run("publish/async", func(b *testing.B) { kafkaAsync(b, broker) })
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
		{Key: "herald-id", Value: []byte("0198f3c2-7c3e-7d11-9f00-0123456789ab")},
		{Key: "herald-type", Value: []byte("order.placed")},
		{Key: "herald-slot", Value: []byte("1")},
		{Key: "herald-time", Value: []byte("2026-01-02T15:04:05.123456789Z")},
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

// kafkaWriter is the library's own publisher, with batches of this many messages; 0 is its default.
func kafkaWriter(b *testing.B, broker *brokers.Broker, topic string, batch int) *kafkago.Writer {
	b.Helper()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(broker.Addr()), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond,
		BatchSize: batch, Balancer: kafkago.Murmur2Balancer{}, Transport: kafkaTransport(b, topic),
	}
	b.Cleanup(func() { _ = w.Close() })
	return w
}

func kafkaWriterPublish(b *testing.B, broker *brokers.Broker, batch int) {
	_, spec := kafkaDriver(b, broker)
	w := kafkaWriter(b, broker, spec.Topic, batch)
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
		r := &sent{all: make(chan error, n)}
		r.left.Store(int64(n))
		d.Publisher().Send(b.Context(), driver.Address{Topic: topic}, kafkaMessages(n, keys[p], body, now), r)
		return <-r.all
	})
}

func kafkaPublish(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	measured(b, func() { kafkaFill(b, d, spec.Topic) })
}

// kafkaInFlight is how many Sends of one goroutine are under way at once.
const kafkaInFlight = 8

// kafkaPiped publishes without waiting for each batch.
func kafkaPiped(b *testing.B, broker *brokers.Broker) {
	d, spec := kafkaDriver(b, broker)
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	now := time.Now()
	var pipes [kafkaPartitions]chan *sent // each result waits here for its turn
	for p := range pipes {
		pipes[p] = make(chan *sent, kafkaInFlight)
	}
	measured(b, func() {
		var waiting sync.WaitGroup
		for _, pipe := range pipes {
			waiting.Go(func() {
				for r := range pipe {
					if err := <-r.all; err != nil {
						b.Error(err)
					}
				}
			})
		}
		shares(b, func(p, n int) error {
			r := &sent{all: make(chan error, n)}
			r.left.Store(int64(n))
			pipes[p] <- r
			d.Publisher().Send(b.Context(), driver.Address{Topic: spec.Topic}, kafkaMessages(n, keys[p], body, now), r)
			return nil
		})
		for _, pipe := range pipes {
			close(pipe)
		}
		waiting.Wait()
	})
}

// kafkaAsync publishes one event after the other through Herald's own door, from one goroutine for each partition.
func kafkaAsync(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	herald, err := kafka.Open(b.Context(), broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	done := func(err error) {
		if err != nil {
			b.Error(err)
		}
	}
	measured(b, func() {
		shares(b, func(p, n int) error {
			for range n {
				herald.PublishAsync(b.Context(), spec.Topic, envelope.New("order.placed", body, envelope.Key(keys[p])), done)
			}
			return nil
		})
		must(b, herald.Flush(b.Context()))
	})
}

// kafkaBatchPublish publishes a thousand events a call through Herald's own door.
func kafkaBatchPublish(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	herald, err := kafka.Open(b.Context(), broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		shares(b, func(p, n int) error {
			events := make([]envelope.Event, n)
			for i := range events {
				events[i] = envelope.New("order.placed", body, envelope.Key(keys[p]))
			}
			return herald.Publish(b.Context(), spec.Topic, events...)
		})
	})
}

// kafkaMessages are n messages of one key.
func kafkaMessages(n int, key string, body []byte, now time.Time) []*driver.Message {
	msgs := make([]*driver.Message, n)
	slab := make([]driver.Message, n)
	for i := range msgs {
		slab[i] = driver.Message{
			ID: "0198f3c2-7c3e-7d11-9f00-0123456789ab", Type: "order.placed", Key: key, Slot: 1, Time: now,
			ContentType: "application/json", Body: body,
		}
		msgs[i] = &slab[i]
	}
	return msgs
}

func kafkaWriterCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	w := kafkaWriter(b, broker, spec.Topic, 0)
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		each(b, func(i int) bool {
			return w.WriteMessages(b.Context(), kafkaEntry(keys[i%kafkaPartitions], body)) == nil
		})
	})
}

// written counts the writes to a connection: one for each request.
type written struct {
	net.Conn
	requests *atomic.Int64
}

func (w written) Write(b []byte) (int, error) {
	w.requests.Add(1)
	return w.Conn.Write(b)
}

// kafkaCallers reports too how many callers share a request.
func kafkaCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := kafkaDriver(b, broker)
	cfg, err := kafka.ParseURL(broker.URL())
	must(b, err)
	var requests atomic.Int64
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return written{c, &requests}, err
	}
	herald, err := kafka.OpenConfig(b.Context(), cfg)
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	keys, body := kafkaKeys(), make([]byte, kafkaBody)
	measured(b, func() {
		each(b, func(i int) bool {
			return herald.Publish(b.Context(), spec.Topic, envelope.New("order.placed", body, envelope.Key(keys[i%kafkaPartitions]))) == nil
		})
	})
	b.ReportMetric(float64(b.N)/float64(requests.Load()), "msg/request")
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
