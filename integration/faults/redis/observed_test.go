package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
)

// observed is a member whose notices are kept.
type observed struct {
	t       *testing.T
	b       *brokers.Broker
	d       *redis.Driver
	sub     driver.Subscription
	topic   string
	notices chan driver.Notice
	settled chan int
	got     map[string]bool
	stored  int
}

func memberOf(t *testing.T, b *brokers.Broker, topic string, spec driver.Spec, change ...func(*redis.Config)) *observed {
	t.Helper()
	cfg, err := redis.ParseURL(b.URL())
	must(t, err)
	for _, f := range change {
		f(&cfg)
	}
	d, err := redis.New(t.Context(), cfg)
	must(t, err)
	m := &observed{t: t, b: b, d: d, topic: topic, got: map[string]bool{}}
	m.notices, m.settled = make(chan driver.Notice, 1000), make(chan int, 10_000) // neither Notify nor Settled may block
	spec.Topic, spec.Group, spec.WindowBytes = topic, "workers", 1<<20
	spec.Notify, spec.Settled = func(n driver.Notice) { m.notices <- n }, func(n int) { m.settled <- n }
	m.sub, err = d.Subscribe(t.Context(), spec)
	must(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		must(t, m.sub.Close(ctx))
		must(t, d.Close(ctx))
	})
	return m
}

func (m *observed) registry() string {
	return "{" + m.topic + "}:" + driver.Name(driver.KindGroup, m.topic, "workers")
}

// eval runs a script on the stream and the members' hash.
func (m *observed) eval(script string, args ...any) string {
	m.t.Helper()
	all := []string{"EVAL", script, "2", "{" + m.topic + "}", m.registry()}
	for _, a := range args {
		all = append(all, fmt.Sprint(a))
	}
	out := cli(m.t, m.b, all...)
	if strings.Contains(out, "ERR") {
		m.t.Fatal(out)
	}
	return out
}

// until runs a script until it returns 1, or a list.
func (m *observed) until(script string, args ...any) {
	m.t.Helper()
	for began := time.Now(); m.eval(script, args...) != "1"; {
		if time.Since(began) > patience {
			m.t.Fatal("nothing happens")
		}
	}
}

// beaten waits for a whole beat.
func (m *observed) beaten() {
	m.t.Helper()
	m.eval(`return redis.call('HDEL', KEYS[2], 'stand')`)
	m.until(`return redis.call('HEXISTS', KEYS[2], 'stand')`)
}

// store publishes so many more.
func (m *observed) store(n int) {
	m.t.Helper()
	msgs := make([]*driver.Message, n)
	for i := range msgs {
		msgs[i] = &driver.Message{ID: fmt.Sprint(m.stored + i), Body: []byte("{}")}
	}
	m.stored += n
	m.send(msgs...)
}

func (m *observed) send(msgs ...*driver.Message) {
	m.t.Helper()
	m.put(driver.Refuse, msgs...)
}

func (m *observed) put(unrouted driver.Unrouted, msgs ...*driver.Message) {
	m.t.Helper()
	told := make(fates, len(msgs)) // Done must not block
	m.d.Publisher().Send(m.t.Context(), driver.Address{Topic: m.topic, Unrouted: unrouted}, msgs, told)
	for range msgs {
		if f := <-told; f.fate != driver.Stored {
			m.t.Fatalf("publish: %v, %v", f.fate, f.err)
		}
	}
}

// take receives so many.
func (m *observed) take(n int) (all []*driver.Message) {
	m.t.Helper()
	for len(all) < n {
		msgs, err := m.sub.Receive(m.t.Context(), n-len(all), 1<<20)
		must(m.t, err)
		all = append(all, msgs...)
	}
	return all
}

// finish receives so many and waits until they are settled.
func (m *observed) finish(n int) {
	m.t.Helper()
	for done := 0; done < n; {
		msgs, err := m.sub.Receive(m.t.Context(), n-done, 1<<20)
		must(m.t, err)
		m.ack(msgs)
		done += len(msgs)
	}
	for n > 0 {
		n -= <-m.settled
	}
}

func (m *observed) ack(msgs []*driver.Message) {
	outcomes := make([]driver.Outcome, len(msgs))
	for i, msg := range msgs {
		m.got[msg.ID] = true
		outcomes[i] = driver.Outcome{Message: msg, Verdict: driver.Ack}
	}
	m.sub.Settle(outcomes)
}

// rest handles, with others, all that comes up to one more event.
func (m *observed) rest(others ...*observed) {
	m.t.Helper()
	m.put(driver.Keep, &driver.Message{ID: "last", Body: []byte("{}")}) // the group may not be there again
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	done := make(chan error, len(others))
	for _, o := range others {
		go func() { done <- o.handle(ctx, cancel) }()
	}
	err := m.handle(ctx, cancel)
	for range others {
		if e := <-done; err == nil {
			err = e
		}
	}
	must(m.t, err)
}

// handle handles what comes until the last has come, to whomever.
func (m *observed) handle(ctx context.Context, end context.CancelFunc) error {
	for !m.got["last"] {
		msgs, err := m.sub.Receive(ctx, 10, 1<<20)
		switch {
		case err == nil:
			m.ack(msgs)
		case errors.Is(ctx.Err(), context.Canceled):
			m.handleRest()
			return nil
		default:
			return fmt.Errorf("the last never comes: %w", err)
		}
	}
	end()
	return nil
}

// handleRest handles what is here: it is not gone, though the last went to another member.
func (m *observed) handleRest() {
	for {
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Second)
		msgs, err := m.sub.Receive(ctx, 10, 1<<20)
		cancel()
		if err != nil {
			return // nothing comes any more
		}
		m.ack(msgs)
	}
}

// awaitNotice waits for a notice.
func (m *observed) awaitNotice(is func(driver.Notice) bool) driver.Notice {
	m.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case n := <-m.notices:
			if is(n) {
				return n
			}
		case <-timeout:
			m.t.Fatal("nobody is told")
		}
	}
}

// awaitGap waits until something is told to be gone, and returns how much.
func (m *observed) awaitGap() int64 {
	m.t.Helper()
	return m.awaitNotice(func(n driver.Notice) bool { return n.Kind == driver.Gap && n.Count != 0 }).Count
}

// judge compares what was told with what never came.
func (m *observed) judge(want wanted, sent int) {
	m.t.Helper()
	m.beaten()
	m.beaten() // what the first one found is told by the second one
	lost, sum, vague := int64(sent+1-len(m.got)), int64(0), false
	for len(m.notices) > 0 {
		if n := <-m.notices; n.Kind == driver.Gap {
			m.t.Log(n.Count, n.Detail)
			vague = vague || n.Count < 0
			sum += max(0, n.Count)
		}
	}
	exact := !vague && sum == lost
	ok := [...]bool{exactly: exact && lost > 0, unknown: vague && sum == 0, honest: exact || vague && sum <= lost, nothing: exact && lost == 0}[want]
	if !ok {
		m.t.Errorf("%d never came; told %d, unknown %v", lost, sum, vague)
	}
}
