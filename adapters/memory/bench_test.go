package memory_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

// discard takes fates and counts the ones that are not Stored.
type discard struct{ bad int }

func (d *discard) Done(_ int, fate driver.Fate, _ error) {
	if fate != driver.Stored {
		d.bad++
	}
}

// BenchmarkSendReceiveSettle is the driver's whole share of one event: sent, received and acked by one goroutine in batches.
func BenchmarkSendReceiveSettle(b *testing.B) {
	for _, like := range []string{"", memory.LikeRabbitMQ} {
		for _, batch := range []int{1, 64} {
			b.Run(fmt.Sprintf("like=%s/batch=%d", like, batch), func(b *testing.B) { benchmark(b, like, batch) })
		}
	}
}

func benchmark(b *testing.B, like string, batch int) {
	sub, pub := benchPair(b, memory.Config{Like: like, MaxCount: 100_000})
	msgs := benchMessages(batch)
	outcomes := make([]driver.Outcome, 0, batch)
	var fates discard
	b.ReportAllocs()
	b.ResetTimer()
	for range (b.N + batch - 1) / batch {
		for _, m := range msgs {
			*m = driver.Message{ID: m.ID, Type: m.Type, Key: m.Key, Slot: m.Slot, Headers: m.Headers, Body: m.Body}
		}
		pub.Send(b.Context(), driver.Address{Topic: "orders"}, msgs, &fates)
		got, err := sub.Receive(b.Context(), batch, 1<<20)
		if err != nil || len(got) != batch {
			b.Fatalf("received %d of %d: %v", len(got), batch, err)
		}
		outcomes = outcomes[:0]
		for _, m := range got {
			outcomes = append(outcomes, driver.Outcome{Message: m})
		}
		sub.Settle(outcomes)
	}
	b.StopTimer()
	if fates.bad > 0 {
		b.Fatalf("%d messages not stored", fates.bad)
	}
}

// BenchmarkPipe is throughput with one goroutine on each side, in batches of 64.
func BenchmarkPipe(b *testing.B) {
	const batch = 64
	sub, pub := benchPair(b, memory.Config{Like: memory.LikeRabbitMQ})
	n := (b.N + batch - 1) / batch * batch
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	wg.Go(func() {
		var fates discard
		msgs := benchMessages(batch)
		for range n / batch {
			for _, m := range msgs {
				*m = driver.Message{ID: m.ID, Type: m.Type, Key: m.Key, Slot: m.Slot, Headers: m.Headers, Body: m.Body}
			}
			pub.Send(b.Context(), driver.Address{Topic: "orders"}, msgs, &fates)
		}
	})
	outcomes := make([]driver.Outcome, 0, batch)
	for seen := 0; seen < n; {
		got, err := sub.Receive(b.Context(), batch, 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		outcomes = outcomes[:0]
		for _, m := range got {
			outcomes = append(outcomes, driver.Outcome{Message: m})
		}
		sub.Settle(outcomes)
		seen += len(got)
	}
	wg.Wait()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func benchPair(b *testing.B, cfg memory.Config) (driver.Subscription, driver.Publisher) {
	b.Helper()
	d := newServer(b, cfg).Connect()
	sub, err := d.Subscribe(b.Context(), driver.Spec{Topic: "orders", Group: "billing", Window: 1024, WindowBytes: 1 << 24})
	if err != nil {
		b.Fatal(err)
	}
	return sub, d.Publisher()
}

func benchMessages(n int) []*driver.Message {
	msgs := make([]*driver.Message, n)
	for i := range msgs {
		key := fmt.Sprintf("customer-%d", i)
		msgs[i] = &driver.Message{
			ID: fmt.Sprintf("id-%d", i), Type: "order.placed", Key: key, Slot: driver.Slot(key), Body: make([]byte, 512),
			Headers: []driver.Header{{Key: "herald", Value: "1"}, {Key: "source", Value: "bench"}},
		}
	}
	return msgs
}
