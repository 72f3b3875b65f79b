package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

const parts = 4

func ordered(topic, group string) driver.Spec {
	s := spec(topic, group)
	s.Partitions = parts
	return s
}

// slotted returns n messages of each partition, named partition-number, by number.
func slotted(n int) []*driver.Message {
	var msgs []*driver.Message
	for i := range n {
		for p := range parts {
			m := message(fmt.Sprintf("%d-%d", p, i), "")
			m.Slot = uint8(p * driver.Slots / parts) //nolint:gosec // below 64
			msgs = append(msgs, m)
		}
	}
	return msgs
}

// byPartition returns the numbers of the messages by partition.
func byPartition(msgs []*driver.Message) map[byte][]string {
	got := map[byte][]string{}
	for _, m := range msgs {
		got[m.ID[0]] = append(got[m.ID[0]], m.ID[2:])
	}
	return got
}

// bySource returns the messages by the source that they are held from, and the sources in the order of their first message.
func bySource(msgs []*driver.Message) (map[*driver.Source][]*driver.Message, []*driver.Source) {
	of := map[*driver.Source][]*driver.Message{}
	var sources []*driver.Source
	for _, m := range msgs {
		if of[m.Source] == nil {
			sources = append(sources, m.Source)
		}
		of[m.Source] = append(of[m.Source], m)
	}
	return of, sources
}

func states(sources []*driver.Source) map[driver.SourceState]int {
	n := map[driver.SourceState]int{}
	for _, s := range sources {
		n[s.State()]++
	}
	return n
}

func TestEachPartitionHasASourceAndStaysInOrder(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	m := join(t, d, ordered("orders", "billing"))
	publish(t, d, "orders", slotted(5)...)
	msgs := m.take(5 * parts)
	if _, sources := bySource(msgs); len(sources) != parts {
		t.Errorf("%d sources, want %d", len(sources), parts)
	}
	for p, got := range byPartition(msgs) {
		equal(t, "partition "+string(p), got, []string{"0", "1", "2", "3", "4"})
	}
}

func TestAJoiningMemberGetsHalfWhenItIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{})
		d := server.Connect()
		var told notices
		s := ordered("orders", "billing")
		s.Notify = told.add
		a := join(t, d, s)
		publish(t, d, "orders", slotted(2)...)
		held, sources := bySource(a.take(2 * parts))
		b := join(t, server.Connect(), ordered("orders", "billing"))
		if got := states(sources); got[driver.Live] != 2 || got[driver.Ending] != 2 {
			t.Fatalf("sources after a second member joined: %v", got)
		}
		b.nothing()
		publish(t, d, "orders", slotted(1)...)
		if got := byPartition(a.take(2)); len(got) != 2 {
			t.Errorf("from the partitions that stay: %v", got)
		}
		a.nothing()
		for _, src := range sources {
			if src.State() == driver.Ending {
				a.settle(driver.Ack, held[src]...)
			}
		}
		if got := states(sources); got[driver.Live] != 2 || got[driver.Gone] != 2 {
			t.Fatalf("sources after all is settled: %v", got)
		}
		equal(t, "partitions handed over", []int{len(byPartition(b.take(2)))}, []int{2})
		want := []driver.NoticeKind{}
		for range parts + 2 {
			want = append(want, driver.Rebalanced)
		}
		equal(t, "notices of the first member", told.kinds(), want)
	})
}

func TestAfterTheGraceTheRestComesAgainInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{Grace: 3 * time.Second})
		a := join(t, server.Connect(), ordered("orders", "billing"))
		publish(t, server.Connect(), "orders", slotted(3)...)
		held, sources := bySource(a.take(3 * parts))
		b := join(t, server.Connect(), ordered("orders", "billing"))
		began := time.Now()
		for _, src := range sources {
			a.settle(driver.Ack, held[src][0]) // the rest runs too long
		}
		again := b.take(4)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("handed over after %v, want the grace of 3s", took)
		}
		for p, got := range byPartition(again) {
			equal(t, "partition "+string(p), got, []string{"1", "2"})
		}
		for _, m := range again {
			if m.Deliveries != 2 {
				t.Errorf("%s is delivery %d, want 2", m.ID, m.Deliveries)
			}
		}
		for _, src := range sources {
			a.settle(driver.Ack, held[src][1:]...) // too late for what b holds now
		}
		b.leave()
		if got := byPartition(a.take(4)); len(got) != 2 {
			t.Errorf("after the second member left without settling: %v", got)
		}
	})
}

