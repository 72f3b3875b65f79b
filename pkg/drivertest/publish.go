package drivertest

import (
	"errors"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var publishSentences = []Sentence{
	{Area: "publish", Text: "each message gets exactly one fate", check: oneFateEach},
	{Area: "publish", Text: "a stored message reaches every group, once", needs: []need{groups}, check: storedReachesEveryGroup},
	{Area: "publish", Text: "what is stored was claimed before", check: storedWasClaimed},
	{Area: "publish", Text: "a withdrawn message is never written", check: withdrawnIsNeverWritten},
	{Area: "publish", Text: "withdrawing and claiming exclude each other", check: withdrawRacesClaim},
	{Area: "publish", Text: "the driver does not change what it is given", check: givenIsNotChanged},
	{Area: "publish", Text: "after Done the message is the caller's again", check: callersAfterDone},
	{Area: "publish", Text: "a message larger than MaxMessage is too large, its neighbours are stored", check: tooLarge},
	{Area: "publish", Text: "the publisher is the same value each time", check: onePublisher},
	{Area: "publish", Text: "concurrent Sends each get their fates", check: concurrentSends},
	{Area: "publish", Text: "closing the publisher waits for the fates of what it took", check: publisherCloseWaits},
	{Area: "publish", Text: "a closed publisher says Unavailable and ErrClosed", check: closedPublisherRefuses},
}

func oneFateEach(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	want := 0
	for _, n := range []int{0, 1, 2, 7, 100} {
		msgs := f.events(n, "k")
		f.want(f.send(d, f.to(topic), msgs...), driver.Stored)
		want += n
	}
	mixed := f.events(10, "k")
	for i := 0; i < 10; i += 2 {
		mixed[i].Withdraw()
	}
	r := f.send(d, f.to(topic), mixed...)
	f.wait(r)
	for i := range mixed {
		expect := driver.Stored
		if i%2 == 0 {
			expect = driver.Unavailable
		}
		if got, err := r.at(i); got != expect {
			f.Errorf("message %d of a mixed Send is %v (%v), want %v", i, got, err, expect)
		}
	}
	m.drain(want + 5)
	closed := f.events(3, "k")
	f.shut(d)
	f.want(f.send(d, f.to(topic), closed...), driver.Unavailable)
	// The fixture counts the calls of Done once all is closed.
}

func storedReachesEveryGroup(f *fixture) {
	const total, batch = 2500, 50
	d, topic := f.open(), f.name("t")
	members := []*member{f.reader(d, topic), f.reader(d, topic), f.reader(d, topic)}
	got := make([][]carried, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() {
			var err error
			if got[i], err = m.drainWithin(total, f.h.Patience); err != nil {
				f.Errorf("group %d received %d of %d: %v", i, len(got[i]), total, err)
			}
		})
	}
	var want []string
	for range total / batch {
		msgs := f.events(batch, "k")
		want = append(want, ids(msgs)...)
		f.publish(d, f.to(topic), msgs...)
	}
	wg.Wait()
	for i, m := range members {
		f.same("what a group received", want, idsOf(got[i]))
		m.quiet()
	}
}

func storedWasClaimed(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	msgs := f.events(50, "k")
	f.publish(d, f.to(topic), msgs...)
	for i, m := range msgs {
		if !m.Claimed() {
			f.Fatalf("message %d is stored and was never claimed", i)
		}
	}
}

func withdrawnIsNeverWritten(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(40, "k")
	var want []string
	for i, msg := range msgs {
		if i%2 == 0 {
			want = append(want, msg.ID)
			continue
		}
		if !msg.Withdraw() {
			f.Fatalf("a message that was never sent can't be withdrawn")
		}
	}
	r := f.send(d, f.to(topic), msgs...)
	f.wait(r)
	for i := 1; i < len(msgs); i += 2 {
		fate, err := r.at(i)
		if fate != driver.Unavailable || !errors.Is(err, driver.ErrWithdrawn) {
			f.Errorf("a withdrawn message is %v (%v), want unavailable with ErrWithdrawn", fate, err)
		}
	}
	f.same("what came", want, idsOf(m.drain(len(want))))
	m.quiet()
}

func withdrawRacesClaim(f *fixture) {
	const total = 400
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(total, "k")
	took := make([]bool, total)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := total - 1; i >= 0; i-- {
			took[i] = msgs[i].Withdraw()
		}
	})
	rs := make([]*results, 0, total/4)
	for i := 0; i < total; i += 4 {
		rs = append(rs, f.send(d, f.to(topic), msgs[i:i+4]...))
	}
	wg.Wait()
	var want []string
	for i, msg := range msgs {
		f.wait(rs[i/4])
		fate, err := rs[i/4].at(i % 4)
		switch {
		case took[i] && (fate != driver.Unavailable || !errors.Is(err, driver.ErrWithdrawn)):
			f.Errorf("Withdraw took a message and its fate is %v (%v)", fate, err)
		case !took[i] && fate != driver.Stored:
			f.Errorf("a message that could not be withdrawn is %v (%v), want stored", fate, err)
		case !took[i]:
			want = append(want, msg.ID)
		}
	}
	f.same("what came", want, idsOf(m.drain(len(want))))
	m.quiet()
}

