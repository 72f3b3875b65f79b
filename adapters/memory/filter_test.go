package memory_test

import (
	"fmt"
	"testing"

	"github.com/herald-go/herald/adapters/memory"
)

func TestTheFilterTakesWordsAndWildcards(t *testing.T) {
	t.Parallel()
	types := []string{"order", "order.placed", "order.placed.again", "orders.placed", "invoice.sent", ""}
	for _, c := range []struct {
		patterns []string
		want     []string
	}{
		{nil, types},
		{[]string{"order.placed"}, []string{"order.placed", ""}},
		{[]string{"order.*"}, []string{"order.placed", ""}},
		{[]string{"order.#"}, []string{"order", "order.placed", "order.placed.again", ""}},
		{[]string{"#.again", "invoice.*"}, []string{"order.placed.again", "invoice.sent", ""}},
		{[]string{"#.placed.#"}, []string{"order.placed", "order.placed.again", "orders.placed", ""}},
		{[]string{"*"}, []string{"order", ""}},
		{[]string{"#"}, types},
	} {
		d := newServer(t, memory.Config{}).Connect()
		s := spec("orders", "billing")
		s.Types = c.patterns
		m := join(t, d, s)
		for i, typ := range types {
			msg := message(fmt.Sprint(i), "")
			msg.Type = typ
			publish(t, d, "orders", msg)
		}
		got := []string{}
		for _, msg := range m.take(len(c.want)) {
			got = append(got, msg.Type)
		}
		equal(t, fmt.Sprint(c.patterns), got, c.want)
		if lag, err := adminOf(t, d).Lag(t.Context(), "orders", "billing"); err != nil || lag.Count != int64(len(c.want)) {
			t.Errorf("%v: lag %+v, %v", c.patterns, lag, err)
		}
	}
}