func TestReleaseTakesAllLaterOnesOfItsPartition(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	a := join(t, d, ordered("orders", "billing"))
	var msgs []*driver.Message
	for i := range 6 {
		msgs = append(msgs, message(fmt.Sprint(i), "one key"))
	}
	publish(t, d, "orders", msgs...)
	held := a.take(6)
	a.settle(driver.Ack, held[1])
	a.settle(driver.Release, held[3])
	a.settle(driver.Ack, held[4], held[5]) // given back with the third
	equal(t, "what comes again", a.drain(3), []string{"3", "4", "5"})
	a.settle(driver.Ack, held[0], held[2])
	a.nothing()
}

func TestAStoppedMemberKeepsWhatItHoldsAndPassesOnTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{Grace: time.Second})
		a := join(t, server.Connect(), ordered("orders", "billing"))
		d := server.Connect()
		publish(t, d, "orders", slotted(1)...)
		held := a.take(parts)
		a.settle(driver.Ack, held[1:]...)
		a.Stop()
		b := join(t, server.Connect(), ordered("orders", "billing"))
		publish(t, d, "orders", slotted(1)...)
		equal(t, "partitions passed on at once", []int{len(byPartition(b.take(3)))}, []int{3})
		time.Sleep(time.Minute)
		b.nothing() // a grace is for members that go on
		if s := held[0].Source.State(); s != driver.Live {
			t.Errorf("the source of a stopped member is in state %v", s)
		}
		a.settle(driver.Ack, held[0])
		equal(t, "the last partition", b.drain(1), []string{held[0].ID})
	})
}

func TestPartitionsAreFixedAtBirth(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	join(t, d, ordered("orders", "billing"))
	join(t, d, spec("orders", "audit"))
	declare(t, d, driver.TopicSpec{Name: "payments", Partitions: 2})
	for _, c := range []struct {
		topic, group string
		n            int
		want         error
	}{
		{"orders", "billing", 8, driver.ErrConflict},
		{"orders", "billing", 0, driver.ErrConflict},
		{"orders", "audit", 4, driver.ErrConflict},
		{"payments", "billing", 4, driver.ErrConflict},
		{"payments", "billing", 2, nil},
		{"orders", "other", 65, driver.ErrUnsupported},
	} {
		s := spec(c.topic, c.group)
		s.Partitions = c.n
		sub, err := d.Subscribe(t.Context(), s)
		if !errors.Is(err, c.want) {
			t.Errorf("%s/%s with %d partitions: %v, want %v", c.topic, c.group, c.n, err, c.want)
		}
		if err == nil {
			_ = sub.Close(t.Context())
		}
	}
}

func TestLiveMembersMustAgreeOnTheFilter(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	narrow := spec("orders", "billing")
	narrow.Types = []string{"order.paid"}
	a := join(t, d, narrow)
	if _, err := d.Subscribe(t.Context(), spec("orders", "billing")); !errors.Is(err, driver.ErrConflict) {
		t.Fatalf("another filter: %v, want ErrConflict", err)
	}
	publish(t, d, "orders", numbered(1, 3)...)
	a.nothing()
	a.leave()
	wide := join(t, d, spec("orders", "billing"))
	equal(t, "a widened filter sees what nobody had passed", wide.drain(3), span(1, 3))
}

func TestAnotherFilterBringsBackNothingThatWasDelivered(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{0, parts} {
		d := newServer(t, memory.Config{}).Connect()
		s := spec("orders", "billing")
		s.Partitions = partitions
		m := join(t, d, s)
		publish(t, d, "orders", slotted(3)...)
		m.drain(7)
		rest := 3*parts - 7
		m.leave()
		s.Types = []string{"order.*"}
		m = join(t, d, s)
		m.drain(rest)
		m.nothing()
	}
}

func TestASourceIsLostBeforeAnybodyElseGetsItsMessages(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	a := join(t, server.Connect(), spec("orders", "billing"))
	b := join(t, server.Connect(), spec("orders", "billing"))
	publish(t, server.Connect(), "orders", numbered(1, 3)...)
	held := a.take(3)
	got := []string{"not called"}
	held[0].Source.Watch(func(s driver.SourceState) {
		if s != driver.Gone {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), quiet)
		defer cancel()
		early, _ := b.Receive(ctx, 3, 1<<20)
		got = idsOf(early)
	})
	a.leave()
	equal(t, "received while the loss was announced", got, []string{})
	equal(t, "received afterwards", b.drain(3), span(1, 3))
}
