package drivertest

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var closeSentences = []Sentence{
	{Area: "close", Text: "Close is idempotent", check: closeTwice},
	{Area: "close", Text: "after Close, calls fail with ErrClosed and Receive with io.EOF", check: closedSaysSo},
	{Area: "close", Text: "Close beside Send, Receive, Settle and Subscribe is safe", check: closeBesideAll},
	{Area: "close", Text: "Close returns by the end of its context", check: closeReturnsByContext},
	{Area: "close", Text: "what was unsettled at Close goes to others at once", needs: []need{groups}, check: closeGivesBack},
	{Area: "close", Text: "Close of one connection leaves the others alone", check: closeLeavesOthers},
	{Area: "close", Text: "closing a subscription leaves the connection alone", check: closeSubscriptionOnly},
}

func closeTwice(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), f.event("k"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			ctx, cancel := f.within()
			defer cancel()
			if err := d.Close(ctx); err != nil {
				f.Errorf("Close beside Close: %v", err)
			}
		})
	}
	wg.Wait()
	f.shut(d)
	m.leave()
}

func closedSaysSo(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.shut(d)
	f.ended(m)
	m.Stop()
	r := f.send(d, f.to(topic), f.event("k"))
	f.wait(r)
	if fate, err := r.at(0); fate != driver.Unavailable || !errors.Is(err, driver.ErrClosed) {
		f.Errorf("Send after Close is %v (%v), want unavailable with ErrClosed", fate, err)
	}
	spec := f.spec(topic, m.name())
	if !f.has(driver.FeatureGroups) {
		spec.Group, spec.Broadcast = "", true
	}
	f.refused(d, spec, driver.ErrClosed)
}

// name is a group name for calls that fail before the name counts.
func (m *member) name() string { return m.f.name("g") }

func closeBesideAll(f *fixture) {
	for round := range 8 {
		d, topic := f.open(), f.name("t")
		m := f.reader(d, topic)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 40 {
					f.send(d, f.to(topic), f.events(5, "k")...)
				}
			})
		}
		wg.Go(func() {
			for {
				batch, err := m.receive(f.h.Patience, 16)
				if err != nil {
					if !errors.Is(err, io.EOF) {
						f.Errorf("Receive beside Close: %v, want io.EOF", err)
					}
					return
				}
				m.settle(driver.Ack, batch...)
			}
		})
		wg.Go(func() {
			for range 20 {
				spec := f.spec(topic, "")
				spec.Broadcast = true
				ctx, cancel := f.within()
				sub, err := d.Subscribe(ctx, spec)
				if err == nil {
					err = sub.Close(ctx)
				}
				cancel()
				if err != nil { // closed by now, or no broadcast here
					return
				}
			}
		})
		f.pause(time.Duration(round) * time.Millisecond)
		f.shut(d)
		wg.Wait()
	}
}

func closeReturnsByContext(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), f.events(10, "k")...)
	m.take(10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error, 1)
	go func() {
		_ = m.Close(ctx)
		_ = d.Close(ctx)
		done <- nil
	}()
	f.returns("Close with an ended context", done, nil)
	f.ended(m)
}

func closeGivesBack(f *fixture) {
	g := f.group()
	d := f.open()
	a := f.join(d, f.spec(g.topic, g.name))
	msgs := f.events(30, "k")
	g.publish(msgs...)
	a.take(10) // in hand; the others may be on their way
	b := g.member()
	f.shut(d)
	f.same("what the other member received", ids(msgs), idsOf(b.drain(30)))
	b.quiet()
}

func closeLeavesOthers(f *fixture) {
	topic := f.name("t")
	d, other := f.open(), f.open()
	f.reader(d, f.name("t"))
	m := f.reader(other, topic)
	f.shut(d)
	msgs := f.events(5, "k")
	f.publish(other, f.to(topic), msgs...)
	f.same("another connection", ids(msgs), idsOf(m.drain(5)))
}

func closeSubscriptionOnly(f *fixture) {
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(d, topic)
	a.leave()
	msgs := f.events(5, "k")
	f.publish(d, f.to(topic), msgs...)
	f.same("another subscription", ids(msgs), idsOf(b.drain(5)))
	again := f.name("t")
	c := f.reader(d, again)
	msg := f.event("k")
	f.publish(d, f.to(again), msg)
	f.same("a new subscription", []string{msg.ID}, idsOf(c.drain(1)))
}
