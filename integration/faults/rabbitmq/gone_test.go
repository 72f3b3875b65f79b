package rabbitmq_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Row 14: the group's queue is deleted, and opening it again fails halfway, when the queue is made and not yet bound. The gap is told before it is
// made, and it is bound when it opens at last.
func TestQueueDeletedAndOpenedHalfway(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	user, d := half(t, b)
	notices := make(chan driver.Notice, 1000) // the subscription must not wait for this test
	sub, err := d.Subscribe(t.Context(), driver.Spec{
		Topic: topic, Group: "workers", Window: 10, WindowBytes: 1 << 20, Notify: func(n driver.Notice) { notices <- n },
	})
	must(t, err)
	await := func(kind driver.NoticeKind) {
		t.Helper()
		timeout := time.After(patience)
		for {
			select {
			case n := <-notices:
				if n.Kind == kind {
					return
				}
			case <-timeout:
				t.Fatalf("no notice %v", kind)
			}
		}
	}
	queue := driver.Name(driver.KindGroup, topic, "workers")
	ctl(t, b, "set_permissions", user, ".*", "^(?!"+queue+")", ".*") // what binds a queue must be allowed to write to it
	ctl(t, b, "delete_queue", queue)
	await(driver.Gap)          // whoever sees that it is gone tells so, before it is there again
	await(driver.Disconnected) // it can't be bound
	if _, err := channel(t, b).QueueDeclarePassive(queue, true, false, false, false, nil); err != nil {
		t.Fatalf("the queue is not made again, so this shows nothing: %v", err)
	}
	ctl(t, b, "set_permissions", user, ".*", ".*", ".*")
	await(driver.Connected)
	if fate := send(t, d, topic, "1"); fate != driver.Stored {
		t.Fatalf("sent: %v", fate)
	}
	if got := receive(t, sub); got.ID != "1" {
		t.Errorf("got %s", got.ID)
	}
	must(t, sub.Close(t.Context()))
}

// A queue that is deleted while no member is there takes what stood in it along: the next member tells so, once.
func TestQueueDeletedWhileNobodyIsThere(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	d := connect(t, b)
	gaps := 0
	join := func() driver.Subscription {
		t.Helper()
		sub, err := d.Subscribe(t.Context(), driver.Spec{
			Topic: topic, Group: "workers", Window: 10, WindowBytes: 1 << 20,
			Notify: func(n driver.Notice) {
				if n.Kind == driver.Gap {
					gaps++
				}
			},
		})
		must(t, err)
		return sub
	}
	must(t, join().Close(t.Context()))
	ctl(t, b, "delete_queue", driver.Name(driver.KindGroup, topic, "workers"))
	must(t, join().Close(t.Context()))
	if gaps != 1 {
		t.Errorf("%d gaps told of the lost queue, want 1", gaps)
	}
	must(t, join().Close(t.Context()))
	err := d.DeleteGroup(t.Context(), topic, "workers")
	for began := time.Now(); errors.Is(err, driver.ErrInUse) && time.Since(began) < patience; { // the broker takes its time to miss who has left
		err = d.DeleteGroup(t.Context(), topic, "workers")
	}
	must(t, err)
	must(t, join().Close(t.Context()))
	if gaps != 1 {
		t.Errorf("%d gaps told in all: a group that is there, or was deleted as a group, has lost nothing", gaps)
	}
}

// half is a driver whose user may do everything at first.
func half(t *testing.T, b *brokers.Broker) (user string, d *rabbitmq.Driver) {
	t.Helper()
	user = "half-" + matrix.Topic()
	ctl(t, b, "add_user", user, user)
	t.Cleanup(func() { _, _ = b.Exec(context.WithoutCancel(t.Context()), "rabbitmqctl", "delete_user", user) })
	ctl(t, b, "set_permissions", user, ".*", ".*", ".*")
	return user, connect(t, b, func(c *rabbitmq.Config) {
		at, err := url.Parse(b.URL())
		must(t, err)
		at.User = url.UserPassword(user, user)
		changed, err := rabbitmq.ParseURL(at.String())
		must(t, err)
		*c = changed
	})
}

// Row 15: the topic's exchange is deleted, and to restore it fails halfway, when it is declared and its group not bound. The next try goes on from
// there: an event that is called stored is not taken for what nobody wants.
func TestExchangeDeletedAndRestoredHalfway(t *testing.T) {
	b := shared(t)
	topic, old := matrix.Topic(), connect(t, b)
	user, d := half(t, b)
	spec := driver.Spec{Topic: topic, Group: "away", Window: 10, WindowBytes: 1 << 20}
	sub, err := old.Subscribe(t.Context(), spec)
	must(t, err)
	must(t, sub.Close(t.Context()))
	queue := driver.Name(driver.KindGroup, topic, "away")
	ctl(t, b, "set_permissions", user, ".*", "^(?!"+queue+")", ".*") // what binds a queue must be allowed to write to it
	must(t, channel(t, b).ExchangeDelete(topic, false, false))
	if fate := send(t, d, topic, "1"); fate != driver.Denied {
		t.Fatalf("while the group can't be bound: %v, want denied", fate)
	}
	must(t, channel(t, b).ExchangeDeclarePassive(topic, "topic", true, false, false, false, nil)) // else this shows nothing
	ctl(t, b, "set_permissions", user, ".*", ".*", ".*")
	if fate := send(t, d, topic, "2"); fate != driver.Stored {
		t.Fatalf("when it can be bound: %v, want stored", fate)
	}
	sub, err = old.Subscribe(t.Context(), spec)
	must(t, err)
	if got := receive(t, sub); got.ID != "2" {
		t.Errorf("got %s, want 2", got.ID)
	}
	must(t, sub.Close(t.Context()))
}
