package drivertest

import "github.com/herald-go/herald/pkg/driver"

var answerSentences = []Sentence{
	{
		Area: "fates", Text: "what the broker refused is never reported as stored, and never comes", needs: []need{groups, refuse},
		check: refusedIsHonest,
	},
	{Area: "fates", Text: "a refused message does not take its neighbours along", needs: []need{groups, refuse}, check: refusedAlone},
	{
		Area: "fates", Text: "an answer that got lost is Unconfirmed, unless the driver made sure", needs: []need{groups, unanswered},
		check: lostAnswerIsUnconfirmed,
	},
	{Area: "fates", Text: "a publish that the driver tried again is stored once", needs: []need{groups, unanswered, once}, check: triedAgainOnce},
}

func refusedIsHonest(f *fixture) {
	g := f.group()
	m := g.member()
	f.must(f.h.Refuse(g.topic, true))
	f.Cleanup(func() { f.must(f.h.Refuse(g.topic, false)) })
	msgs := f.events(10, "k")
	r := f.send(g.d, f.to(g.topic), msgs...)
	f.wait(r)
	unsure := map[string]bool{}
	for i, msg := range msgs {
		switch fate, err := r.at(i); fate {
		case driver.Stored, driver.Unroutable:
			f.Errorf("the broker refuses, and a message is %v (%v)", fate, err)
		case driver.Unconfirmed:
			unsure[msg.ID] = true // some brokers' refusals don't say that nothing was stored
		default:
		}
	}
	f.must(f.h.Refuse(g.topic, false))
	after := f.event("k")
	g.publish(after)
	for {
		c := m.drain(1)[0]
		if c.ID == after.ID {
			break
		}
		if !unsure[c.ID] {
			f.Errorf("%s came, and its fate says that it is not stored", c.ID)
		}
	}
	m.quiet()
}

func refusedAlone(f *fixture) {
	g := f.group()
	m := g.member()
	other := f.group()
	n := other.member()
	f.must(f.h.Refuse(g.topic, true))
	f.Cleanup(func() { f.must(f.h.Refuse(g.topic, false)) })
	refused := f.send(g.d, f.to(g.topic), f.events(10, "k")...)
	msgs := f.events(10, "k")
	f.publish(g.d, f.to(other.topic), msgs...) // the same connection
	f.ordered("another topic", ids(msgs), idsOf(n.drain(10)))
	f.wait(refused)
	f.must(f.h.Refuse(g.topic, false))
	msg := f.event("k")
	g.publish(msg)
	for m.drain(1)[0].ID != msg.ID {
		continue
	}
}

func lostAnswerIsUnconfirmed(f *fixture) {
	g := f.group()
	m := g.member()
	f.must(f.h.Unanswered(g.topic, true))
	f.Cleanup(func() { f.must(f.h.Unanswered(g.topic, false)) })
	msgs := f.events(10, "k")
	r := f.send(g.d, f.to(g.topic), msgs...)
	seen := map[string]int{}
	m.see(seen, ids(msgs)...) // the broker has them: only the answer is missing
	f.pause(f.h.Quiet)
	for i := range msgs {
		if fate, _ := r.at(i); fate == driver.Stored {
			f.Errorf("no answer came so far, and a message is %v", fate)
		}
	}
	f.must(f.h.Unanswered(g.topic, false)) // a driver that tries again until it has an answer gets one now
	f.wait(r)
	after := f.event("k")
	g.publish(after)
	m.see(seen, after.ID)
	for i, msg := range msgs {
		switch fate, err := r.at(i); fate {
		case driver.Stored:
			if f.has(driver.FeatureIdempotent) && seen[msg.ID] > 0 {
				continue // tried again, and stored once
			}
			f.Errorf("the answer got lost, and a message is %v", fate)
		case driver.Unconfirmed:
		default:
			f.Errorf("the answer got lost, and a message is %v (%v), want unconfirmed: it was written", fate, err)
		}
	}
}

func triedAgainOnce(f *fixture) {
	g := f.group()
	m := g.member()
	f.must(f.h.Unanswered(g.topic, true))
	f.Cleanup(func() { f.must(f.h.Unanswered(g.topic, false)) })
	msgs := f.events(10, "k")
	r := f.send(g.d, f.to(g.topic), msgs...)
	seen := map[string]int{}
	m.see(seen, ids(msgs)...)
	f.pause(f.h.Quiet)
	f.must(f.h.Unanswered(g.topic, false))
	f.wait(r)
	after := f.event("k")
	g.publish(after)
	m.see(seen, after.ID)
	for id, n := range seen {
		if n > 1 {
			f.Errorf("%s came %d times, and publishing is idempotent", id, n)
		}
	}
}

// see receives until each of these has come, and counts what comes.
func (m *member) see(seen map[string]int, want ...string) {
	m.f.Helper()
	for _, id := range want {
		for seen[id] == 0 {
			seen[m.drain(1)[0].ID]++
		}
	}
}
