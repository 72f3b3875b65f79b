package drivertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var reconnectSentences = []Sentence{
	{
		Area: "reconnect", Text: "a subscription resumes by itself, with the same window and one consumer", alone: true,
		needs: []need{groups, away}, check: resumes,
	},
	{
		Area: "reconnect", Text: "what was held comes again or stays held, but is never lost", alone: true,
		needs: []need{groups, away}, check: heldSurvives,
	},
	{Area: "reconnect", Text: "five bounces under load lose nothing", alone: true, needs: []need{groups, away}, check: bounces},
	{Area: "reconnect", Text: "a delayed message outlives a disconnect", alone: true, needs: []need{groups, inbox, away}, check: delayOutlivesDisconnect},
	{Area: "reconnect", Text: "a broadcast goes on after a disconnect", alone: true, needs: []need{broadcast, away}, check: broadcastResumes},
	{Area: "reconnect", Text: "a reconnect leaves no goroutine behind", alone: true, needs: []need{away}, check: reconnectLeavesNoGoroutine},
	{Area: "cut", Text: "a cut connection comes back by itself and loses nothing", alone: true, needs: []need{groups, cut}, check: cutComesBack},
	{Area: "cut", Text: "an outcome for a source that was cut is a no-op", alone: true, needs: []need{groups, cut}, check: cutOutcome},
}

func (f *fixture) bounce() {
	f.Helper()
	f.must(f.h.Disconnect())
	f.pause(f.h.Quiet / 5)
	f.must(f.h.Reconnect())
}

func resumes(f *fixture) {
	const window = 5
	g := f.group()
	spec := f.spec(g.topic, g.name)
	spec.Window = window
	m := f.join(f.open(), spec)
	f.disconnect()
	f.must(f.h.Reconnect())
	for range 2 {
		f.bounce()
	}
	msgs := f.events(4*window, "k")
	g.publish(msgs...)
	held := m.take(window)
	m.quiet() // a second consumer would bring a second window
	got := ids(held)
	m.settle(driver.Ack, held...)
	got = append(got, idsOf(m.drain(3*window))...)
	f.same("after three reconnects", ids(msgs), got)
	m.quiet()
}

// heldSurvives holds messages over a disconnect. If the source is gone the outcomes count for nothing and the messages must come again; if it
// lives on, they count.
func heldSurvives(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(10, "k")
	g.publish(msgs...)
	held := m.take(10)
	f.disconnect()
	f.pause(f.h.Quiet)
	f.must(f.h.Reconnect())
	later := f.event("k")
	g.publish(later)
	seen := m.take(1) // what was held may come first
	again := map[string]bool{}
	for !again[later.ID] {
		for _, msg := range seen {
			again[msg.ID] = true
		}
		if again[later.ID] {
			break
		}
		seen = append(seen, m.take(1)...)
	}
	var counted, void []string
	for i, msg := range held {
		if i%2 == 1 {
			void = append(void, msg.ID) // never settled
			continue
		}
		if msg.Source.State() == driver.Gone {
			void = append(void, msg.ID)
		} else {
			counted = append(counted, msg.ID)
		}
		m.settle(driver.Ack, msg)
	}
	m.settle(driver.Ack, pick(seen, later.ID)...)
	m.leave()
	next := g.member()
	f.same("what came again, since its outcome was none or void", void, idsOf(next.drain(len(void))))
	next.quiet()
	if len(counted) > 0 && len(again) > 1 {
		f.Errorf("%d messages came again although their source lived on", len(again)-1)
	}
}

func pick(msgs []*driver.Message, id string) []*driver.Message {
	return slices.DeleteFunc(slices.Clone(msgs), func(m *driver.Message) bool { return m.ID != id })
}

// fated waits for the fates and returns the ids of what is stored, and of what is surely not.
func (f *fixture) fated(rs []*results, sent [][]*driver.Message) (stored, not []string) {
	for i, r := range rs {
		f.wait(r)
		for j, msg := range sent[i] {
			switch fate, _ := r.at(j); fate {
			case driver.Stored:
				stored = append(stored, msg.ID)
			case driver.Unconfirmed:
			default:
				not = append(not, msg.ID)
			}
		}
	}
	return stored, not
}

