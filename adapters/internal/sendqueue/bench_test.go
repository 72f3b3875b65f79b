package sendqueue_test

import (
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

type ignore struct{}

func (ignore) Done(int, driver.Fate, error) {}

// consume takes batches and stores them until the queue is closed and idle.
func consume(q *sendqueue.Queue, stop <-chan struct{}, one bool) {
	var batch []sendqueue.Entry
	for {
		select {
		case <-q.Ready():
		case <-stop:
			return
		}
		batch = q.Take(batch[:0], 256, 1<<20)
		if one {
			for i := range batch {
				batch[i].Done(driver.Stored, nil)
			}
			continue
		}
		sendqueue.DoneAll(batch, driver.Stored, nil)
	}
}

// BenchmarkQueue is Put, Take and the fate of one message.
func BenchmarkQueue(b *testing.B) {
	for _, c := range []struct {
		name  string
		count int
		batch int
		one   bool
	}{{"put1", 16384, 1, false}, {"put1/done1", 16384, 1, true}, {"put100", 16384, 100, false}, {"full", 64, 1, false}} {
		b.Run(c.name, func(b *testing.B) {
			q := sendqueue.New(sendqueue.NewRoom(c.count, 1<<30))
			stop, wg := make(chan struct{}), sync.WaitGroup{}
			wg.Go(func() { consume(q, stop, c.one) })
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				msgs := make([]*driver.Message, c.batch)
				for i := range msgs {
					msgs[i] = &driver.Message{ID: "0193f2a0-0000-7000-8000-000000000000", Body: make([]byte, 200)}
				}
				for more := pb.Next(); more; {
					n := 0
					for ; n < c.batch && more; n++ {
						more = pb.Next()
					}
					q.Put(b.Context(), to, msgs[:n], ignore{})
				}
			})
			q.Close()
			_ = q.Idle(b.Context())
			close(stop)
			wg.Wait()
		})
	}
}
