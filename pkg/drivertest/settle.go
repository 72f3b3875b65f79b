package drivertest

import (
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var settleSentences = []Sentence{
	{Area: "settle", Text: "what is acked never comes again", needs: []need{groups}, check: ackedNeverAgain},
	{Area: "settle", Text: "what is not acked comes again after a crash, and nothing else", needs: []need{groups}, check: unackedAgain},
	{Area: "settle", Text: "an ack settles no other message", needs: []need{groups}, check: ackSettlesNoOther},
	{Area: "settle", Text: "what is released comes again to another member at once", needs: []need{groups}, check: releasedAgain},
	{Area: "settle", Text: "after Close an outcome is a no-op", needs: []need{groups}, check: outcomeAfterClose},
	{Area: "settle", Text: "an outcome never settles what another member holds", needs: []need{groups}, check: staleOutcome},
	{Area: "settle", Text: "outcomes may come from many goroutines in any order", needs: []need{groups}, check: concurrentOutcomes},
	{Area: "settle", Text: "the slice of outcomes is the caller's again", needs: []need{groups}, check: outcomesAreTheCallers},
	{Area: "settle", Text: "Close flushes settlements", needs: []need{groups}, check: closeFlushes},
	{Area: "settle", Text: "Settled counts the acks that the broker has taken", needs: []need{groups}, check: settledCounts},
	{Area: "settle", Text: "Deliveries counts this delivery too, or is zero", needs: []need{groups}, check: deliveriesCount},
}

// group is a topic with one group, so that members can come and go.
type group struct {
	f           *fixture
	d           driver.Driver
	topic, name string
}

func (f *fixture) group() group {
	return group{f: f, d: f.open(), topic: f.name("t"), name: f.name("g")}
}

// member joins over a connection of its own.
func (g group) member() *member {
	g.f.Helper()
	return g.f.join(g.f.open(), g.f.spec(g.topic, g.name))
}

func (g group) publish(msgs ...*driver.Message) {
	g.f.Helper()
	g.f.publish(g.d, g.f.to(g.topic), msgs...)
}

func ackedNeverAgain(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.events(100, "k")...)
	m.drain(100)
	m.leave()
	g.member().quiet()
}

func unackedAgain(f *fixture) {
	g := f.group()
	d := f.open()
	m := f.join(d, f.spec(g.topic, g.name))
	msgs := f.events(40, "k")
	g.publish(msgs...)
	var want []string
	held := m.take(40)
	for i := len(held) - 1; i >= 0; i-- { // highest first, every third not at all
		if i%3 == 1 {
			want = append(want, held[i].ID)
			continue
		}
		m.settle(driver.Ack, held[i])
	}
	f.shut(d) // without closing the subscription first
	next := g.member()
	f.same("what came again", want, idsOf(next.drain(len(want))))
	next.quiet()
}

func ackSettlesNoOther(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(10, "k")
	g.publish(msgs...)
	held := m.take(10)
	m.settle(driver.Ack, held[9])
	m.settle(driver.Ack, held[5])
	m.leave()
	next := g.member()
	want := append(ids(msgs[:5]), ids(msgs[6:9])...)
	f.same("what came again after acks of the sixth and the last", want, idsOf(next.drain(len(want))))
	next.quiet()
}

func releasedAgain(f *fixture) {
	g := f.group()
	a := g.member()
	msgs := f.events(6, "k")
	g.publish(msgs...)
	held := a.take(6)
	b := g.member()
	a.settle(driver.Ack, held[0], held[2])
	a.Stop()
	a.settle(driver.Release, held[1], held[3], held[4], held[5])
	a.leave()
	f.same("what the other member received", []string{msgs[1].ID, msgs[3].ID, msgs[4].ID, msgs[5].ID}, idsOf(b.drain(4)))
	b.quiet()
}

func outcomeAfterClose(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.events(4, "k")...)
	held := m.take(4)
	m.leave()
	m.settle(driver.Ack, held...)
	next := g.member()
	f.same("what came again", ids(held), idsOf(next.drain(4)))
}

func staleOutcome(f *fixture) {
	g := f.group()
	a := g.member()
	g.publish(f.events(3, "k")...)
	old := a.take(3)
	a.leave()
	b := g.member()
	held := b.take(3)
	a.settle(driver.Ack, old...) // b holds them now
	b.leave()
	c := g.member()
	f.same("what came a third time", ids(held), idsOf(c.drain(3)))
	c.quiet()
}

func concurrentOutcomes(f *fixture) {
	const total, workers = 400, 8
	g := f.group()
	m := g.member()
	g.publish(f.events(total, "k")...)
	work := make(chan *driver.Message) // unbuffered: the window bounds what is in hand
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for msg := range work {
				m.settle(driver.Ack, msg)
			}
		})
	}
	var got []string
	for len(got) < total {
		batch, err := m.receive(f.h.Patience, 32)
		if err != nil {
			f.Errorf("received %d of %d: %v", len(got), total, err)
			break
		}
		got = append(got, ids(batch)...)
		for _, msg := range batch {
			work <- msg
		}
	}
	close(work)
	wg.Wait()
	m.leave()
	g.member().quiet()
}

func outcomesAreTheCallers(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.events(20, "k")...)
	held := m.take(20)
	slice := make([]driver.Outcome, 1)
	for _, msg := range held[:10] {
		slice[0] = driver.Outcome{Message: msg}
		m.Settle(slice)
	}
	slice[0] = driver.Outcome{}
	m.leave()
	next := g.member()
	f.same("what came again", ids(held[10:]), idsOf(next.drain(10)))
	next.quiet()
}

func closeFlushes(f *fixture) {
	for _, whole := range []bool{false, true} {
		g := f.group()
		d := f.open()
		m := f.join(d, f.spec(g.topic, g.name))
		g.publish(f.events(200, "k")...)
		m.settle(driver.Ack, m.take(200)...)
		if whole {
			f.shut(d)
		} else {
			m.leave()
		}
		g.member().quiet()
	}
}

func settledCounts(f *fixture) {
	g := f.group()
	var mu sync.Mutex
	taken := 0
	spec := f.spec(g.topic, g.name)
	spec.Settled = func(acks int) {
		mu.Lock()
		defer mu.Unlock()
		taken += acks
	}
	m := f.join(f.open(), spec)
	g.publish(f.events(60, "k")...)
	held := m.take(60)
	for i := 0; i < 50; i += 10 {
		m.settle(driver.Ack, held[i:i+10]...)
	}
	m.settle(driver.Release, held[50:]...)
	m.leave()
	mu.Lock()
	defer mu.Unlock()
	if taken != 50 {
		f.Errorf("Settled was told of %d acks when Close returned, want 50", taken)
	}
}

func deliveriesCount(f *fixture) {
	g := f.group()
	g.member().leave()
	g.publish(f.event("k"))
	last := 0
	for round := 1; round <= 3; round++ {
		m := g.member()
		n := m.take(1)[0].Deliveries
		if n != 0 && n < round || n < last {
			f.Errorf("delivery %d is counted as %d after %d", round, n, last)
		}
		if (n == 0) != (last == 0) && round > 1 {
			f.Errorf("delivery %d is counted as %d after %d: a broker counts always or never", round, n, last)
		}
		last = n
		m.leave()
	}
}
