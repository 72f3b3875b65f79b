package drivertest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var topology = side("topology")

var topologySentences = []Sentence{
	{Area: "topology", Text: "a declared group keeps what comes from then on", needs: []need{groups, topology}, check: declaredGroupKeeps},
	{Area: "topology", Text: "declaring the same again changes nothing", needs: []need{groups, topology}, check: declareTwice},
	{Area: "topology", Text: "other properties are ErrConflict and change nothing", needs: []need{groups, replicas, topology}, check: declareConflict},
	{Area: "topology", Text: "verifying tells what is missing or different and creates nothing", needs: []need{groups, replicas, topology}, check: verifying},
	{Area: "topology", Text: "a declared topic without a group is unrouted", needs: []need{groups, topology}, check: declaredWithoutGroup},
	{Area: "topology", Text: "what a bound takes away is reported as a gap with its size", needs: []need{groups, topology}, check: boundIsAGap},
}

func (f *fixture) declare(d driver.Driver, specs ...driver.TopicSpec) error {
	ctx, cancel := f.within()
	defer cancel()
	return d.(driver.Topology).Declare(ctx, specs)
}

func declaredGroupKeeps(f *fixture) {
	d, a, b := f.open(), f.name("t"), f.name("t")
	err := f.declare(d, driver.TopicSpec{Name: a, Groups: []string{"one", "two"}}, driver.TopicSpec{Name: b, Groups: []string{"one"}})
	if err != nil {
		f.Fatalf("Declare: %v", err)
	}
	for _, topic := range []string{a, b} {
		msgs := f.events(5, "k")
		f.publish(f.open(), f.to(topic), msgs...)
		f.ordered("a declared group", ids(msgs), idsOf(f.join(f.open(), f.spec(topic, "one")).drain(5)))
		if topic == a {
			f.ordered("a declared group", ids(msgs), idsOf(f.join(f.open(), f.spec(topic, "two")).drain(5)))
		}
	}
}

func declareTwice(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := driver.TopicSpec{Name: topic, Groups: []string{"one"}}
	var msgs []*driver.Message
	for range 3 {
		if err := f.declare(d, spec); err != nil {
			f.Fatalf("Declare: %v", err)
		}
		msg := f.event("k")
		msgs = append(msgs, msg)
		f.publish(d, f.to(topic), msg)
	}
	f.ordered("a group declared three times", ids(msgs), idsOf(f.join(d, f.spec(topic, "one")).drain(3)))
}

func declareConflict(f *fixture) {
	d, topic := f.open(), f.name("t")
	if err := f.declare(d, driver.TopicSpec{Name: topic, Partitions: partitions, Groups: []string{"one"}}); err != nil {
		f.Fatalf("Declare: %v", err)
	}
	f.conflicts("Declare with another number of partitions",
		f.declare(f.open(), driver.TopicSpec{Name: topic, Partitions: partitions * 2, Groups: []string{"one"}}))
	msgs := f.events(3, "k")
	f.publish(d, f.to(topic), msgs...)
	spec := f.spec(topic, "one")
	spec.Partitions = partitions
	f.ordered("after a conflict", ids(msgs), idsOf(f.join(d, spec).drain(3)))
}

func verifying(f *fixture) {
	d, topic, other := f.open(), f.name("t"), f.name("t")
	there := driver.TopicSpec{Name: topic, Partitions: partitions, Groups: []string{"one"}}
	if err := f.declare(d, there); err != nil {
		f.Fatalf("Declare: %v", err)
	}
	there.Verify = true
	if err := f.declare(f.open(), there); err != nil {
		f.Errorf("verifying what is there: %v", err)
	}
	different := there
	different.Partitions *= 2
	f.conflicts("verifying another number of partitions", f.declare(d, different))
	for _, missing := range []driver.TopicSpec{{Name: other, Verify: true}, {Name: topic, Groups: []string{"two"}, Verify: true}} {
		for range 2 { // the second finds whether the first has created it
			if err := f.declare(d, missing); !errors.Is(err, driver.ErrUnknownTopic) {
				f.Errorf("verifying what is missing: %v, want ErrUnknownTopic", err)
			}
		}
	}
}

func declaredWithoutGroup(f *fixture) {
	d, topic := f.open(), f.name("t")
	if err := f.declare(d, driver.TopicSpec{Name: topic}); err != nil {
		f.Fatalf("Declare: %v", err)
	}
	f.want(f.send(d, f.to(topic), f.event("k")), driver.Unroutable)
}

func boundIsAGap(f *fixture) {
	const total, bound = 300, 50
	d, topic := f.open(), f.name("t")
	err := f.declare(d, driver.TopicSpec{Name: topic, MaxCount: bound, Groups: []string{"one"}})
	if errors.Is(err, driver.ErrUnsupported) {
		f.Logf("the driver refuses bounds by count: %v", err)
		return
	}
	if err != nil {
		f.Fatalf("Declare: %v", err)
	}
	for range total / 20 {
		f.publish(d, f.to(topic), f.events(20, "k")...)
	}
	var mu sync.Mutex
	gap, unsized := int64(0), false
	spec := f.spec(topic, "one")
	spec.Notify = func(n driver.Notice) {
		mu.Lock()
		defer mu.Unlock()
		if n.Kind == driver.Gap {
			gap += max(n.Count, 0)
			unsized = unsized || n.Count < 0
		}
	}
	m := f.join(d, spec)
	got := 0
	f.eventually(func() (bool, string) {
		held, err := m.receive(f.h.Quiet, 64)
		got += len(held)
		m.settle(driver.Ack, held...)
		mu.Lock()
		defer mu.Unlock()
		told := !unsized && int64(got)+gap == total || unsized && got < total
		return err != nil && got > 0 && told, fmt.Sprintf("of %d messages with a bound of %d, %d came and a gap of %d was reported", total, bound, got, gap)
	})
}