func givenIsNotChanged(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	msgs := f.variety()
	before := carryAll(msgs)
	f.publish(d, f.to(topic), msgs...)
	for i, m := range msgs {
		if diff := before[i].diff(carry(m)); diff != "" {
			f.Errorf("Send changed its message:%s", diff)
		}
	}
}

func callersAfterDone(f *fixture) {
	const total, batch = 300, 10
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(d, topic)
	var want []carried
	var rs []*results
	for range total / batch {
		msgs := f.events(batch, "k")
		want = append(want, carryAll(msgs)...)
		r := f.track(batch)
		r.hook = func(i int) { scribble(msgs[i]) }
		ctx, cancel := f.within()
		d.Publisher().Send(ctx, f.to(topic), msgs, r)
		cancel()
		rs = append(rs, r)
	}
	for _, r := range rs {
		f.want(r, driver.Stored)
	}
	f.unchanged(want, a.drain(total))
	f.unchanged(want, b.drain(total))
}

// scribble overwrites all that the caller owns.
func scribble(m *driver.Message) {
	for i := range m.Body {
		m.Body[i] = '#'
	}
	for i := range m.Headers {
		m.Headers[i] = driver.Header{Key: "scribbled", Value: "#"}
	}
	m.ID, m.Type, m.Key, m.ContentType = "#", "#", "#", "#"
}

func tooLarge(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	limit := f.caps.MaxMessage
	if limit <= 0 || limit > 64<<20 {
		msgs := f.events(1, "k") // no limit that a test could reach: what is large must be stored then
		msgs[0].Body = make([]byte, 900_000)
		f.publish(d, f.to(topic), msgs...)
		m.drain(1)
		return
	}
	msgs := f.events(3, "k")
	msgs[1].Body = make([]byte, limit+1)
	r := f.send(d, f.to(topic), msgs...)
	f.wait(r)
	for i, want := range []driver.Fate{driver.Stored, driver.TooLarge, driver.Stored} {
		if got, err := r.at(i); got != want {
			f.Errorf("message %d is %v (%v), want %v", i, got, err, want)
		}
	}
	f.same("what came", []string{msgs[0].ID, msgs[2].ID}, idsOf(m.drain(2)))
	m.quiet()
}

func onePublisher(f *fixture) {
	d := f.open()
	if a, b := d.Publisher(), d.Publisher(); a == nil || a != b {
		f.Errorf("Publisher returned %v and %v, want the same value", a, b)
	}
}

func concurrentSends(f *fixture) {
	const senders, each = 16, 20
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	var wg sync.WaitGroup
	sent := make([][]string, senders)
	for s := range senders {
		wg.Go(func() {
			for range each {
				msg := f.event("")
				sent[s] = append(sent[s], msg.ID)
				if r := f.send(d, f.to(topic), msg); !r.within(f.h.Patience) {
					f.Errorf("a concurrent Send got no fate")
				} else if fate, err := r.at(0); fate != driver.Stored {
					f.Errorf("a concurrent Send is %v (%v)", fate, err)
				}
			}
		})
	}
	wg.Wait()
	var want []string
	for _, s := range sent {
		want = append(want, s...)
	}
	f.same("what came", want, idsOf(m.drain(senders*each)))
}

func publisherCloseWaits(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	var rs []*results
	var want []string
	for range 10 {
		msgs := f.events(50, "k")
		want = append(want, ids(msgs)...)
		rs = append(rs, f.send(d, f.to(topic), msgs...))
	}
	ctx, cancel := f.within()
	defer cancel()
	for range 2 {
		if err := d.Publisher().Close(ctx); err != nil {
			f.Errorf("Close of the publisher: %v", err)
		}
	}
	for _, r := range rs {
		if n := r.unknown(); n > 0 {
			f.Fatalf("%d messages have no fate when Close returns", n)
		}
		f.want(r, driver.Stored)
	}
	f.same("what came", want, idsOf(m.drain(len(want))))
}

func closedPublisherRefuses(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	ctx, cancel := f.within()
	defer cancel()
	if err := d.Publisher().Close(ctx); err != nil {
		f.Errorf("Close of the publisher: %v", err)
	}
	r := f.send(d, f.to(topic), f.events(3, "k")...)
	f.wait(r)
	for i := range 3 {
		if fate, err := r.at(i); fate != driver.Unavailable || !errors.Is(err, driver.ErrClosed) {
			f.Errorf("after Close a message is %v (%v), want unavailable with ErrClosed", fate, err)
		}
	}
	m.quiet()
}
