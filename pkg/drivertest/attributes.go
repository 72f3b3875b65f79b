package drivertest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var attributeSentences = []Sentence{
	{Area: "attributes", Text: "every attribute survives", check: attributesSurvive},
	{Area: "attributes", Text: "native headers are the driver's, not the reader's", check: nativeHeadersStayBelow},
	{Area: "attributes", Text: "nil and empty bodies are the same", check: emptyBodies},
	{Area: "attributes", Text: "a message without attributes is delivered and does not stop the subscription", check: bareMessage},
	{Area: "attributes", Text: "a stranger's message is delivered and does not stop the subscription", needs: []need{inject}, check: strangersMessage},
}

// variety is one message for each thing that has been lost on a wire before.
func (f *fixture) variety() []*driver.Message {
	var msgs []*driver.Message
	add := func(change func(m *driver.Message)) {
		m := f.event("k")
		change(m)
		m.Slot = driver.Slot(m.Key)
		msgs = append(msgs, m)
	}
	add(func(*driver.Message) {})
	add(func(m *driver.Message) { m.Key = "" })
	add(func(m *driver.Message) { m.Key = "Kunde/ΣΙΣΥΦΟΣ/日本語/🚚" })
	add(func(m *driver.Message) { m.Key = strings.Repeat("k", 200) })
	add(func(m *driver.Message) { m.Key = " spaced, \"quoted\" = & % \t" })
	add(func(m *driver.Message) { m.ID += "-ü/ß:日本 語" })
	add(func(m *driver.Message) { m.Type = "a.b:c/d_e-f." + strings.Repeat("x", 200) })
	add(func(m *driver.Message) { m.ContentType = "" })
	add(func(m *driver.Message) { m.ContentType = "application/cloudevents+json; charset=utf-8" })
	add(func(m *driver.Message) { m.Body = nil })
	add(func(m *driver.Message) { m.Body = []byte("a\x00b\xff\xfe\xc3\x28\r\n\x00") })
	add(func(m *driver.Message) { m.Body = bytes.Repeat([]byte{0, 1, 0xff, 0x80}, 50_000) })
	add(func(m *driver.Message) { m.Headers = nil })
	add(func(m *driver.Message) {
		m.Headers = []driver.Header{{Key: "empty", Value: ""}, {Key: "text", Value: "Zoë → 東京 🗼"}, {Key: "number", Value: "007"}}
	})
	add(func(m *driver.Message) {
		m.Headers = nil
		for i := range 64 {
			m.Headers = append(m.Headers, driver.Header{Key: fmt.Sprintf("header-%02d", i), Value: strings.Repeat("v", i)})
		}
	})
	add(func(m *driver.Message) { m.Time = time.Date(2038, 1, 19, 3, 14, 8, 123456789, time.UTC) })
	add(func(m *driver.Message) {
		m.Time = time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", 5*3600+1800))
	})
	return msgs
}

func attributesSurvive(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	msgs := f.variety()
	want := carryAll(msgs)
	f.publish(d, f.to(topic), msgs...)
	f.unchanged(want, m.drain(len(want)))
}

func nativeHeadersStayBelow(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), f.event("k"))
	got := m.take(1)[0]
	seen := map[string]int{}
	for _, h := range got.Headers {
		seen[h.Key]++
	}
	for _, name := range native {
		if seen[name] > 0 {
			f.Errorf("the header %s came up as the event's own: the driver must take it out", name)
		}
	}
	for name, n := range seen {
		if n > 1 {
			f.Errorf("the header %s came %d times and was sent once", name, n)
		}
	}
	m.settle(driver.Ack, got)
}

func emptyBodies(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(2, "k")
	msgs[0].Body, msgs[1].Body = nil, []byte{}
	f.publish(d, f.to(topic), msgs...)
	for _, c := range m.drain(2) {
		if c.Body != "" {
			f.Errorf("an empty body came as %q", c.Body)
		}
	}
}

func bareMessage(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), &driver.Message{Body: []byte("bare")})
	after := f.event("k")
	f.publish(d, f.to(topic), after)
	got := m.drain(2)
	for _, c := range got {
		if c.ID != after.ID && c.Body != "bare" {
			f.Errorf("a message without attributes came with the body %q, want %q", c.Body, "bare")
		}
	}
}

func strangersMessage(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	before, after := f.event("k"), f.event("k")
	f.publish(d, f.to(topic), before)
	broken := []driver.Header{
		{Key: driver.HeaderTime, Value: "yesterday"}, {Key: driver.HeaderSlot, Value: "-1"}, {Key: driver.HeaderNotBefore, Value: "?"},
	}
	raw := [][]byte{[]byte("not ours \x00\xff"), {}, []byte(`{"eventId":`)}
	for i, headers := range [][]driver.Header{nil, {{Key: "x", Value: "y"}}, broken} {
		ctx, cancel := f.within()
		f.must(f.h.Inject(ctx, topic, headers, raw[i]))
		cancel()
	}
	f.publish(d, f.to(topic), after)
	bodies, ours := map[string]int{}, []string{}
	for _, c := range m.drain(5) {
		if c.ID == before.ID || c.ID == after.ID {
			ours = append(ours, c.ID)
			continue
		}
		bodies[c.Body]++
	}
	f.same("what Herald published beside a stranger", []string{before.ID, after.ID}, ours)
	for _, body := range raw {
		if bodies[string(body)] != 1 {
			f.Errorf("the stranger's body %q came %d times, want once", body, bodies[string(body)])
		}
	}
}