func bounces(f *fixture) {
	g := f.group()
	m := g.member()
	f.disconnect()
	f.must(f.h.Reconnect())
	seen := map[string]int{}
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := m.pump(ctx, func(msg *driver.Message) {
			mu.Lock()
			defer mu.Unlock()
			seen[msg.ID]++
		})
		if err != nil {
			f.Errorf("Receive: %v", err)
		}
	})
	var rs []*results
	var sent [][]*driver.Message
	for i := range 50 {
		msgs := f.events(4, "k")
		sent = append(sent, msgs)
		rs = append(rs, f.send(g.d, f.to(g.topic), msgs...))
		if i%10 == 5 {
			f.bounce()
		}
	}
	must, mustNot := f.fated(rs, sent)
	f.eventually(func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		for _, id := range must {
			if seen[id] == 0 {
				return false, id + " is stored and did not come"
			}
		}
		return true, ""
	})
	f.pause(f.h.Quiet)
	cancel()
	wg.Wait()
	for _, id := range mustNot {
		if seen[id] > 0 {
			f.Errorf("%s came, and its fate says that it is not stored", id)
		}
	}
}

func delayOutlivesDisconnect(f *fixture) {
	g := f.group()
	m := g.member()
	msgs, due := f.delayed()
	f.publish(g.d, g.inbox(), msgs...)
	f.disconnect()
	f.must(f.h.Reconnect())
	f.notEarlyTwice(m, due)
}

// notEarlyTwice is notEarly where a message that was on its way may come twice.
func (f *fixture) notEarlyTwice(m *member, due map[string]time.Time) {
	f.Helper()
	seen := map[string]bool{}
	for len(seen) < len(due) {
		batch, err := m.receive(f.h.Patience+f.h.Late, 1)
		if err != nil {
			f.Fatalf("%d of %d delayed messages came: %v", len(seen), len(due), err)
		}
		for _, msg := range batch {
			if early := time.Until(due[msg.ID]); early > 0 {
				f.Errorf("a message came %v before its time", early)
			}
			seen[msg.ID] = true
		}
		m.settle(driver.Ack, batch...)
	}
}

func broadcastResumes(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.routed(d, topic)
	m := f.listen(topic)
	f.disconnect()
	f.must(f.h.Reconnect())
	f.pause(f.h.Quiet)
	f.hears(d, topic, m)
}

// hears demands that a reader goes on. At most once across a disconnection: the first ones may miss a broadcast.
func (f *fixture) hears(d driver.Driver, topic string, m *member) {
	f.Helper()
	f.eventually(func() (bool, string) {
		f.publish(d, f.to(topic), f.event("k"))
		batch, err := m.receive(f.h.Quiet, 64)
		m.settle(driver.Ack, batch...)
		return err == nil, "the reader hears nothing any more"
	})
}

func reconnectLeavesNoGoroutine(f *fixture) {
	f.disconnect()
	f.must(f.h.Reconnect())
	f.leaks(func() {
		d, topic := f.open(), f.name("t")
		m := f.reader(d, topic)
		for range 3 {
			f.bounce()
		}
		f.hears(d, topic, m)
		f.shut(d)
	})
}

func cutComesBack(f *fixture) {
	g := f.group()
	d := f.open()
	m := f.join(d, f.spec(g.topic, g.name))
	other := f.reader(g.d, g.topic)
	var must []string
	for range 5 {
		msgs := f.events(10, "k")
		r := f.send(d, f.to(g.topic), msgs...)
		f.must(f.h.Cut(d))
		f.wait(r)
		for i, msg := range msgs {
			switch fate, err := r.at(i); fate {
			case driver.Stored:
				must = append(must, msg.ID)
			case driver.Unconfirmed:
			default:
				f.Errorf("a message across a cut is %v (%v), want stored or unconfirmed", fate, err)
			}
		}
		beside := f.event("k")
		g.publish(beside) // another connection does not notice
		must = append(must, beside.ID)
	}
	last := f.events(2, "k")
	f.publish(d, f.to(g.topic), last...)
	must = append(must, ids(last)...)
	for _, reader := range []*member{m, other} {
		seen := map[string]bool{}
		for !f.Failed() && !holdsAll(seen, must) {
			seen[reader.drain(1)[0].ID] = true
		}
	}
}

func holdsAll(seen map[string]bool, want []string) bool {
	for _, id := range want {
		if !seen[id] {
			return false
		}
	}
	return true
}

func cutOutcome(f *fixture) {
	g := f.group()
	d := f.open()
	m := f.join(d, f.spec(g.topic, g.name))
	msgs := f.events(5, "k")
	g.publish(msgs...)
	held := m.take(5)
	f.must(f.h.Cut(d))
	f.eventually(func() (bool, string) {
		return held[0].Source.State() == driver.Gone, "the connection is cut and the source of what was held is not gone"
	})
	again := m.take(5)
	m.settle(driver.Ack, held...) // void
	m.leave()
	f.same("what came a third time", ids(again), idsOf(g.member().drain(5)))
}
