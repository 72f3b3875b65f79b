package drivertest

import (
	"strconv"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var orderSentences = []Sentence{
	{Area: "order", Text: "messages of one Send are stored in order", check: oneSendInOrder},
	{Area: "order", Text: "messages of one key are stored in the order of their Sends", check: oneKeyInOrder},
	{Area: "order", Text: "keys of one Send each keep their order", check: keysOfOneSend},
	{Area: "order", Text: "each group sees the same order of a key", needs: []need{groups}, check: sameOrderForEachGroup},
}

func oneSendInOrder(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(500, "") // no key: one slot, and still one Send
	f.publish(d, f.to(topic), msgs...)
	f.ordered("one Send", ids(msgs), idsOf(m.drain(len(msgs))))
}

func oneKeyInOrder(f *fixture) {
	const senders, sends = 8, 40
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	want := make(map[string][]string, senders)
	rs := make([][]*results, senders)
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := 0
	for s := range senders {
		key := "key-" + strconv.Itoa(s)
		wg.Go(func() {
			for i := range sends {
				msgs := f.events(1+i%3, key)
				mu.Lock()
				want[key] = append(want[key], ids(msgs)...)
				total += len(msgs)
				mu.Unlock()
				rs[s] = append(rs[s], f.send(d, f.to(topic), msgs...)) // not waiting: pipelined Sends keep order too
			}
		})
	}
	wg.Wait()
	for _, sender := range rs {
		for _, r := range sender {
			f.want(r, driver.Stored)
		}
	}
	got := byKey(m.drain(total))
	for key, msgs := range want {
		f.ordered("messages of "+key, msgs, got[key])
	}
}

func keysOfOneSend(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	want := map[string][]string{}
	var msgs []*driver.Message
	for i := range 300 {
		msg := f.event("key-" + strconv.Itoa(i%7))
		want[msg.Key] = append(want[msg.Key], msg.ID)
		msgs = append(msgs, msg)
	}
	f.publish(d, f.to(topic), msgs...)
	got := byKey(m.drain(len(msgs)))
	for key, order := range want {
		f.ordered("messages of "+key, order, got[key])
	}
}

func sameOrderForEachGroup(f *fixture) {
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(f.open(), topic)
	var want []string
	for range 30 {
		msgs := f.events(5, "k")
		want = append(want, ids(msgs)...)
		f.publish(d, f.to(topic), msgs...)
	}
	f.ordered("the first group", want, idsOf(a.drain(len(want))))
	f.ordered("the second group", want, idsOf(b.drain(len(want))))
}

func byKey(cs []carried) map[string][]string {
	m := map[string][]string{}
	for _, c := range cs {
		m[c.Key] = append(m[c.Key], c.ID)
	}
	return m
}
