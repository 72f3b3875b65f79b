package drivertest

import "github.com/herald-go/herald/pkg/driver"

var broadcastSentences = []Sentence{
	{Area: "broadcast", Text: "each reader gets all, from now on", needs: []need{broadcast}, check: broadcastFromNowOn},
	{Area: "broadcast", Text: "a reader takes nothing away from groups", needs: []need{groups, broadcast}, check: broadcastTakesNothing},
	{Area: "broadcast", Text: "what a reader leaves unsettled is gone for it alone", needs: []need{broadcast}, check: broadcastLeaves},
	{Area: "broadcast", Text: "the window bounds a reader too", needs: []need{broadcast}, check: broadcastWindow},
	{Area: "broadcast", Text: "broadcast is ErrUnsupported where it is refused", needs: []need{without(driver.FeatureBroadcast)}, check: broadcastRefused},
	{Area: "groups", Text: "groups are ErrUnsupported where they are refused", needs: []need{without(driver.FeatureGroups)}, check: groupsRefused},
}

// listen opens a broadcast reader.
func (f *fixture) listen(topic string) *member {
	f.Helper()
	spec := f.spec(topic, "")
	spec.Broadcast = true
	return f.join(f.open(), spec)
}

// routed makes sure that the topic has a group, so that publishing to it is stored.
func (f *fixture) routed(d driver.Driver, topic string) {
	f.Helper()
	if f.has(driver.FeatureGroups) {
		f.reader(d, topic)
	}
}

func broadcastFromNowOn(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.routed(d, topic)
	f.publish(d, f.to(topic), f.events(5, "k")...)
	a := f.listen(topic)
	a.quiet()
	both := f.events(20, "k")
	b := f.listen(topic)
	f.publish(d, f.to(topic), both...)
	f.ordered("the first reader", ids(both), idsOf(a.drain(20)))
	f.ordered("the second reader", ids(both), idsOf(b.drain(20)))
	c := f.listen(topic)
	a.leave()
	last := f.event("k")
	f.publish(d, f.to(topic), last)
	for _, m := range []*member{b, c} {
		f.same("after a reader left", []string{last.ID}, idsOf(m.drain(1)))
		m.quiet()
	}
}

func broadcastTakesNothing(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	a := f.listen(topic)
	msgs := f.events(20, "k")
	f.publish(d, f.to(topic), msgs...)
	f.same("the reader", ids(msgs), idsOf(a.drain(20)))
	f.same("the group", ids(msgs), idsOf(m.drain(20)))
}

func broadcastLeaves(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.routed(d, topic)
	a, b := f.listen(topic), f.listen(topic)
	msgs := f.events(4, "k")
	f.publish(d, f.to(topic), msgs...)
	a.take(4)
	a.leave()
	f.same("the other reader", ids(msgs), idsOf(b.drain(4)))
	b.quiet()
	f.listen(topic).quiet()
}

func broadcastWindow(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.routed(d, topic)
	spec := f.spec(topic, "")
	spec.Broadcast, spec.Window = true, 5
	m := f.join(f.open(), spec)
	msgs := f.events(10, "k")
	f.publish(d, f.to(topic), msgs...)
	held := m.take(5)
	m.quiet()
	m.settle(driver.Ack, held...)
	f.ordered("a reader", ids(msgs), append(ids(held), idsOf(m.drain(5))...))
}

func broadcastRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, "")
	spec.Broadcast = true
	f.refused(d, spec, driver.ErrUnsupported)
}

func groupsRefused(f *fixture) {
	f.refused(f.open(), f.spec(f.name("t"), f.name("g")), driver.ErrUnsupported)
}
