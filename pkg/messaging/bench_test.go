package messaging_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// null is a driver that does nothing: what is published is stored at once, and what it was given is handed out over and over.
type null struct {
	*line
	prepared []driver.Message
	total    int
	over     chan struct{} // closed when total messages are acked

	given int
	batch []*driver.Message // what Receive returned last
	acked atomic.Int64
}

func (d *null) Publisher() driver.Publisher                                         { return nullPublisher{} }
func (d *null) Subscribe(context.Context, driver.Spec) (driver.Subscription, error) { return d, nil }
func (d *null) Stop()                                                               {}

type nullPublisher struct{}

func (nullPublisher) Close(context.Context) error { return nil }
func (nullPublisher) Send(_ context.Context, _ driver.Address, msgs []*driver.Message, r driver.Result) {
	for i, m := range msgs {
		m.Claim()
		r.Done(i, driver.Stored, nil)
	}
}

// Receive implements driver.Subscription. It hands out as much as the window has room for, as a driver does whose broker is ahead.
func (d *null) Receive(ctx context.Context, most, _ int) ([]*driver.Message, error) {
	n := min(most, d.total-d.given)
	if n == 0 {
		<-ctx.Done()
		return nil, io.EOF
	}
	d.batch = d.batch[:0]
	for range n {
		d.batch = append(d.batch, &d.prepared[d.given%len(d.prepared)])
		d.given++
	}
	return d.batch, nil
}

// Settle implements driver.Subscription.
func (d *null) Settle(outcomes []driver.Outcome) {
	if d.acked.Add(int64(len(outcomes))) == int64(d.total) {
		close(d.over)
	}
}

// nullBroker opens a broker over a null driver that hands out n messages of 512 bytes with so many keys, 0 for none.
func nullBroker(b *testing.B, n, keys int, opts ...messaging.Option) (*messaging.Broker, *null) {
	b.Helper()
	d := &null{line: &line{caps: native()}, total: n, over: make(chan struct{}), prepared: make([]driver.Message, 1<<14)}
	source := driver.NewSource("null")
	for i := range d.prepared {
		key := ""
		if keys > 0 {
			key = fmt.Sprint("customer-", i%keys)
		}
		e := envelope.New("order.placed", make([]byte, 512), envelope.Key(key), envelope.Source("bench"))
		var r envelope.Record
		if err := envelope.Binary.Encode(&r, &e); err != nil {
			b.Fatal(err)
		}
		d.prepared[i] = driver.Message{ID: r.ID, Type: r.Type, Key: r.Key, Time: r.Time, Headers: r.Headers, Body: r.Body, Source: source}
	}
	broker, err := messaging.New(context.Background(), d, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = broker.Close(context.Background()) })
	return broker, d
}

// batchOf returns events of 512 bytes with 1,000 keys.
func batchOf(n int) []envelope.Event {
	events := make([]envelope.Event, n)
	data := make([]byte, 512)
	for i := range events {
		events[i] = envelope.New("order.placed", data, envelope.Key(fmt.Sprint("customer-", i%1000)))
	}
	return events
}

