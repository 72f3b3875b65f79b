package drivertest

import (
	"errors"

	"github.com/herald-go/herald/pkg/driver"
)

var filterSentences = []Sentence{
	{Area: "filter", Text: "at least what matches is delivered", needs: []need{groups}, check: filterDelivers},
	{Area: "filter", Text: "an empty filter wants all", needs: []need{groups}, check: emptyFilter},
	{Area: "filter", Text: "live members with another filter are ErrConflict", needs: []need{groups, knowsFilters}, check: filterConflict},
	{Area: "filter", Text: "a filter does not reach other groups", needs: []need{groups}, check: filterIsTheGroups},
}

var knowsFilters = need{row: string(driver.FeatureGroups), lacks: func(p probe) string {
	if p.h.FiltersUnknown {
		return "the harness says that the driver can't know the filters of other members"
	}
	return ""
}}

func filterDelivers(f *fixture) {
	cases := []struct {
		patterns       []string
		match, another []string
	}{
		{[]string{"order.*"}, []string{"order.placed", "order.paid"}, []string{"order", "invoice.sent", "order.item.added"}},
		{[]string{"order.#"}, []string{"order", "order.placed", "order.item.added", "order.a.b.c.d"}, []string{"orders.placed"}},
		{[]string{"#"}, []string{"order", "a.b.c", "x"}, nil},
		{[]string{"*.placed"}, []string{"order.placed"}, []string{"placed", "a.order.placed"}},
		{[]string{"a.#.z", "order.placed"}, []string{"a.z", "a.b.z", "a.b.c.z", "order.placed"}, []string{"a.b", "order.paid"}},
		{[]string{"com.acme:order/v1-x_y"}, []string{"com.acme:order/v1-x_y"}, []string{"com.acme:order/v1-x_z"}},
	}
	for _, c := range cases {
		d, topic := f.open(), f.name("t")
		spec := f.spec(topic, f.name("g"))
		spec.Types = c.patterns
		m := f.join(d, spec)
		var msgs []*driver.Message
		wanted := map[string]string{}
		for i := range max(len(c.match), len(c.another)) {
			if i < len(c.another) {
				msg := f.event("k")
				msg.Type = c.another[i]
				msgs = append(msgs, msg)
			}
			if i < len(c.match) {
				msg := f.event("k")
				msg.Type = c.match[i]
				msgs = append(msgs, msg)
				wanted[msg.ID] = msg.Type
			}
		}
		f.publish(d, f.to(topic), msgs...)
		for range msgs {
			if len(wanted) == 0 {
				break
			}
			got, err := m.drainWithin(1, f.h.Patience)
			if err != nil {
				break
			}
			delete(wanted, got[0].ID)
		}
		for _, typ := range wanted {
			f.Errorf("the filter %v wants %s, and it did not come", c.patterns, typ)
		}
	}
}

func emptyFilter(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(5, "k")
	for i, typ := range []string{"order.placed", "x", "a.b.c.d.e", "A:b/c", "order"} {
		msgs[i].Type = typ
	}
	f.publish(d, f.to(topic), msgs...)
	f.same("all types", ids(msgs), idsOf(m.drain(5)))
}

func filterConflict(f *fixture) {
	d, topic, name := f.open(), f.name("t"), f.name("g")
	spec := f.spec(topic, name)
	spec.Types = []string{"order.*"}
	m := f.join(d, spec)
	other := f.spec(topic, name)
	other.Types = []string{"invoice.*"}
	f.refused(f.open(), other, driver.ErrConflict)
	same := f.spec(topic, name)
	same.Types = []string{"order.*"}
	f.join(f.open(), same).leave()
	msg := f.event("k")
	f.publish(d, f.to(topic), msg)
	f.same("after a conflict", []string{msg.ID}, idsOf(m.drain(1)))
}

func filterIsTheGroups(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.Types = []string{"order.paid"}
	f.join(d, spec)
	all := f.reader(d, topic)
	msgs := f.events(4, "k")
	f.publish(d, f.to(topic), msgs...)
	f.ordered("a group without a filter", ids(msgs), idsOf(all.drain(4)))
}

// conflicts demands ErrConflict.
func (f *fixture) conflicts(what string, err error) {
	f.Helper()
	if !errors.Is(err, driver.ErrConflict) {
		f.Errorf("%s: %v, want an error that wraps ErrConflict", what, err)
	}
}
