package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// problem is where what the handlers saw differs from the file.
type problem struct {
	group  string
	what   string
	orders []int // empty when it is no matter of single orders
}

// mostNamed is how many orders a problem names.
const mostNamed = 10

func (p problem) String() string {
	if len(p.orders) == 0 {
		return p.group + ": " + p.what
	}
	slices.Sort(p.orders)
	named := make([]string, 0, mostNamed)
	for _, n := range p.orders[:min(len(p.orders), mostNamed)] {
		named = append(named, strconv.Itoa(n))
	}
	more := ""
	if left := len(p.orders) - len(named); left > 0 {
		more = fmt.Sprintf(" and %s more", grouped(left))
	}
	return fmt.Sprintf("%s: %s %s: %s%s", p.group, grouped(len(p.orders)), p.what, strings.Join(named, ", "), more)
}

// findings collects problems.
type findings struct {
	facts    *facts
	problems []problem
}

func (f *findings) add(group, what string, orders ...int) {
	f.problems = append(f.problems, problem{group, what, orders})
}

// same reports two numbers that should be one.
func same[N Cents | int](f *findings, group, what string, got, want N) {
	if got != want {
		f.add(group, fmt.Sprintf("%s is %v, not %v", what, got, want))
	}
}

// ok reports whether nothing is wrong with the group.
func (f *findings) ok(group string) bool {
	return !slices.ContainsFunc(f.problems, func(p problem) bool { return p.group == group })
}

// checkAll compares everything that the groups noted with the file.
func (g *groups) checkAll(f *facts) *findings {
	found := &findings{facts: f}
	found.checkOrders("email", g.email.book)
	found.checkOrders("inventory", g.inventory.book)
	found.checkOrders("analytics", g.analytics.book)
	found.checkOrders("loyalty", g.loyalty.book)
	found.checkOrders("recommend", g.recommend.orders)
	found.checkInventory(g.inventory)
	found.checkRejections(g)
	found.checkMonths(g.analytics)
	found.checkPoints(g.loyalty)
	return found
}

// checkOrders checks that a group has handled each order of the file, once, and nothing else.
func (f *findings) checkOrders(group string, b *book) {
	counted, _ := b.read()
	var missing, twice []int
	for id, o := range f.facts.byID {
		switch n := counted[id]; {
		case n == 0:
			missing = append(missing, o.Number)
		case n > 1:
			twice = append(twice, o.Number)
		}
		delete(counted, id)
	}
	if len(missing) > 0 {
		f.add(group, "orders were never handled", missing...)
	}
	if len(twice) > 0 {
		f.add(group, "orders were counted more than once", twice...)
	}
	if len(counted) > 0 {
		f.add(group, fmt.Sprintf("%d events are none of the file's orders", len(counted)))
	}
}

// checkInventory checks the shelves. Which of two orders gets the last piece depends on who comes first, so the file can't say; but each
// piece is sold, or its order is rejected, and none is sold that was not there.
func (f *findings) checkInventory(i *inventory) {
	refused := 0
	for _, o := range i.rejected {
		refused += o.Items
	}
	same(f, "inventory", "pieces sold and refused", i.sold+refused, f.facts.pieces)
	for a, left := range i.shelf {
		if left < 0 {
			f.add("inventory", fmt.Sprintf("album %d was sold %d times too often", a, -left))
		}
	}
}

// checkRejections checks that every rejected order was paid back in full, and nothing else was.
func (f *findings) checkRejections(g *groups) {
	var unpaid, wrong, unknown []int
	learned, _ := g.recommend.rejected.read()
	for id, o := range g.inventory.rejected {
		refund, ok := g.service.refunds[id]
		switch {
		case !ok:
			unpaid = append(unpaid, o.Number)
		case refund != f.facts.byID[id].Amount:
			wrong = append(wrong, o.Number)
		}
		if learned[envelope.DeriveID(id, OrderRejected.Type())] != 1 {
			unknown = append(unknown, o.Number)
		}
	}
	if len(unpaid) > 0 {
		f.add("service", "rejected orders were not paid back", unpaid...)
	}
	if len(wrong) > 0 {
		f.add("service", "rejected orders were paid back with another amount", wrong...)
	}
	if len(unknown) > 0 {
		f.add("recommend", "rejections were not learned of", unknown...)
	}
	same(f, "service", "number of refunds", len(g.service.refunds), len(g.inventory.rejected))
	bought := 0
	for _, n := range g.recommend.bought {
		bought += n
	}
	same(f, "recommend", "number of orders less rejections", bought, len(f.facts.orders)-len(g.inventory.rejected))
}

func (f *findings) checkMonths(a *analytics) {
	names := slices.Sorted(maps.Keys(f.facts.months))
	for _, name := range names {
		want, got := f.facts.months[name], a.revenue[name]
		same(f, "analytics", "orders of "+name, got.Orders, want.Orders)
		same(f, "analytics", "revenue of "+name, got.Revenue, want.Revenue)
		same(f, "analytics", "new customers of "+name, a.newcomers[name], want.Joined)
	}
	same(f, "analytics", "number of months", len(a.revenue), len(names))
}

func (f *findings) checkPoints(l *loyalty) {
	var wrong []string
	for customer, points := range f.facts.points {
		a, ok := l.accounts[customer]
		if !ok || a.Points != points {
			wrong = append(wrong, customer)
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		first := strings.Join(wrong[:min(len(wrong), mostNamed)], ", ")
		f.add("loyalty", fmt.Sprintf("%s customers have other points than the file gives them, beginning with %s", grouped(len(wrong)), first))
	}
	same(f, "loyalty", "number of accounts", len(l.accounts), len(f.facts.points))
	if len(l.disorder) > 0 {
		f.add("loyalty", "orders came before their customer's account or an earlier order", l.disorder...)
	}
}

// checkDead checks that no dead letter is left behind.
func (f *findings) checkDead(ctx context.Context, b *messaging.Broker, members []*member) error {
	for _, m := range members {
		left := 0
		for l, err := range b.DeadLetters(ctx, m.topic, m.group) {
			if err != nil {
				return err
			}
			if l.Redriven == "" {
				left++
			}
		}
		same(f, m.group, "number of dead letters left", left, 0)
	}
	return nil
}
