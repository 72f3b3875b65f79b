package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

func TestRetentionByCountTellsTheExactGap(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 10}).Connect()
	var told notices
	s := spec("orders", "billing")
	s.Notify = told.add
	m := join(t, d, s)
	publish(t, d, "orders", numbered(1, 10)...)
	equal(t, "gaps without loss", told.gaps(), []int64{})
	publish(t, d, "orders", numbered(11, 14)...)
	publish(t, d, "orders", numbered(15, 30)...)
	equal(t, "gaps", told.gaps(), []int64{4, 16})
	equal(t, "what is left", m.drain(10), span(21, 30))
	m.nothing()
}

func TestRetentionCountsOnlyWhatTheFilterWants(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 2}).Connect()
	var told notices
	s := spec("orders", "billing")
	s.Types, s.Notify = []string{"invoice.#"}, told.add
	m := join(t, d, s)
	msgs := numbered(1, 6)
	msgs[0].Type, msgs[2].Type, msgs[4].Type = "invoice", "invoice.sent.twice", "invoice.paid"
	publish(t, d, "orders", msgs...)
	equal(t, "gaps", told.gaps(), []int64{2})
	equal(t, "what is left", m.drain(1), []string{"5"})
}

func TestRetentionByBytesKeepsTheNewest(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxBytes: 100}).Connect()
	var told notices
	s := spec("orders", "billing")
	s.Notify = told.add
	m := join(t, d, s)
	msgs := numbered(1, 3)
	msgs[2].Body = make([]byte, 500)
	publish(t, d, "orders", msgs...)
	equal(t, "gaps", told.gaps(), []int64{2})
	equal(t, "what is left", m.drain(1), []string{"3"})
}

func TestRetentionByAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{MaxAge: time.Hour}).Connect()
		var told notices
		s := spec("orders", "billing")
		s.Notify = told.add
		m := join(t, d, s)
		publish(t, d, "orders", numbered(1, 3)...)
		time.Sleep(59 * time.Minute)
		publish(t, d, "orders", numbered(4, 5)...)
		time.Sleep(time.Minute)
		equal(t, "after an hour", m.drain(2), span(4, 5))
		equal(t, "gaps", told.gaps(), []int64{3})
	})
}

func TestRetentionLeavesWhatIsInHand(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 2}).Connect()
	var told notices
	s := spec("orders", "billing")
	s.Notify = told.add
	m := join(t, d, s)
	publish(t, d, "orders", numbered(1, 2)...)
	held := m.take(2)
	publish(t, d, "orders", numbered(3, 6)...)
	equal(t, "gaps", told.gaps(), []int64{2})
	m.settle(driver.Release, held...)
	equal(t, "what comes", m.drain(4), []string{"1", "2", "5", "6"})
}

func TestAGapWithoutMembersIsToldToTheFirstThatJoins(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 3}).Connect()
	join(t, d, spec("orders", "billing")).leave()
	publish(t, d, "orders", numbered(1, 8)...)
	for _, want := range [][]int64{{5}, {}} {
		var told notices
		s := spec("orders", "billing")
		s.Notify = told.add
		join(t, d, s)
		equal(t, "gaps", told.gaps(), want)
	}
}

func TestADeclaredTopicHasItsOwnBounds(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 100}).Connect()
	declare(t, d, driver.TopicSpec{Name: "orders", MaxCount: 2, Groups: []string{"billing"}})
	publish(t, d, "orders", numbered(1, 5)...)
	equal(t, "what is left", join(t, d, spec("orders", "billing")).drain(2), span(4, 5))
}

func TestHistoryStaysWithoutBounds(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	m := join(t, d, spec("orders", "billing"))
	publish(t, d, "orders", numbered(1, 1000)...)
	m.drain(1000)
	equal(t, "history", history(t, d, "orders", driver.Start{}, ""), span(1, 1000))
}

func TestABroadcastThatIsOvertakenIsToldHowMuch(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{MaxCount: 5})
	d := server.Connect()
	join(t, d, spec("orders", "billing"))
	publish(t, d, "orders", numbered(1, 3)...)
	var told notices
	s := spec("orders", "")
	s.Notify = told.add
	m := join(t, d, s)
	publish(t, d, "orders", numbered(4, 13)...)
	equal(t, "gaps by retention", told.gaps(), []int64{5})
	equal(t, "what is left", m.drain(2), span(9, 10))
	server.Disconnect()
	server.Reconnect()
	equal(t, "gaps by the cut", told.gaps(), []int64{5, 3})
	publish(t, d, "orders", numbered(14, 14)...)
	equal(t, "from now on", m.drain(1), span(14, 14))
}

func declare(t testing.TB, d driver.Driver, specs ...driver.TopicSpec) {
	t.Helper()
	topology, ok := d.(driver.Topology)
	if !ok {
		t.Fatal("no Topology")
	}
	if err := topology.Declare(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d driver.Driver, topic string, from driver.Start, to string) (driver.Reader, error) {
	t.Helper()
	h, ok := d.(driver.History)
	if !ok {
		t.Fatal("no History")
	}
	return h.Read(t.Context(), topic, from, to)
}

// history reads a topic to its end and returns the ids.
func history(t testing.TB, d driver.Driver, topic string, from driver.Start, to string) []string {
	t.Helper()
	r, err := read(t, d, topic, from, to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(context.WithoutCancel(t.Context())) }()
	ids := []string{}
	for {
		msgs, err := r.Next(t.Context())
		if err != nil {
			return ids
		}
		ids = append(ids, idsOf(msgs)...)
	}
}
