package drivertest

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var startSentences = []Sentence{
	{Area: "start", Text: "a new group starts at the oldest that the broker holds", needs: []need{groups, start}, check: startsAtOldest},
	{Area: "start", Text: "StartNewest is from now on", needs: []need{groups}, check: startsNow},
	{Area: "start", Text: "StartTime is the first message stored at or after the time", needs: []need{groups, start}, check: startsAtTime},
	{Area: "start", Text: "StartAfter is the message that follows the position", needs: []need{groups, start}, check: startsAfter},
	{Area: "start", Text: "a position that never was is ErrPosition", needs: []need{groups, start}, check: noSuchPosition},
	{Area: "start", Text: "an existing position wins", needs: []need{groups}, check: existingPositionWins},
	{
		Area: "start", Text: "a start that the broker can't give is ErrUnsupported", needs: []need{groups, without(driver.FeatureStart)},
		check: startRefused,
	},
}

// newGroup joins a group that does not exist yet at a start.
func (f *fixture) newGroup(d driver.Driver, topic string, at driver.Start) *member {
	f.Helper()
	spec := f.spec(topic, f.name("g"))
	spec.Start = at
	return f.join(d, spec)
}

func startsAtOldest(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic).drain(0)
	msgs := f.events(10, "k")
	f.publish(d, f.to(topic), msgs...)
	for _, kind := range []driver.StartKind{driver.StartDefault, driver.StartOldest} {
		m := f.newGroup(d, topic, driver.Start{Kind: kind})
		f.ordered("a new group", ids(msgs), idsOf(m.drain(10)))
	}
}

func startsNow(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	f.publish(d, f.to(topic), f.events(10, "k")...)
	m := f.newGroup(d, topic, driver.Start{Kind: driver.StartNewest})
	m.quiet()
	later := f.events(3, "k")
	f.publish(d, f.to(topic), later...)
	f.ordered("from now on", ids(later), idsOf(m.drain(3)))
	m.quiet()
}

func startsAtTime(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	f.publish(d, f.to(topic), f.events(5, "k")...)
	f.pause(f.h.Quiet)
	at := time.Now()
	f.pause(f.h.Quiet)
	later := f.events(5, "k")
	f.publish(d, f.to(topic), later...)
	m := f.newGroup(d, topic, driver.Start{Kind: driver.StartTime, Time: at})
	f.ordered("from the time on", ids(later), idsOf(m.drain(5)))
	m.quiet()
}

func startsAfter(f *fixture) {
	d, topic := f.open(), f.name("t")
	first := f.reader(d, topic)
	msgs := f.events(10, "k")
	f.publish(d, f.to(topic), msgs...)
	held := first.take(10)
	for i, msg := range held {
		if msg.Position == "" {
			f.Fatalf("message %d has no position, where groups can start at one", i)
		}
	}
	m := f.newGroup(d, topic, driver.Start{Kind: driver.StartAfter, Position: held[3].Position})
	f.ordered("after the fourth", ids(msgs[4:]), idsOf(m.drain(6)))
	end := f.newGroup(d, topic, driver.Start{Kind: driver.StartAfter, Position: held[9].Position})
	end.quiet()
}

func noSuchPosition(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	spec := f.spec(topic, f.name("g"))
	spec.Start = driver.Start{Kind: driver.StartAfter, Position: "no such position"}
	f.refused(d, spec, driver.ErrPosition)
}

func existingPositionWins(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(6, "k")
	g.publish(msgs...)
	held := m.take(6)
	m.settle(driver.Ack, held[:3]...)
	m.leave()
	kinds := []driver.Start{{}, {Kind: driver.StartNewest}}
	if f.has(driver.FeatureStart) {
		kinds = append(kinds, driver.Start{Kind: driver.StartOldest}, driver.Start{Kind: driver.StartTime, Time: time.Now()})
	}
	for _, at := range kinds {
		spec := f.spec(g.topic, g.name)
		spec.Start = at
		next := f.join(f.open(), spec)
		f.same("from the group's own position", ids(msgs[3:]), ids(next.take(3)))
		next.quiet()
		next.leave()
	}
}

func startRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	for _, at := range []driver.Start{
		{Kind: driver.StartOldest}, {Kind: driver.StartTime, Time: time.Now()}, {Kind: driver.StartAfter, Position: "1"},
	} {
		spec := f.spec(topic, f.name("g"))
		spec.Start = at
		f.refused(d, spec, driver.ErrUnsupported)
	}
	f.want(f.send(d, f.to(topic), f.event("k")), driver.Unroutable) // nothing was declared
}
