package drivertest

import (
	"errors"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

var windowSentences = []Sentence{
	{Area: "window", Text: "no more than Window messages are handed out and not settled", needs: []need{groups}, check: windowBoundsCount},
	{Area: "window", Text: "no more than WindowBytes are handed out and not settled", needs: []need{groups}, check: windowBoundsBytes},
	{Area: "window", Text: "a message larger than the window is still handed out", needs: []need{groups}, check: largerThanWindow},
	{Area: "window", Text: "what a full window holds back goes to another member", needs: []need{groups}, check: fullWindowLeavesTheRest},
}

func windowBoundsCount(f *fixture) {
	const window, total = 5, 20
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.Window = window
	m := f.join(d, spec)
	f.publish(d, f.to(topic), f.events(total, "k")...)
	held := m.take(window)
	m.quiet()
	m.settle(driver.Ack, held[1], held[3])
	more := m.take(2)
	m.quiet()
	m.settle(driver.Ack, held[0], held[2], held[4])
	m.settle(driver.Ack, more...)
	m.drain(total - window - 2)
	m.quiet()
}

func windowBoundsBytes(f *fixture) {
	const size, fit, total = 100_000, 3, 12
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.WindowBytes = fit*size + size/2
	m := f.join(d, spec)
	msgs := f.events(total, "k")
	for _, msg := range msgs {
		msg.Body = make([]byte, size)
	}
	f.publish(d, f.to(topic), msgs...)
	var got []string
	for len(got) < total {
		held, err := m.hold(total - len(got))
		if err != nil {
			f.Fatalf("received %d of %d: %v", len(got), total, err)
		}
		if len(held) > fit+1 { // the last one may not have been known to be so large
			f.Fatalf("%d messages of %d bytes are in hand with a window of %d bytes", len(held), size, spec.WindowBytes)
		}
		got = append(got, ids(held)...)
		m.settle(driver.Ack, held...)
	}
	f.same("what came", ids(msgs), got)
}

// hold takes all that comes without settling, until nothing comes for a while.
func (m *member) hold(most int) ([]*driver.Message, error) {
	held, err := m.receive(m.f.h.Patience, most)
	held = slices.Clone(held) // the driver uses the slice again
	for err == nil && len(held) < most {
		var batch []*driver.Message
		if batch, err = m.receive(m.f.h.Quiet, most-len(held)); err == nil {
			held = append(held, batch...)
		}
	}
	if errors.Is(err, errPatience) && len(held) > 0 {
		err = nil
	}
	return held, err
}

func largerThanWindow(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.WindowBytes = 1000
	m := f.join(d, spec)
	msgs := f.events(3, "k")
	for _, msg := range msgs {
		msg.Body = make([]byte, 50_000)
	}
	f.publish(d, f.to(topic), msgs...)
	f.same("what came", ids(msgs), idsOf(m.drain(3)))
}

func fullWindowLeavesTheRest(f *fixture) {
	const window, total = 4, 12
	d, topic, group := f.open(), f.name("t"), f.name("g")
	spec := f.spec(topic, group)
	spec.Window = window
	a := f.join(d, spec)
	f.publish(d, f.to(topic), f.events(total, "")...)
	held := a.take(window)
	a.settle(driver.Release, held...)
	a.leave()
	b := f.join(f.open(), f.spec(topic, group))
	b.drain(total)
	b.quiet()
}
