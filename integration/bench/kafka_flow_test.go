package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
)

// kafkaStore publishes so many messages of each key.
func kafkaStore(t *testing.T, d *kafka.Driver, topic string, keys []string, each int) {
	t.Helper()
	var wg sync.WaitGroup
	body := make([]byte, kafkaBody)
	for _, key := range keys {
		msgs := make([]*driver.Message, each)
		for i := range msgs {
			msgs[i] = &driver.Message{ID: key + strconv.Itoa(i), Type: "order.placed", Key: key, Slot: driver.Slot(key), Body: body}
		}
		wg.Add(each)
		d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, msgs, storedAll{t, &wg})
	}
	wg.Wait()
}

// A message that nobody finishes holds up its partition alone, and that one holds no more than its bound.
func TestKafkaMemoryIsFlatWhileAMessageIsStuck(t *testing.T) {
	const rounds, each, most = 6, 2_500, 16 << 20
	cfg, err := kafka.ParseURL(brokers.Need(t, brokers.Kafka).URL())
	if err != nil {
		t.Fatal(err)
	}
	d, err := kafka.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close(context.WithoutCancel(t.Context())) })
	spec := driver.Spec{Topic: "flow-" + rand.Text(), Group: "g", Window: kafkaWindow, WindowBytes: 64 << 20}
	err = d.Declare(t.Context(), []driver.TopicSpec{{Name: spec.Topic, Partitions: kafkaPartitions, Groups: []string{spec.Group}}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := d.Subscribe(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	keys := kafkaKeys()
	var stuck *driver.Message
	var heap []uint64
	for range rounds {
		kafkaStore(t, d, spec.Topic, keys[:], each)
		for free := 0; free < each*(kafkaPartitions-1); {
			msgs, err := sub.Receive(t.Context(), kafkaWindow, 64<<20)
			if err != nil {
				t.Fatal(err)
			}
			var outcomes []driver.Outcome
			for _, m := range msgs {
				if stuck == nil {
					stuck = m
					continue
				}
				if m.Key != stuck.Key {
					free++
				}
				outcomes = append(outcomes, driver.Outcome{Message: m})
			}
			sub.Settle(outcomes)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc)
	}
	t.Log("heap after each round:", fmt.Sprint(heap))
	if last := heap[len(heap)-1]; last > heap[0]+most {
		t.Errorf("with one message in hand the heap grows: %d", heap)
	}
	sub.Settle([]driver.Outcome{{Message: stuck}})
	if err := sub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
