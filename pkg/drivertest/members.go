package drivertest

import (
	"context"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var memberSentences = []Sentence{
	{Area: "groups", Text: "two groups each get everything, once", needs: []need{groups}, check: eachGroupGetsAll},
	{Area: "groups", Text: "members share the work of a group", needs: []need{groups}, check: membersShare},
	{Area: "groups", Text: "what a member leaves unsettled goes to the others at once", needs: []need{groups}, check: leavingHandsOver},
	{Area: "groups", Text: "names that look alike do not meet", needs: []need{groups}, check: namesDoNotMeet},
	{Area: "groups", Text: "a group keeps what comes while nobody is there", needs: []need{groups}, check: groupKeeps},
	{Area: "groups", Text: "one connection may hold several subscriptions", needs: []need{groups}, check: severalSubscriptions},
}

func eachGroupGetsAll(f *fixture) {
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(f.open(), topic)
	msgs := f.events(100, "k")
	want := carryAll(msgs)
	f.publish(d, f.to(topic), msgs...)
	f.unchanged(want, a.drain(100))
	a.quiet()
	f.unchanged(want, b.drain(100)) // what one group settled is not settled for the other
	b.quiet()
}

// shared is what several members saw.
type shared struct {
	mu  sync.Mutex
	got []string
	sum chan struct{} // closed when all came
	n   int
}

func newShared(n int) *shared { return &shared{sum: make(chan struct{}), n: n} }

func (s *shared) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, id)
	if len(s.got) == s.n {
		close(s.sum)
	}
}

func (s *shared) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

func membersShare(f *fixture) {
	const total = 300
	g := f.group()
	members := []*member{g.member(), g.member(), g.member()}
	msgs := make([]*driver.Message, total)
	for i := range msgs {
		msgs[i] = f.event(f.name("key"))
	}
	seen := newShared(total)
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.Context()))
	var wg sync.WaitGroup
	for _, m := range members {
		wg.Go(func() {
			if err := m.pump(ctx, func(msg *driver.Message) { seen.add(msg.ID) }); err != nil {
				f.Errorf("Receive: %v", err)
			}
		})
	}
	g.publish(msgs...)
	f.over(seen.sum)
	f.pause(f.h.Quiet)
	cancel()
	wg.Wait()
	f.same("what three members received together", ids(msgs), seen.all())
}

// over waits for a channel to be closed; patience runs out without failing, since what is compared afterwards says more.
func (f *fixture) over(done <-chan struct{}) {
	ctx, cancel := f.within()
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func leavingHandsOver(f *fixture) {
	g := f.group()
	a := g.member()
	msgs := f.events(10, "k")
	g.publish(msgs...)
	held := a.take(10)
	b := g.member()
	a.settle(driver.Ack, held[4])
	a.leave()
	want := append(ids(msgs[:4]), ids(msgs[5:])...)
	f.same("what the other member received", want, idsOf(b.drain(9)))
	b.quiet()
}

func namesDoNotMeet(f *fixture) {
	d := f.open()
	a := f.name("a")
	pairs := [][2]string{{a, "b.c"}, {a + ".b", "c"}, {a, "b-c"}, {a + "-b", "c"}, {a, "B.c"}, {a, "b_c"}, {a, "b.c.inbox"}}
	members := make([]*member, len(pairs))
	for i, p := range pairs {
		members[i] = f.join(d, f.spec(p[0], p[1]))
	}
	want := map[string][]string{}
	for _, p := range pairs {
		msg := f.event("k")
		want[p[0]] = append(want[p[0]], msg.ID)
		f.publish(d, f.to(p[0]), msg)
	}
	for i, p := range pairs {
		f.same("topic "+p[0]+" group "+p[1], want[p[0]], idsOf(members[i].drain(len(want[p[0]]))))
		members[i].quiet()
	}
}

func groupKeeps(f *fixture) {
	g := f.group()
	g.member().leave()
	msgs := f.events(20, "k")
	g.publish(msgs...)
	f.ordered("what came while nobody was there", ids(msgs), idsOf(g.member().drain(20)))
}

func severalSubscriptions(f *fixture) {
	d := f.open()
	var members []*member
	var topics []string
	for range 5 {
		topic := f.name("t")
		topics = append(topics, topic)
		members = append(members, f.reader(d, topic))
	}
	for i, topic := range topics {
		msgs := f.events(5, "k")
		f.publish(d, f.to(topic), msgs...)
		f.ordered("a topic of its own", ids(msgs), idsOf(members[i].drain(5)))
	}
	members[0].leave()
	msg := f.event("k")
	f.publish(d, f.to(topics[1]), msg)
	f.same("after another subscription closed", []string{msg.ID}, idsOf(members[1].drain(1)))
}
