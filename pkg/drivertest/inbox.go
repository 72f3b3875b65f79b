package drivertest

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var inboxSentences = []Sentence{
	{Area: "inbox", Text: "what goes to an inbox reaches that group alone, and is marked", needs: []need{groups, inbox}, check: inboxIsPrivate},
	{Area: "inbox", Text: "nothing that came through the topic is marked", needs: []need{groups}, check: topicIsNeverMarked},
	{Area: "inbox", Text: "an inbox is there from the first subscription on, with or without members", needs: []need{groups, inbox}, check: inboxStays},
	{Area: "inbox", Text: "an inbox that does not exist is Unroutable", needs: []need{groups, inbox}, check: noSuchInbox},
	{Area: "inbox", Text: "every attribute survives the inbox", needs: []need{groups, inbox}, check: attributesSurviveInbox},
	{Area: "inbox", Text: "an inbox message is settled like any other", needs: []need{groups, inbox}, check: inboxIsSettled},
	{Area: "inbox", Text: "a delayed inbox message never comes early", needs: []need{groups, inbox}, check: inboxDelay},
	{Area: "inbox", Text: "a delayed message waits while nobody is there", needs: []need{groups, inbox}, check: delayOutlivesMembers},
	{Area: "inbox", Text: "one Send to an inbox keeps its order", needs: []need{groups, inbox}, check: inboxOrder},
	{Area: "inbox", Text: "a refused inbox stores nothing", needs: []need{groups, without(driver.FeatureInbox)}, check: inboxRefused},
}

func (g group) inbox() driver.Address { return driver.Address{Topic: g.topic, Group: g.name} }

func inboxIsPrivate(f *fixture) {
	g := f.group()
	m := g.member()
	other := f.reader(g.d, g.topic)
	msgs := f.events(5, "k")
	f.publish(g.d, g.inbox(), msgs...)
	held := m.take(5)
	f.same("what came through the inbox", ids(msgs), ids(held))
	for _, msg := range held {
		if !msg.Inbox {
			f.Errorf("a message of the inbox is not marked")
			break
		}
	}
	m.settle(driver.Ack, held...)
	m.quiet()
	other.quiet()
}

// lookAlikes are headers by which a driver could tell its inbox messages, if it trusted what anybody can write.
func lookAlikes(g group) []driver.Header {
	return []driver.Header{
		{Key: "herald-inbox", Value: "true"},
		{Key: "herald-inbox", Value: "1"},
		{Key: "inbox", Value: "true"},
		{Key: "herald-group", Value: g.name},
		{Key: "herald-attempt", Value: "7"},
		{Key: "herald-later", Value: "1"},
		{Key: "herald-topic", Value: g.topic},
		{Key: "x-herald-inbox", Value: "true"},
		{Key: "x-death", Value: "1"},
		{Key: "herald-source", Value: "inbox"},
		{Key: "herald-origin", Value: driver.Name(driver.KindInbox, g.topic, g.name)},
	}
}

func topicIsNeverMarked(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(2, "k")
	for _, h := range lookAlikes(g) {
		msg := f.event("k")
		msg.Headers = []driver.Header{h}
		msgs = append(msgs, msg)
	}
	msgs[1].Type = driver.Name(driver.KindInbox, g.topic, g.name)
	g.publish(msgs...)
	for _, msg := range m.take(len(msgs)) {
		if msg.Inbox {
			f.Errorf("a message of the topic is marked as from the inbox; its headers are %v", msg.Headers)
		}
		m.settle(driver.Ack, msg)
	}
}

func inboxStays(f *fixture) {
	g := f.group()
	g.member().leave()
	msgs := f.events(3, "k")
	f.publish(g.d, g.inbox(), msgs...)
	held := g.member().take(3)
	f.same("what waited in the inbox", ids(msgs), ids(held))
	for _, msg := range held {
		if !msg.Inbox {
			f.Errorf("a message that waited in the inbox is not marked")
			break
		}
	}
}

