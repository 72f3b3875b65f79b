package drivertest

import (
	"errors"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var notices = side("notices")

var faultSentences = []Sentence{
	{
		Area: "away", Text: "a driver tells its state at once, and when it loses and finds its broker", alone: true,
		needs: []need{away, notices}, check: noticesTell,
	},
	{Area: "away", Text: "publishing waits for the broker and then completes in order", alone: true, needs: []need{away}, check: publishingWaits},
	{Area: "away", Text: "FailFast is Unavailable with ErrDisconnected at once", alone: true, needs: []need{away}, check: failFast},
	{Area: "away", Text: "what is withdrawn is never written when the broker is back", alone: true, needs: []need{away}, check: withdrawnWhileAway},
	{Area: "away", Text: "Close gives each waiting message the fate Unavailable", alone: true, needs: []need{away}, check: closeWhileAway},
	{
		Area: "away", Text: "closing the publisher fails what still waits when its context ends", alone: true, needs: []need{away},
		check: closePublisherWhileAway,
	},
	{Area: "away", Text: "Settle does not wait for the network", alone: true, needs: []need{groups, away}, check: settleWhileAway},
	{Area: "away", Text: "connection trouble does not end a subscription", alone: true, needs: []need{away}, check: receiveSurvives},
}

func noticesTell(f *fixture) {
	d := f.open()
	kinds := make(chan driver.NoticeKind, 16) // notices must not block: one that finds no room is counted as missing
	d.(driver.Notifier).Notify(func(n driver.Notice) {
		if n.Kind == driver.Connected || n.Kind == driver.Disconnected {
			select {
			case kinds <- n.Kind:
			default:
			}
		}
	})
	next := func(what string, want driver.NoticeKind) {
		f.Helper()
		ctx, cancel := f.within()
		defer cancel()
		select {
		case got := <-kinds:
			if got != want {
				f.Errorf("%s the notice is %d, want %d", what, got, want)
			}
		case <-ctx.Done():
			f.Errorf("%s there is no notice", what)
		}
	}
	select {
	case got := <-kinds:
		if got != driver.Connected {
			f.Errorf("Notify tells the state %d, want connected", got)
		}
	default:
		f.Errorf("Notify does not tell the present state before it returns")
	}
	for range 2 {
		f.disconnect()
		next("when the broker is gone", driver.Disconnected)
		f.must(f.h.Reconnect())
		next("when the broker is back", driver.Connected)
	}
	select {
	case extra := <-kinds:
		f.Errorf("one more notice %d: each change is told once", extra)
	default:
	}
}

// delivered demands what was published across a disconnection, and nothing more. A broadcast may miss what comes before it is back.
func (f *fixture) delivered(m *member, what string, want []string) {
	f.Helper()
	if f.has(driver.FeatureGroups) {
		f.ordered(what, want, idsOf(m.drain(len(want))))
		m.quiet()
	}
}

func publishingWaits(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.disconnect()
	var rs []*results
	var want []string
	done := make(chan error, 1)
	go func() { // Send must not wait for the broker's answer
		for range 10 {
			msgs := f.events(10, "k")
			want = append(want, ids(msgs)...)
			rs = append(rs, f.send(d, f.to(topic), msgs...))
		}
		done <- nil
	}()
	f.returns("Send while the broker is away", done, nil)
	f.pause(f.h.Quiet)
	for i, r := range rs {
		if r.unknown() != 10 {
			fate, err := r.at(0)
			f.Errorf("Send %d has fates while the broker is away (%v, %v): it should wait", i, fate, err)
			break
		}
	}
	f.must(f.h.Reconnect())
	for _, r := range rs {
		f.want(r, driver.Stored)
	}
	f.delivered(m, "what waited", want)
}

func failFast(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.disconnect()
	patient, hasty := f.events(2, "k"), f.events(3, "k")
	waiting := f.send(d, f.to(topic), patient...)
	for _, msg := range hasty {
		msg.FailFast = true
	}
	// The driver may need a moment to see that the broker is gone.
	r := f.send(d, f.to(topic), hasty...)
	f.wait(r)
	for i := range hasty {
		if fate, err := r.at(i); fate != driver.Unavailable || !errors.Is(err, driver.ErrDisconnected) {
			f.Errorf("a FailFast message is %v (%v), want unavailable with ErrDisconnected", fate, err)
		}
	}
	f.must(f.h.Reconnect())
	f.want(waiting, driver.Stored)
	f.delivered(m, "what waited", ids(patient))
}

func withdrawnWhileAway(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.disconnect()
	msgs := f.events(20, "k")
	r := f.send(d, f.to(topic), msgs...)
	f.pause(f.h.Quiet / 5)
	var want []string
	for i, msg := range msgs {
		if i%2 == 0 {
			want = append(want, msg.ID)
		} else if !msg.Withdraw() {
			f.Errorf("a message that waits for the broker can't be withdrawn")
		}
	}
	f.must(f.h.Reconnect())
	f.wait(r)
	for i := range msgs {
		fate, err := r.at(i)
		if i%2 == 0 && fate != driver.Stored {
			f.Errorf("a message that waited is %v (%v), want stored", fate, err)
		}
		if i%2 == 1 && (fate != driver.Unavailable || !errors.Is(err, driver.ErrWithdrawn)) {
			f.Errorf("a withdrawn message is %v (%v), want unavailable with ErrWithdrawn", fate, err)
		}
	}
	f.delivered(m, "what was not withdrawn", want)
}

func closeWhileAway(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	f.disconnect()
	msgs := f.events(50, "k")
	r := f.send(d, f.to(topic), msgs...)
	f.pause(f.h.Quiet)
	done := make(chan error, 1)
	go func() {
		ctx, cancel := f.within()
		defer cancel()
		_ = d.Close(ctx) // it may say that the broker could not be told
		done <- nil
	}()
	f.returns("Close while the broker is away", done, nil)
	if n := r.unknown(); n > 0 {
		f.Errorf("%d messages have no fate when Close has returned", n)
	}
	for i, msg := range msgs {
		fate, err := r.at(i)
		if want := fateAtClose(msg); fate != want && fate != 0 {
			f.Errorf("message %d is %v (%v) after Close, want %v", i, fate, err, want)
			break
		}
	}
	f.must(f.h.Reconnect())
	m.quiet()
}

// fateAtClose is the fate of a message that gets no answer any more.
func fateAtClose(m *driver.Message) driver.Fate {
	if m.Claimed() {
		return driver.Unconfirmed
	}
	return driver.Unavailable
}

func closePublisherWhileAway(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	f.disconnect()
	msgs := f.events(20, "k")
	r := f.send(d, f.to(topic), msgs...)
	done := make(chan error, 1)
	go func() {
		ctx, cancel := contextOf(f.h.Quiet)
		defer cancel()
		_ = d.Publisher().Close(ctx)
		done <- nil
	}()
	f.returns("Close of the publisher while the broker is away", done, nil)
	f.wait(r)
	for i, msg := range msgs {
		if fate, err := r.at(i); fate != fateAtClose(msg) {
			f.Errorf("message %d is %v (%v) after Close, want %v", i, fate, err, fateAtClose(msg))
			break
		}
	}
	f.must(f.h.Reconnect())
	m.quiet()
}

func settleWhileAway(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.events(20, "k")...)
	held := m.take(20)
	f.disconnect()
	done := make(chan error, 1)
	go func() {
		m.settle(driver.Ack, held...)
		m.Stop()
		done <- nil
	}()
	f.returns("Settle and Stop while the broker is away", done, nil)
}

func receiveSurvives(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	var mu sync.Mutex
	var failure error
	done := make(chan struct{})
	go func() {
		defer close(done)
		batch, err := m.receive(f.h.Patience+4*f.h.Quiet, 1)
		mu.Lock()
		defer mu.Unlock()
		failure = err
		m.settle(driver.Ack, batch...)
	}()
	f.disconnect()
	f.pause(f.h.Quiet)
	f.must(f.h.Reconnect())
	f.publish(d, f.to(topic), f.event("k"))
	for came := false; !came; {
		select {
		case <-done:
			came = true
		case <-time.After(f.h.Quiet):
			if !f.has(driver.FeatureGroups) {
				f.publish(d, f.to(topic), f.event("k")) // a broadcast may miss what comes before it is back
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if failure != nil {
		f.Errorf("Receive over a disconnect: %v", failure)
	}
}
