package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

// quiet is how long to watch that nothing comes; the tests that use it run on a synctest clock or expect nothing at all.
const quiet = 20 * time.Millisecond

func newServer(t testing.TB, cfg memory.Config) *memory.Server {
	t.Helper()
	s, err := memory.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fates records what became of the messages of one Send.
type fates struct {
	mu   sync.Mutex
	fate map[int]driver.Fate
	err  map[int]error
}

func (f *fates) Done(i int, fate driver.Fate, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fate == nil {
		f.fate, f.err = map[int]driver.Fate{}, map[int]error{}
	}
	if f.fate[i] != 0 {
		panic(fmt.Sprintf("message %d has a second fate", i))
	}
	f.fate[i], f.err[i] = fate, err
}

func (f *fates) list(n int) []driver.Fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]driver.Fate, n)
	for i := range all {
		all[i] = f.fate[i]
	}
	return all
}

func (f *fates) reason(i int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err[i]
}

func message(id, key string) *driver.Message {
	return &driver.Message{ID: id, Type: "order.placed", Key: key, Slot: driver.Slot(key), Body: []byte(id)}
}

// numbered returns messages with the ids from to to, both included, without a key.
func numbered(from, to int) []*driver.Message {
	var msgs []*driver.Message
	for i := from; i <= to; i++ {
		msgs = append(msgs, message(fmt.Sprint(i), ""))
	}
	return msgs
}

func span(from, to int) []string { return idsOf(numbered(from, to)) }

func idsOf(msgs []*driver.Message) []string {
	ids := []string{}
	for _, m := range msgs {
		ids = append(ids, m.ID)
	}
	return ids
}

func send(t testing.TB, d driver.Driver, to driver.Address, msgs ...*driver.Message) *fates {
	t.Helper()
	var f fates
	d.Publisher().Send(t.Context(), to, msgs, &f)
	return &f
}

// publish sends messages that must be stored.
func publish(t testing.TB, d driver.Driver, topic string, msgs ...*driver.Message) {
	t.Helper()
	f := send(t, d, driver.Address{Topic: topic}, msgs...)
	for i, fate := range f.list(len(msgs)) {
		if fate != driver.Stored {
			t.Fatalf("message %d is %v: %v", i, fate, f.reason(i))
		}
	}
}

// notices records a subscription's notices.
type notices struct {
	mu  sync.Mutex
	all []driver.Notice
}

func (n *notices) add(notice driver.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, notice)
}

// gaps returns the sizes of the gaps, in order.
func (n *notices) gaps() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	sizes := []int64{}
	for _, notice := range n.all {
		if notice.Kind == driver.Gap {
			sizes = append(sizes, notice.Count)
		}
	}
	return sizes
}

func (n *notices) kinds() []driver.NoticeKind {
	n.mu.Lock()
	defer n.mu.Unlock()
	kinds := []driver.NoticeKind{}
	for _, notice := range n.all {
		kinds = append(kinds, notice.Kind)
	}
	return kinds
}

// spec is a subscription of the group with a wide window.
func spec(topic, group string) driver.Spec {
	return driver.Spec{Topic: topic, Group: group, Broadcast: group == "", Window: 10_000, WindowBytes: 1 << 30}
}

// member is a subscription under test.
type member struct {
	driver.Subscription
	t testing.TB
}

func join(t testing.TB, d driver.Driver, s driver.Spec) member {
	t.Helper()
	sub, err := d.Subscribe(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close(context.WithoutCancel(t.Context())) })
	return member{Subscription: sub, t: t}
}

// take receives n messages.
func (m member) take(n int) []*driver.Message {
	m.t.Helper()
	var all []*driver.Message
	for len(all) < n {
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
		got, err := m.Receive(ctx, n-len(all), 1<<30)
		cancel()
		if err != nil {
			m.t.Fatalf("received %v of %d: %v", idsOf(all), n, err)
		}
		all = append(all, got...)
	}
	return all
}

// nothing demands that no message comes for a while.
func (m member) nothing() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), quiet)
	defer cancel()
	got, err := m.Receive(ctx, 100, 1<<30)
	if !errors.Is(err, context.DeadlineExceeded) {
		m.t.Fatalf("received %v, %v; want nothing", idsOf(got), err)
	}
}

func (m member) settle(v driver.Verdict, msgs ...*driver.Message) {
	outcomes := make([]driver.Outcome, 0, len(msgs))
	for _, msg := range msgs {
		outcomes = append(outcomes, driver.Outcome{Message: msg, Verdict: v})
	}
	m.Settle(outcomes)
}

// drain takes and acks n messages and returns their ids.
func (m member) drain(n int) []string {
	m.t.Helper()
	msgs := m.take(n)
	ids := idsOf(msgs)
	m.settle(driver.Ack, msgs...)
	return ids
}

func (m member) leave() {
	m.t.Helper()
	if err := m.Close(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// takeWithin receives one message, however late within a time.
func (m member) takeWithin(d time.Duration) *driver.Message {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), d)
	defer cancel()
	got, err := m.Receive(ctx, 1, 1<<20)
	if err != nil {
		m.t.Fatal(err)
	}
	return got[0]
}