func noSuchInbox(f *fixture) {
	g := f.group()
	f.want(f.send(g.d, g.inbox(), f.event("k")), driver.Unroutable) // neither topic nor group
	other := f.reader(g.d, g.topic)
	f.want(f.send(g.d, g.inbox(), f.events(3, "k")...), driver.Unroutable) // the topic is there, the group is not
	other.quiet()
	m := g.member()
	m.quiet() // not stored
}

func attributesSurviveInbox(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.variety()
	want := carryAll(msgs)
	f.publish(g.d, g.inbox(), msgs...)
	f.unchanged(want, m.drain(len(want)))
}

func inboxIsSettled(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(6, "k")
	f.publish(g.d, g.inbox(), msgs...)
	held := m.take(6)
	m.settle(driver.Ack, held[5], held[1])
	m.settle(driver.Release, held[0])
	m.leave()
	next := g.member()
	want := []string{held[0].ID, held[2].ID, held[3].ID, held[4].ID}
	again := next.take(4)
	f.same("what came again", want, ids(again))
	for _, msg := range again {
		if !msg.Inbox {
			f.Errorf("a message of the inbox that came again is not marked")
			break
		}
	}
	next.settle(driver.Ack, again...)
	next.leave()
	g.member().quiet()
}

// delays are how long messages wait in the tests of delays: none, some of them in the wrong order, and one that is over.
func (f *fixture) delays() []time.Duration {
	q := f.h.Quiet
	return []time.Duration{6 * q, 2 * q, -time.Minute, 4 * q, 2*q + time.Millisecond}
}

// notEarly takes the messages and demands that none comes before its time.
func (f *fixture) notEarly(m *member, due map[string]time.Time) {
	f.Helper()
	var got []string
	want := make([]string, 0, len(due))
	for id := range due {
		want = append(want, id)
	}
	for len(got) < len(due) {
		batch, err := m.receive(f.h.Patience+f.h.Late, 1)
		if err != nil {
			break
		}
		now := time.Now()
		for _, msg := range batch {
			if at := due[msg.ID]; now.Before(at) {
				f.Errorf("a message came %v before its time", at.Sub(now))
			} else if late := now.Sub(at); !at.IsZero() && late > f.h.Patience+f.h.Late && late < time.Minute {
				f.Errorf("a message came %v after its time", late)
			}
		}
		got = append(got, ids(batch)...)
		m.settle(driver.Ack, batch...)
	}
	f.same("what was delayed", want, got)
}

func (f *fixture) delayed() ([]*driver.Message, map[string]time.Time) {
	due := map[string]time.Time{}
	var msgs []*driver.Message
	for _, d := range f.delays() {
		msg := f.event("k")
		msg.NotBefore = time.Now().Add(d)
		due[msg.ID] = msg.NotBefore
		msgs = append(msgs, msg)
	}
	prompt := f.event("k")
	due[prompt.ID] = time.Time{}
	return append(msgs, prompt), due
}

func inboxDelay(f *fixture) {
	g := f.group()
	m := g.member()
	msgs, due := f.delayed()
	f.publish(g.d, g.inbox(), msgs...)
	f.notEarly(m, due)
}

func delayOutlivesMembers(f *fixture) {
	g := f.group()
	g.member().leave()
	msgs, due := f.delayed()
	f.publish(g.d, g.inbox(), msgs...)
	m := g.member()
	m.leave()
	f.notEarly(g.member(), due)
}

func inboxOrder(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(100, "k")
	f.publish(g.d, g.inbox(), msgs...)
	f.ordered("one Send to an inbox", ids(msgs), idsOf(m.drain(100)))
}

func inboxRefused(f *fixture) {
	g := f.group()
	m := g.member()
	r := f.send(g.d, g.inbox(), f.event("k"))
	f.wait(r)
	if fate, _ := r.at(0); fate == driver.Stored {
		f.Errorf("the inbox is refused by the capabilities, but says stored")
	}
	m.quiet()
}
