package main

import (
	"context"
	"reflect"
	"testing"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// collector is a messaging.Publisher that keeps what it gets. The interface has one method, so a fake is as small as this.
type collector struct{ events []envelope.Event }

func (c *collector) Publish(_ context.Context, _ string, events ...envelope.Event) error {
	c.events = append(c.events, events...)
	return nil
}

// handled returns groups that have handled the orders of a small file, without any broker: a handler is a function.
func handled(t *testing.T) (*groups, *facts) {
	t.Helper()
	orders, err := loadOrders("", 1500)
	if err != nil {
		t.Fatal(err)
	}
	f := newFacts(orders, nil)
	g := newGroups(nameTopics("memory://"), newMailServer(0, 0, nil), f, "")
	var rejections collector
	g.inventory.publisher = &rejections
	known := make(map[string]bool)
	for _, o := range orders {
		s := sale{Order: o, first: !known[o.Customer]}
		known[o.Customer] = true
		for _, e := range s.events() {
			deliver(t, g, "orders", e)
		}
	}
	for _, e := range rejections.events {
		deliver(t, g, "rejections", e)
	}
	return g, f
}

// deliver hands an event to the groups at a topic that have a route for it.
func deliver(t *testing.T, g *groups, topic string, e envelope.Event) {
	t.Helper()
	for _, m := range g.members {
		joins := m.group == "analytics" || m.group == "loyalty"
		if m.topic != topic || e.Type == CustomerJoined.Type() && !joins {
			continue
		}
		d := &messaging.Delivery{Event: e, Topic: topic, Group: m.group, Attempt: 1}
		if err := m.routes(strict).Handle(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", m.group, err)
		}
	}
}

func TestChecksFindNothingWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	g, f := handled(t)
	if found := g.checkAll(f); len(found.problems) != 0 || len(g.inventory.rejected) == 0 {
		t.Errorf("problems %v with %d rejections", found.problems, len(g.inventory.rejected))
	}
}

func TestChecksNoticeWhatIsWrong(t *testing.T) {
	t.Parallel()
	const some = "order-1234"
	for name, c := range map[string]struct {
		harm func(g *groups)
		want []string
	}{
		"a mail that was not sent":    {func(g *groups) { delete(g.email.book.counted, some) }, []string{"email: 1 orders were never handled: 1234"}},
		"an order counted twice":      {func(g *groups) { g.recommend.orders.counted[some]++ }, []string{"recommend: 1 orders were counted more than once: 1234"}},
		"an order that nobody placed": {func(g *groups) { g.email.book.counted["order-0"] = 1 }, []string{"email: 1 events are none of the file's orders"}},
		"a piece that is gone":        {func(g *groups) { g.inventory.sold-- }, []string{"inventory: pieces sold and refused is 3403, not 3404"}},
		"a shelf with less than nothing": {
			func(g *groups) { g.inventory.shelf[7] = -2 }, []string{"inventory: album 7 was sold 2 times too often"},
		},
		"a cent": {
			func(g *groups) { m := g.analytics.revenue["1997-01"]; m.Revenue++; g.analytics.revenue["1997-01"] = m },
			[]string{"analytics: revenue of 1997-01 is $52,479.21, not $52,479.20"},
		},
		"a month": {
			func(g *groups) { g.analytics.revenue["1999-01"] = month{} }, []string{"analytics: number of months is 2, not 1"},
		},
		"a new customer": {
			func(g *groups) { g.analytics.newcomers["1997-01"]-- }, []string{"analytics: new customers of 1997-01 is 1448, not 1449"},
		},
		"a point": {
			func(g *groups) { g.loyalty.accounts["00004"].Points++ },
			[]string{"loyalty: 1 customers have other points than the file gives them, beginning with 00004"},
		},
		"an order before its time": {
			func(g *groups) { g.loyalty.disorder = []int{9, 8} }, []string{"loyalty: 2 orders came before their customer's account or an earlier order: 8, 9"},
		},
		"an order that comes back": {
			func(g *groups) { g.recommend.bought["00004"]++ },
			[]string{"recommend: number of orders less rejections is"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, f := handled(t)
			c.harm(g)
			var got []string
			for _, p := range g.checkAll(f).problems {
				got = append(got, p.String())
			}
			if name == "an order that comes back" { // its end depends on how many were rejected
				got = []string{got[0][:len(c.want[0])]}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestChecksNoticeARejectionThatNobodyFollowed(t *testing.T) {
	t.Parallel()
	g, f := handled(t)
	for id := range g.inventory.rejected {
		delete(g.service.refunds, id)
		delete(g.recommend.rejected.counted, envelope.DeriveID(id, "order.rejected"))
		break
	}
	found := g.checkAll(f)
	if len(found.problems) != 3 || found.ok("service") || found.ok("recommend") || !found.ok("email") {
		t.Errorf("found %v", found.problems)
	}
	for _, p := range found.problems[:2] {
		if len(p.orders) != 1 {
			t.Errorf("%v names no order", p)
		}
	}
}

func TestLoyaltyNoticesEventsOutOfOrder(t *testing.T) {
	t.Parallel()
	l := newLoyalty(false)
	reward := func(number int, redrive string) {
		o := Order{number, "1", "1997-01-01", 1, 100}
		d := &messaging.Delivery{Event: o.placed(), Redrive: redrive}
		if err := l.reward(t.Context(), messaging.Typed[Order]{Delivery: d, Value: o}); err != nil {
			t.Fatal(err)
		}
	}
	reward(1, "") // its account is not open
	joined := CustomerJoined.New(Customer{ID: "1"})
	if err := l.join(t.Context(), messaging.Typed[Customer]{Delivery: &messaging.Delivery{Event: joined}, Value: Customer{ID: "1"}}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 5, 4, 6} {
		reward(n, "")
	}
	reward(5, "") // a duplicate stands outside the order
	reward(3, "request")
	if !reflect.DeepEqual(l.disorder, []int{1, 4}) || l.late != 1 || l.accounts["1"].Points != 6 {
		t.Errorf("out of order %v, late %d, points %d", l.disorder, l.late, l.accounts["1"].Points)
	}
}
