package chaos_test

import (
	"testing"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/chaos"
)

// Herald is hurt by every row. What is left out for Watermill has a reason, and is not most of it.
func TestRowsThatAreLeftOutHaveAReason(t *testing.T) {
	t.Parallel()
	for _, kind := range []brokers.Kind{brokers.RabbitMQ, brokers.Kafka, brokers.Redis} {
		left := 0
		rows := chaos.Rows(kind)
		for _, row := range rows {
			if row.For("") != "" {
				t.Errorf("%s, %s: left out for Herald: %s", kind, row.Name, row.For(""))
			}
			if row.For(chaos.Watermill) != "" {
				left++
			}
			if row.Destroys && row.For(chaos.Watermill) == "" {
				t.Errorf("%s, %s: it destroys what Herald alone makes again", kind, row.Name)
			}
		}
		if left == 0 || left > len(rows)/4 {
			t.Errorf("%s: %d of %d rows left out for Watermill", kind, left, len(rows))
		}
	}
}
