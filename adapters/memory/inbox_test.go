package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

func later(id string, d time.Duration) *driver.Message {
	m := message(id, "")
	m.NotBefore = time.Now().Add(d)
	return m
}

func TestTheInboxIsInOrderOfDueTimeThenArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{}).Connect()
		m, other := join(t, d, spec("orders", "billing")), join(t, d, spec("orders", "audit"))
		box := driver.Address{Topic: "orders", Group: "billing"}
		began := time.Now()
		f := send(t, d, box, later("c", 2*time.Minute), later("b", time.Minute), message("a", ""), later("d", 2*time.Minute))
		equal(t, "fates", f.list(4), []driver.Fate{driver.Stored, driver.Stored, driver.Stored, driver.Stored})
		publish(t, d, "orders", message("topic", ""))
		for _, want := range []struct {
			id    string
			inbox bool
			after time.Duration
		}{{"a", true, 0}, {"topic", false, 0}, {"b", true, time.Minute}, {"c", true, 2 * time.Minute}, {"d", true, 2 * time.Minute}} {
			got := m.takeWithin(time.Hour)
			if got.ID != want.id || got.Inbox != want.inbox || time.Since(began) != want.after {
				t.Errorf("got %s, inbox %v, after %v; want %+v", got.ID, got.Inbox, time.Since(began), want)
			}
			if (got.Position == "") != want.inbox {
				t.Errorf("%s has the position %q", got.ID, got.Position)
			}
			m.settle(driver.Ack, got)
		}
		equal(t, "the other group", other.drain(1), []string{"topic"})
		other.nothing()
	})
}

func TestAReleasedInboxMessageComesAgainThroughTheInbox(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	m := join(t, d, spec("orders", "billing"))
	send(t, d, driver.Address{Topic: "orders", Group: "billing"}, message("a", ""), message("b", ""))
	m.settle(driver.Release, m.take(1)...)
	got := m.take(2)
	equal(t, "order", idsOf(got), []string{"a", "b"})
	equal(t, "deliveries", []int{got[0].Deliveries, got[1].Deliveries}, []int{2, 1})
	equal(t, "inbox", []bool{got[0].Inbox, got[1].Inbox}, []bool{true, true})
}

func TestAnInboxBeginsWithTheFirstSubscription(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	declare(t, d, driver.TopicSpec{Name: "orders", Groups: []string{"billing"}})
	for _, to := range []driver.Address{
		{Topic: "orders", Group: "billing"}, {Topic: "orders", Group: "nobody"}, {Topic: "nothing", Group: "billing"},
	} {
		equal(t, to.Topic+" "+to.Group, send(t, d, to, message("a", "")).list(1), []driver.Fate{driver.Unroutable})
	}
	m := join(t, d, spec("orders", "billing"))
	send(t, d, driver.Address{Topic: "orders", Group: "billing"}, message("a", ""))
	m.leave()
	equal(t, "kept while nobody is there", join(t, d, spec("orders", "billing")).drain(1), []string{"a"})
}

func TestADelayedMessageJoinsTheTopicWhenItIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{}).Connect()
		a, b := join(t, d, spec("orders", "billing")), join(t, d, spec("orders", ""))
		began := time.Now()
		publish(t, d, "orders", later("late", time.Hour), later("soon", time.Minute), message("now", ""))
		for _, m := range []member{a, b} {
			equal(t, "at once", m.drain(1), []string{"now"})
			m.nothing()
		}
		for _, want := range []struct {
			id    string
			after time.Duration
		}{{"soon", time.Minute}, {"late", time.Hour}} {
			got := a.takeWithin(2 * time.Hour)
			if got.ID != want.id || time.Since(began) != want.after {
				t.Errorf("got %s after %v, want %s after %v", got.ID, time.Since(began), want.id, want.after)
			}
			a.settle(driver.Ack, got)
		}
		equal(t, "the broadcast", b.drain(2), []string{"soon", "late"})
		equal(t, "history", history(t, d, "orders", driver.Start{}, ""), []string{"now", "soon", "late"})
	})
}

func TestAnInboxOfPartitionsGoesToTheOwner(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	a, b := join(t, d, ordered("orders", "billing")), join(t, server.Connect(), ordered("orders", "billing"))
	publish(t, d, "orders", slotted(1)...)
	owner := map[string]member{}
	for _, m := range []member{a, b} {
		for _, id := range m.drain(2) {
			owner[id] = m
		}
	}
	send(t, d, driver.Address{Topic: "orders", Group: "billing"}, slotted(1)...)
	for _, m := range []member{a, b} {
		for _, got := range m.take(2) {
			if owner[got.ID] != m || !got.Inbox {
				t.Errorf("%s came to another member or not through the inbox", got.ID)
			}
		}
		m.nothing()
	}
}
