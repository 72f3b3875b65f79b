package drivertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var receiveSentences = []Sentence{
	{Area: "receive", Text: "Receive returns at least one message and at most max", check: oneToMax},
	{Area: "receive", Text: "Receive holds at most maxBytes of bodies but at least one message", check: atMostBytes},
	{Area: "receive", Text: "Receive returns the cause of its context", check: receiveReturnsCause},
	{Area: "receive", Text: "a cancelled Receive loses no message", check: cancelLosesNothing},
	{Area: "receive", Text: "without a fault each message comes once", check: eachComesOnce},
	{Area: "receive", Text: "a received message has a live source", check: liveSource},
	{Area: "receive", Text: "a received message stays unchanged until it is settled", check: heldStaysUnchanged},
	{Area: "receive", Text: "an exclusive body can be changed and extended, and nothing else changes", check: exclusiveIsNobodyElses},
	{Area: "receive", Text: "the subscription outlives the context of Subscribe", check: outlivesSubscribe},
	{Area: "receive", Text: "Receive returns io.EOF after Stop", check: eofAfterStop},
	{Area: "receive", Text: "Receive returns io.EOF after Close", check: eofAfterClose},
	{Area: "receive", Text: "Stop and Close wake a Receive that waits", check: stopWakesReceive},
	{Area: "receive", Text: "after Stop nothing new is handed out and what is held can be settled", needs: []need{groups}, check: stopHandsOutNothingNew},
}

func oneToMax(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(60, "k")
	f.publish(d, f.to(topic), msgs...)
	var got []string
	for _, most := range []int{1, 2, 7, 50, 1000} {
		for range 3 {
			if len(got) == len(msgs) {
				break
			}
			batch, err := m.receive(f.h.Patience, most)
			if err != nil {
				f.Fatalf("Receive(max %d) after %d messages: %v", most, len(got), err)
			}
			if len(batch) < 1 || len(batch) > most {
				f.Fatalf("Receive(max %d) returned %d messages", most, len(batch))
			}
			got = append(got, ids(batch)...)
			m.settle(driver.Ack, batch...)
		}
	}
	got = append(got, idsOf(m.drain(len(msgs)-len(got)))...)
	f.same("what came", ids(msgs), got)
}

func atMostBytes(f *fixture) {
	const size = 10_000
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(30, "k")
	for _, msg := range msgs {
		msg.Body = make([]byte, size)
	}
	f.publish(d, f.to(topic), msgs...)
	var got []string
	for i := 0; len(got) < len(msgs); i++ {
		limit := []int{1, size, 2*size + 1, 3*size - 1}[i%4]
		ctx, cancel := f.within()
		batch, err := m.Receive(ctx, 100, limit)
		cancel()
		if err != nil {
			f.Fatalf("Receive(maxBytes %d) after %d messages: %v", limit, len(got), err)
		}
		if n := len(batch); n == 0 || n > 1 && n*size > limit {
			f.Fatalf("Receive(maxBytes %d) returned %d bodies of %d bytes", limit, n, size)
		}
		got = append(got, ids(batch)...)
		m.settle(driver.Ack, batch...)
	}
	f.same("what came", ids(msgs), got)
}

func receiveReturnsCause(f *fixture) {
	m := f.reader(f.open(), f.name("t"))
	cause := errors.New("the caller's own reason")
	ctx, cancel := context.WithCancelCause(f.Context())
	done := make(chan error, 1)
	go func() {
		_, err := m.Receive(ctx, 1, bytesEnough)
		done <- err
	}()
	f.pause(f.h.Quiet / 5)
	cancel(cause)
	f.returns("Receive", done, cause)
	ctx, cancel = context.WithCancelCause(f.Context())
	cancel(cause)
	if _, err := m.Receive(ctx, 1, bytesEnough); !errors.Is(err, cause) {
		f.Errorf("Receive with an ended context: %v, want %v", err, cause)
	}
}

// returns waits for a call that must come back with an error that wraps want.
func (f *fixture) returns(what string, done <-chan error, want error) {
	f.Helper()
	timer := time.NewTimer(f.h.Patience)
	defer timer.Stop()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			f.Errorf("%s returned %v, want %v", what, err, want)
		}
	case <-timer.C:
		f.Fatalf("%s did not return within %v", what, f.h.Patience)
	}
}

func cancelLosesNothing(f *fixture) {
	const total = 300
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	var want []string
	var wg sync.WaitGroup
	msgs := f.events(total, "k")
	want = ids(msgs)
	wg.Go(func() {
		for i := range total {
			f.send(d, f.to(topic), msgs[i])
		}
	})
	var got []string
	deadline := time.Now().Add(f.h.Patience)
	for i := 0; len(got) < total && time.Now().Before(deadline); i++ {
		batch, err := m.receive(time.Duration(i%20)*50*time.Microsecond, 8) // often too short
		if err != nil {
			if !errors.Is(err, errPatience) {
				f.Fatalf("Receive: %v", err)
			}
			if i%40 == 39 { // a slow broker needs longer than the short ones
				f.pause(f.h.Quiet / 10)
			}
			continue
		}
		got = append(got, ids(batch)...)
		m.settle(driver.Ack, batch...)
	}
	wg.Wait()
	rest, _ := m.drainWithin(total-len(got), f.h.Patience)
	f.same("what came", want, append(got, idsOf(rest)...))
}

