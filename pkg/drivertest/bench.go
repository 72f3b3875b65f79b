package drivertest

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/herald-go/herald/pkg/driver"
)

// Bench measures publishing, and publishing with receiving and acks, over the harness: with 1, 16 and 256 messages a Send, bodies of 512
// bytes, and a window of 4,096. It reports allocations, and throughput in bytes of bodies.
func Bench(b *testing.B, h Harness) {
	b.Helper()
	h = h.withDefaults()
	p := examine(b, h)
	for _, batch := range []int{1, 16, 256} {
		b.Run("publish/"+strconv.Itoa(batch), func(b *testing.B) { benchPublish(b, newFixture(b, h, p), batch) })
	}
	for _, batch := range []int{1, 16, 256} {
		b.Run("deliver/"+strconv.Itoa(batch), func(b *testing.B) { benchDeliver(b, newFixture(b, h, p), batch) })
	}
}

const benchBody = 512

// benchSend sends b.N messages, at most 4,096 of them in flight, and waits for their fates.
func benchSend(b *testing.B, d driver.Driver, to driver.Address, batch int) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	room := make(chan struct{}, max(1, 4096/batch)) // one place for each Send in flight
	var wg sync.WaitGroup
	body := make([]byte, benchBody) // nobody writes to it, so all messages may share it
	for sent := 0; sent < b.N; sent += batch {
		msgs := make([]*driver.Message, min(batch, b.N-sent))
		for i := range msgs {
			msgs[i] = &driver.Message{
				ID: strconv.Itoa(sent + i), Type: "order.placed", Key: "k", Slot: driver.Slot("k"), Body: body,
			}
		}
		room <- struct{}{}
		wg.Add(1)
		d.Publisher().Send(ctx, to, msgs, &benchResult{left: len(msgs), all: func() { <-room; wg.Done() }, b: b})
	}
	wg.Wait()
}

// benchResult counts the fates of one Send.
type benchResult struct {
	b    *testing.B
	mu   sync.Mutex
	left int
	all  func()
}

// Done implements driver.Result.
func (r *benchResult) Done(_ int, fate driver.Fate, err error) {
	if fate != driver.Stored {
		r.b.Errorf("a message is %v: %v", fate, err)
	}
	r.mu.Lock()
	r.left--
	last := r.left == 0
	r.mu.Unlock()
	if last {
		r.all()
	}
}

func benchPublish(b *testing.B, f *fixture, batch int) {
	b.Helper()
	d, topic := f.open(), f.name("t")
	to := driver.Address{Topic: topic, Unrouted: driver.Drop}
	if f.has(driver.FeatureGroups) {
		f.reader(d, topic)
		to = f.to(topic)
	}
	b.ReportAllocs()
	b.SetBytes(benchBody)
	b.ResetTimer()
	benchSend(b, d, to, batch)
	b.StopTimer()
}

func benchDeliver(b *testing.B, f *fixture, batch int) {
	b.Helper()
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.Window = 4096
	if !f.has(driver.FeatureGroups) {
		spec.Group, spec.Broadcast = "", true
	}
	m := f.join(d, spec)
	b.ReportAllocs()
	b.SetBytes(benchBody)
	b.ResetTimer()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		outcomes := make([]driver.Outcome, 0, 256)
		for got := 0; got < b.N; {
			batch, err := m.Receive(ctx, 256, bytesEnough)
			if err != nil {
				done <- err
				return
			}
			outcomes = outcomes[:0]
			for _, msg := range batch {
				outcomes = append(outcomes, driver.Outcome{Message: msg})
			}
			m.Settle(outcomes)
			got += len(batch)
		}
		done <- nil
	}()
	benchSend(b, d, f.to(topic), batch)
	if err := <-done; err != nil {
		b.Errorf("Receive: %v", err)
	}
	b.StopTimer()
}
