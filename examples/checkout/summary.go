package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// summary is what is printed at the end. Everything in it comes from what the handlers saw; facts are only what it is compared with.
type summary struct {
	facts    *facts
	groups   *groups
	counts   meters
	sold     responses
	compared *comparison
	found    *findings
	took     time.Duration
	broken   string // -break
}

func (s *summary) print(out io.Writer) {
	s.printGroups(out)
	s.printMonths(out)
	s.printShop(out)
	fmt.Fprintln(out, "\nThe checkout's response time in this run")
	fmt.Fprintf(out, "  %-32s %9s %9s %9s\n", "", "p50", "p99", "max")
	printTimes(out, "mail server there", s.sold.usual)
	printTimes(out, "mail server away", s.sold.away)
	if s.compared != nil {
		fmt.Fprintln(out)
		s.compared.print(out)
	}
	s.printVerdict(out)
}

func (s *summary) printGroups(out io.Writer) {
	fmt.Fprintln(out, "\nWhat the groups handled, compared order by order with the file")
	fmt.Fprintf(out, "  %-20s %8s %11s %8s %7s %6s %10s\n", "group", "handled", "duplicates", "retries", "later", "dead", "re-driven")
	books := []*book{
		s.groups.email.book, s.groups.inventory.book, s.groups.analytics.book, s.groups.loyalty.book, s.groups.recommend.orders,
		s.groups.service.book, s.groups.recommend.rejected,
	}
	duplicates := 0
	for i, m := range s.groups.members {
		c := s.counts[place{m.topic, m.group}]
		_, twice := books[i].read()
		duplicates += twice
		fmt.Fprintf(out, "  %-20s %8s %11s %8s %7s %6d %10d  %s\n", m.label, grouped(m.done()), grouped(twice), grouped(c.retries.Load()),
			grouped(c.later.Load()), c.dead.Load(), c.redriven.Load(), verdict(s.found.ok(m.group)))
	}
	fmt.Fprintf(out, "  Every event may come twice. %d orders were published twice, as by a checkout that never hears\n"+
		"  its answer; the groups saw %d duplicates and knew them by the event's id.\n", s.facts.repeats, duplicates)
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "WRONG"
}

func (s *summary) printMonths(out io.Writer) {
	fmt.Fprintln(out, "\nAnalytics: what each month brought")
	fmt.Fprintf(out, "  %-8s %8s %14s %16s %16s\n", "month", "orders", "new customers", "revenue", "in the file")
	a := s.groups.analytics
	var sum month
	for _, name := range slices.Sorted(maps.Keys(s.facts.months)) {
		got, want := a.revenue[name], s.facts.months[name]
		got.Joined = a.newcomers[name]
		sum.Orders += got.Orders
		sum.Joined += got.Joined
		sum.Revenue += got.Revenue
		fmt.Fprintf(out, "  %-8s %8s %14s %16v %16v  %s\n", name, grouped(got.Orders), grouped(got.Joined), got.Revenue, want.Revenue,
			verdict(got == want))
	}
	fmt.Fprintf(out, "  %-8s %8s %14s %16v %16v  %s\n", "all", grouped(sum.Orders), grouped(sum.Joined), sum.Revenue, s.facts.revenue,
		verdict(sum.Revenue == s.facts.revenue))
}

func (s *summary) printShop(out io.Writer) {
	i, l := s.groups.inventory, s.groups.loyalty
	var refunds, points, earned Cents
	for _, c := range s.groups.service.refunds {
		refunds += c
	}
	for _, a := range l.accounts {
		points += a.Points
	}
	for _, p := range s.facts.points {
		earned += p
	}
	again := 0
	for _, n := range s.groups.recommend.bought {
		if n > 1 {
			again++
		}
	}
	fmt.Fprintln(out, "\nThe others")
	fmt.Fprintf(out, "  inventory  %s pieces sold, %s orders rejected because their album was out of stock\n", grouped(i.sold), grouped(len(i.rejected)))
	fmt.Fprintf(out, "  service    %s orders paid back, %v in all\n", grouped(len(s.groups.service.refunds)), refunds)
	fmt.Fprintf(out, "  loyalty    %s points for %s customers, the file gives %s\n", grouped(points), grouped(len(l.accounts)), grouped(earned))
	fmt.Fprintf(out, "             most points: %s\n", topCustomers(l.accounts, 3))
	fmt.Fprintf(out, "             order of each customer's events: %s out of order, %d late from the dead letters\n", grouped(len(l.disorder)), l.late)
	fmt.Fprintf(out, "  recommend  %s customers bought more than once\n", grouped(again))
}

// topCustomers names those with the most points.
func topCustomers(accounts map[string]*account, n int) string {
	names := slices.SortedFunc(maps.Keys(accounts), func(a, b string) int {
		if d := accounts[b].Points - accounts[a].Points; d != 0 {
			return int(d)
		}
		return strings.Compare(a, b)
	})
	var top []string
	for _, name := range names[:min(n, len(names))] {
		top = append(top, fmt.Sprintf("%s for customer %s", grouped(accounts[name].Points), name))
	}
	return strings.Join(top, ", ")
}

func (s *summary) printVerdict(out io.Writer) {
	fmt.Fprintln(out)
	if len(s.found.problems) == 0 {
		fmt.Fprintf(out, "All %s orders were handled by every group, to the cent. %.1f s in all.\n", grouped(len(s.facts.orders)), s.took.Seconds())
		return
	}
	fmt.Fprintln(out, "The groups and the file differ:")
	for _, p := range s.found.problems {
		fmt.Fprintf(out, "  %v\n", p)
	}
	if s.broken != "" {
		fmt.Fprintf(out, "-break %s asked for it.\n", s.broken)
	}
}