func eachComesOnce(f *fixture) {
	const total = 600
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	var want []string
	for range total / 20 {
		msgs := f.events(20, "k")
		want = append(want, ids(msgs)...)
		f.publish(d, f.to(topic), msgs...)
	}
	got, err := m.drainWithin(total, f.h.Patience)
	if err != nil {
		f.Errorf("received %d of %d: %v", len(got), total, err)
	}
	f.same("what came", want, idsOf(got))
	m.quiet()
}

func liveSource(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), f.events(20, "k")...)
	for _, msg := range m.take(20) {
		if msg.Source == nil {
			f.Fatalf("a received message has no source")
		}
		if s := msg.Source.State(); s != driver.Live {
			f.Errorf("source %s of a message just received is in state %d, want live", msg.Source.Name(), s)
		}
		m.settle(driver.Ack, msg)
	}
}

func heldStaysUnchanged(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	first := f.events(50, "k")
	want := carryAll(first)
	f.publish(d, f.to(topic), first...)
	held := m.take(50)
	for range 10 {
		f.publish(d, f.to(topic), f.events(20, "k")...)
		m.drain(20)
	}
	f.unchanged(want, carryAll(held))
	m.settle(driver.Ack, held...)
}

func exclusiveIsNobodyElses(f *fixture) {
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(d, topic)
	msgs := f.events(20, "k")
	for i, m := range msgs {
		m.Body = bytes.Repeat([]byte{'a' + byte(i)}, 10+i%3*20_000)
	}
	want := carryAll(msgs)
	f.publish(d, f.to(topic), msgs...)
	var got []carried
	held := a.take(len(msgs))
	for _, m := range held {
		got = append(got, carry(m))
		if m.Exclusive {
			clear(m.Body)
			_ = append(m.Body, "more"...)
		}
	}
	f.unchanged(want, got)
	f.unchanged(want, b.drain(len(msgs)))
	a.settle(driver.Ack, held...)
}

func outlivesSubscribe(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	if !f.has(driver.FeatureGroups) {
		spec.Group, spec.Broadcast = "", true
	}
	ctx, cancel := context.WithCancel(f.Context())
	sub, err := d.Subscribe(ctx, spec)
	cancel()
	if err != nil {
		f.Fatalf("Subscribe: %v", err)
	}
	m := &member{Subscription: sub, f: f}
	f.pause(f.h.Quiet)
	msg := f.event("k")
	f.publish(d, f.to(topic), msg)
	f.same("what came", []string{msg.ID}, idsOf(m.drain(1)))
}

func eofAfterStop(f *fixture) {
	m := f.reader(f.open(), f.name("t"))
	m.Stop()
	m.Stop()
	f.ended(m)
}

func eofAfterClose(f *fixture) {
	m := f.reader(f.open(), f.name("t"))
	m.leave()
	m.leave()
	f.ended(m)
}

// ended demands io.EOF, again and again.
func (f *fixture) ended(m *member) {
	f.Helper()
	for range 3 {
		if batch, err := m.receive(f.h.Patience, 1); !errors.Is(err, io.EOF) {
			f.Errorf("Receive returned %d messages and %v, want io.EOF", len(batch), err)
		}
	}
}

func stopWakesReceive(f *fixture) {
	d := f.open()
	for _, end := range []func(m *member){func(m *member) { m.Stop() }, func(m *member) { m.leave() }} {
		m := f.reader(d, f.name("t"))
		done := make(chan error, 1)
		go func() {
			_, err := m.receive(2*f.h.Patience, 1)
			done <- err
		}()
		f.pause(f.h.Quiet / 5)
		end(m)
		f.returns("Receive", done, io.EOF)
	}
}

func stopHandsOutNothingNew(f *fixture) {
	d, topic, group := f.open(), f.name("t"), f.name("g")
	m := f.join(d, f.spec(topic, group))
	first, second := f.events(6, "k"), f.events(6, "k")
	f.publish(d, f.to(topic), first...)
	held := m.take(6)
	m.Stop()
	f.publish(d, f.to(topic), second...)
	f.ended(m)
	m.settle(driver.Ack, held[1:]...)
	m.leave()
	after := f.join(f.open(), f.spec(topic, group))
	f.same("what the next member received", append(ids(second), first[0].ID), idsOf(after.drain(7)))
	after.quiet()
}
