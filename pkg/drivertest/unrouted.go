package drivertest

import "github.com/herald-go/herald/pkg/driver"

var unroutedSentences = []Sentence{
	{Area: "unrouted", Text: "a topic without a group refuses", needs: []need{groups}, check: noGroupRefuses},
	{Area: "unrouted", Text: "Drop throws away and says stored", needs: []need{groups}, check: dropThrowsAway},
	{Area: "unrouted", Text: "Keep stores for groups to come", needs: []need{groups, keep}, check: keepStores},
	{Area: "unrouted", Text: "Keep is not stored where it is refused", needs: []need{groups, without(driver.FeatureKeep)}, check: keepRefused},
	{Area: "unrouted", Text: "a type that no filter wants is stored", needs: []need{groups}, check: unwantedTypeIsStored},
}

func noGroupRefuses(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.want(f.send(d, f.to(topic), f.events(3, "k")...), driver.Unroutable)
	m := f.reader(d, topic)
	m.quiet() // Unroutable is not stored: a later group must not see it
	msg := f.event("k")
	f.publish(d, f.to(topic), msg)
	f.same("what came", []string{msg.ID}, idsOf(m.drain(1)))
}

func dropThrowsAway(f *fixture) {
	d, topic := f.open(), f.name("t")
	to := driver.Address{Topic: topic, Unrouted: driver.Drop}
	f.publish(d, to, f.events(3, "k")...)
	m := f.reader(d, topic)
	m.quiet()
	msg := f.event("k")
	f.publish(d, to, msg) // routed now, so it must not be dropped any more
	f.same("what came", []string{msg.ID}, idsOf(m.drain(1)))
}

func keepStores(f *fixture) {
	d, topic := f.open(), f.name("t")
	to := driver.Address{Topic: topic, Unrouted: driver.Keep}
	msgs := f.events(5, "k")
	f.publish(d, to, msgs...)
	for range 2 {
		m := f.reader(d, topic)
		f.ordered("what a later group received", ids(msgs), idsOf(m.drain(len(msgs))))
	}
}

func keepRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	r := f.send(d, driver.Address{Topic: topic, Unrouted: driver.Keep}, f.event("k"))
	f.wait(r)
	if fate, _ := r.at(0); fate == driver.Stored {
		f.Errorf("Keep is refused by the capabilities, but says stored")
	}
}

func unwantedTypeIsStored(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.Types = []string{"order.placed"}
	m := f.join(d, spec)
	odd, wanted := f.event("k"), f.event("k")
	odd.Type = "invoice.sent"
	f.publish(d, f.to(topic), odd, wanted)
	for range 2 { // the unwanted one may be delivered too
		if c := m.drain(1)[0]; c.ID == wanted.ID {
			return
		}
	}
	f.Errorf("what the filter wants did not come")
}
