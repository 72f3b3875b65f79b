package rabbitmq_test

import (
	"fmt"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// Somebody removes every binding of a group, while its members are away. Its topic looks as if it had no group then; but it has one, so an
// event is neither refused as unroutable nor taken for one that nobody wants: it is refused once at most, and the group is bound again.
func TestAllBindingsRemoved(t *testing.T) {
	b := shared(t)
	for _, partitions := range []int{0, 3} {
		for _, who := range []string{"the publisher that knew it", "another publisher", "a publisher with history"} {
			t.Run(fmt.Sprintf("%s, partitions %d", who, partitions), func(t *testing.T) {
				topic, old := matrix.Topic(), connect(t, b)
				spec := driver.Spec{Topic: topic, Group: "away", Types: []string{"thing.*"}, Partitions: partitions, Window: 10, WindowBytes: 1 << 20}
				sub, err := old.Subscribe(t.Context(), spec)
				must(t, err)
				must(t, sub.Close(t.Context()))
				publisher := old
				switch who {
				case "another publisher":
					publisher = connect(t, b)
				case "a publisher with history":
					publisher = connect(t, b, func(c *rabbitmq.Config) { c.History = 1 << 40 })
				}
				if fate := send(t, old, topic, "1"); fate != driver.Stored {
					t.Fatalf("before: %v", fate)
				}
				plain, queue := channel(t, b), driver.Name(driver.KindGroup, topic, "away")
				if partitions == 0 {
					must(t, plain.QueueUnbind(queue, "thing.*", topic, nil))
					must(t, plain.QueueUnbind(queue, "", topic, nil))
				} else {
					queue += "..0"
					slots := driver.Name("slots", topic, "away")
					must(t, plain.ExchangeUnbind(slots, "thing.*", topic, false, nil))
					must(t, plain.ExchangeUnbind(slots, "", topic, false, nil))
				}
				must(t, plain.QueueUnbind(queue, "herald group", driver.Name("groups", topic, ""), nil))
				fate := send(t, publisher, topic, "2")
				if fate == driver.Unavailable {
					fate = send(t, publisher, topic, "2")
				}
				if fate != driver.Stored {
					t.Fatalf("after: %v, want stored at the second try at the latest", fate)
				}
				sub, err = old.Subscribe(t.Context(), spec)
				must(t, err)
				for _, want := range []string{"1", "2"} {
					if got := receive(t, sub); got.ID != want {
						t.Errorf("got %s, want %s", got.ID, want)
					}
				}
				must(t, sub.Close(t.Context()))
			})
		}
	}
}
