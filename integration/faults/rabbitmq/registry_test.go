package rabbitmq_test

import (
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// A broker with much to do begins to send late what a stream holds. Nobody may take the stream for empty then: of a topic whose groups were not
// seen the exchange would be made again without them, and dead letters would be deleted with their group.
func TestAStreamIsNotTakenForEmpty(t *testing.T) {
	b := shared(t)
	d, topic := connect(t, b), matrix.Topic()
	must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: topic, Groups: []string{"workers"}}}))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 12 {
				groups, err := d.ListGroups(t.Context(), topic)
				if err != nil || len(groups) != 1 || groups[0].Name != "workers" {
					t.Errorf("groups are %+v, %v, want workers", groups, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// Where a stream taken for empty by mistake would cost events, nothing but time tells that it is: a list of groups, from which an exchange is made
// again, and dead letters, which are deleted with their group.
func TestAnEmptyStreamIsWaitedFor(t *testing.T) {
	const full = 2 * time.Second
	b := shared(t)
	d, topic := connect(t, b), matrix.Topic()
	t.Run("a list of groups", func(t *testing.T) {
		t.Parallel()
		list := driver.Name("registry", topic, "")
		_, err := channel(t, b).QueueDeclare(list, true, false, false, false, amqp.Table{"x-queue-type": "stream"})
		must(t, err)
		began := time.Now()
		groups, err := d.ListGroups(t.Context(), topic)
		if took := time.Since(began); err != nil || len(groups) > 0 || took < full {
			t.Errorf("groups are %+v, %v, after %v, want none after %v", groups, err, took, full)
		}
	})
	t.Run("dead letters", func(t *testing.T) {
		t.Parallel()
		topic := matrix.Topic()
		must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: topic, Groups: []string{"workers"}}}))
		began := time.Now()
		must(t, d.DeleteGroup(t.Context(), topic, "workers"))
		if took := time.Since(began); took < full {
			t.Errorf("deleted after %v, want after %v", took, full)
		}
	})
}