// BenchmarkPublish is Herald's own path; the figures are per event. New events, as programs make them, cost their id and time on top.
func BenchmarkPublish(b *testing.B) {
	hook := messaging.WithHooks(messaging.Hooks{Publish: func(ctx context.Context, _ string, events []envelope.Event) (context.Context, func(error)) {
		events[0].TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		return ctx, nil
	}})
	for _, bc := range []struct {
		name string
		n    int
		opts []messaging.Option
	}{{"1", 1, nil}, {"100", 100, nil}, {"hook", 1, []messaging.Option{hook}}} {
		b.Run(bc.name, func(b *testing.B) {
			broker, _ := nullBroker(b, 0, 0, bc.opts...)
			events := batchOf(bc.n)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += bc.n {
				if err := broker.Publish(b.Context(), "orders", events...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("new", func(b *testing.B) {
		broker, _ := nullBroker(b, 0, 0)
		data := make([]byte, 512)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if err := broker.Publish(b.Context(), "orders", envelope.New("order.placed", data, envelope.Key("customer-1"))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		broker, _ := nullBroker(b, 0, 0)
		events := batchOf(1)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := broker.Publish(context.Background(), "orders", events...); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkPublishAsync is the same without waiting.
func BenchmarkPublishAsync(b *testing.B) {
	for _, ctx := range []struct {
		name string
		ctx  context.Context
	}{{"background", context.Background()}, {"cancellable", b.Context()}} {
		b.Run(ctx.name, func(b *testing.B) {
			broker, _ := nullBroker(b, 0, 0)
			event := batchOf(1)[0]
			done := func(err error) {
				if err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				broker.PublishAsync(ctx.ctx, "orders", event, done)
			}
			if err := broker.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkHandle is Herald's own path from the driver through a handler that does nothing to the ack, with 512 bytes of data.
func BenchmarkHandle(b *testing.B) {
	for _, bc := range []struct {
		name string
		keys int
	}{{"unkeyed", 0}, {"1000keys", 1000}} {
		b.Run(bc.name, func(b *testing.B) {
			broker, d := nullBroker(b, b.N, bc.keys)
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := broker.Subscribe(b.Context(), "orders", nothing, messaging.Group("billing")); err != nil {
				b.Fatal(err)
			}
			<-d.over
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkThroughMemory publishes and handles through the memory adapter, in batches of 100 with 1,000 keys and 512 bytes, at most 50,000
// events behind, in a topic that keeps 100,000.
func BenchmarkThroughMemory(b *testing.B) {
	server, err := memory.NewServer(memory.Config{MaxCount: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	broker, err := messaging.New(b.Context(), server.Connect())
	if err != nil {
		b.Fatal(err)
	}
	defer broker.Close(context.Background())
	const batch = 100
	var handled atomic.Int64
	done, behind := make(chan struct{}), make(chan struct{}, 500) // one place per batch that may be behind
	count := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		n := handled.Add(1)
		if n%batch == 0 {
			<-behind
		}
		if n == int64(b.N) {
			close(done)
		}
		return nil
	})
	if _, err := broker.Subscribe(b.Context(), "orders", count, messaging.Group("billing")); err != nil {
		b.Fatal(err)
	}
	events := make([]envelope.Event, 1000)
	for i := range events {
		events[i] = envelope.New("order.placed", make([]byte, 512), envelope.Key(fmt.Sprint("customer-", i)))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		behind <- struct{}{}
		if err := broker.Publish(b.Context(), "orders", events[i%1000:][:min(batch, b.N-i)]...); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkHandle64x1ms compares 64 handlers of 1 ms, with 1,000 keys in order, with a bare loop of 64 such sleeps in the same run. The ratio
// is 1 when Herald costs nothing.
func BenchmarkHandle64x1ms(b *testing.B) {
	const workers = 64
	bare := func(n int) time.Duration {
		start := time.Now()
		var left atomic.Int64
		left.Store(int64(n))
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		return time.Since(start)
	}
	n := max(b.N, 10_000)
	broker, d := nullBroker(b, n, 1000)
	ideal := bare(n)
	sleep := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		time.Sleep(time.Millisecond)
		return nil
	})
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	if _, err := broker.Subscribe(b.Context(), "orders", sleep, messaging.Group("billing"), messaging.Concurrency(workers)); err != nil {
		b.Fatal(err)
	}
	<-d.over
	took := time.Since(start)
	b.StopTimer()
	b.ReportMetric(ideal.Seconds()/took.Seconds(), "ratio")
}

// open opens a broker over a memory server of its own.
func open(t testing.TB, opts ...messaging.Option) *messaging.Broker {
	t.Helper()
	b, err := messaging.New(t.Context(), connect(t, memory.Config{}), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}
