package rabbitmq_test

import (
	"sync"
	"testing"

	"github.com/herald-go/herald/pkg/driver"

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
