package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
)

// Rows 1 to 11 of the matrix, which all brokers have in common.
func TestFaults(t *testing.T) {
	b := own(t)
	matrix.Run(t, matrix.Subject{Broker: b, Open: through(b), Silence: 6 * time.Second})
}

// Row 13: with a memory alarm the broker reads nothing from publishers. They wait until their deadline, consumers go on, Close does not hang.
func TestMemoryAlarm(t *testing.T) {
	b := own(t)
	l := busy(t, b, load.Config{})
	l.Await(200)
	blocked, err := open(t.Context(), b, nil)
	must(t, err)
	l.Hurt(func() {
		ctl(t, b, "set_vm_memory_high_watermark", "0.00001")
		untilBlocked(t, l)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := blocked.Close(ctx); err != nil || time.Since(began) > atOnce {
			t.Errorf("close while the broker is blocked: %v after %v", err, time.Since(began))
		}
		ctl(t, b, "set_vm_memory_high_watermark", "0.6")
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// untilBlocked publishes until the alarm has reached the publisher, and demands that Publish keeps its deadline then, and does not wait for the end
// of the alarm, which comes after this.
func untilBlocked(t *testing.T, l *load.Load) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		took, err := l.Try(500 * time.Millisecond)
		if err == nil {
			continue
		}
		if took > atOnce {
			t.Errorf("publish with a deadline of 500ms returned after %v", took)
		}
		return
	}
	t.Error("the alarm does not reach the publisher")
}

// Row 14: the group's queue is deleted under its consumer. The group is made again, the gap is told, traffic goes on.
func TestQueueDeleted(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic, Drain: 5 * time.Second}) // what the queue held never comes
	l.Await(200)
	l.Hurt(func() { ctl(t, b, "delete_queue", driver.Name(driver.KindGroup, topic, "workers")) })
	l.Recover(10 * time.Second)
	report := l.Drain()
	report.Lost = nil // what the fault destroyed
	if !report.OK() {
		t.Error(report)
	}
	if gaps := l.Notices(messaging.Gap); len(gaps) == 0 {
		t.Error("nobody was told of the gap")
	}
}

// Row 15: the topic's exchange is deleted under its publishers. It is declared again; what was on its way is not called stored.
func TestExchangeDeleted(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic})
	l.Await(200)
	l.Hurt(func() { must(t, channel(t, b).ExchangeDelete(topic, false, false)) })
	l.Recover(20 * time.Second)
	l.Finish()
}

// Row 15 again, while the group's members are away and its publishers idle: whoever declares the exchange again, be it a publisher that has
// met it or not, or a group of its own, must not take the group's events for what nobody wants.
func TestExchangeDeletedWhileMembersAreAway(t *testing.T) {
	b := shared(t)
	for _, who := range []string{"the publisher that knew it", "another publisher", "another group", "the configuration"} {
		for _, partitions := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s, partitions %d", who, partitions), func(t *testing.T) { exchangeDeleted(t, b, who, partitions) })
		}
	}
}

func exchangeDeleted(t *testing.T, b *brokers.Broker, who string, partitions int) {
	topic := matrix.Topic()
	old, other := connect(t, b), connect(t, b)
	spec := driver.Spec{Topic: topic, Group: "away", Types: []string{"thing.*"}, Partitions: partitions, Window: 10, WindowBytes: 1 << 20}
	sub, err := old.Subscribe(t.Context(), spec)
	must(t, err)
	if fate := send(t, old, topic, "1"); fate != driver.Stored {
		t.Fatalf("before: %v", fate)
	}
	sub.Settle([]driver.Outcome{{Message: receive(t, sub)}})
	must(t, sub.Close(t.Context()))
	must(t, channel(t, b).ExchangeDelete(topic, false, false))
	publisher := other
	switch who {
	case "the publisher that knew it":
		publisher = old
	case "another group":
		_, err := other.Subscribe(t.Context(), driver.Spec{Topic: topic, Group: "other", Window: 10, WindowBytes: 1 << 20})
		must(t, err)
	case "the configuration":
		must(t, other.Declare(t.Context(), []driver.TopicSpec{{Name: topic}}))
	}
	for range 10 { // the first may meet the missing exchange
		if send(t, publisher, topic, "2") == driver.Stored {
			break
		}
	}
	sub, err = other.Subscribe(t.Context(), spec)
	must(t, err)
	if got := receive(t, sub); got.ID != "2" {
		t.Errorf("got %s, want 2", got.ID)
	}
}

// Row 16 more exactly: somebody removes a living group's bindings. What is published until its members make them again is a type that
// nobody wants, which is stored by being dropped; from then on nothing is lost.
func TestBindingsRemoved(t *testing.T) {
	b := shared(t)
	for _, partitions := range []int{0, 3} {
		t.Run(fmt.Sprintf("partitions %d", partitions), func(t *testing.T) {
			t.Parallel()
			topic, d := matrix.Topic(), connect(t, b)
			spec := driver.Spec{Topic: topic, Group: "workers", Types: []string{"thing.*"}, Partitions: partitions, Window: 10, WindowBytes: 1 << 20}
			sub, err := d.Subscribe(t.Context(), spec)
			must(t, err)
			plain := channel(t, b)
			if partitions == 0 {
				must(t, plain.QueueUnbind(driver.Name(driver.KindGroup, topic, "workers"), "thing.*", topic, nil))
			} else {
				must(t, plain.ExchangeUnbind(driver.Name("slots", topic, "workers"), "thing.*", topic, false, nil))
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			published := 0
			for ctx.Err() == nil {
				published++
				if fate := send(t, d, topic, strconv.Itoa(published)); fate != driver.Stored {
					t.Fatalf("publish without a binding: %v, want stored", fate)
				}
				brief, over := context.WithTimeout(ctx, 100*time.Millisecond)
				msgs, err := sub.Receive(brief, 1, 1<<20)
				over()
				if err == nil {
					t.Logf("bound again after %v; %d of %d events were wanted by nobody", time.Since(began), published-len(msgs), published)
					return
				}
			}
			t.Errorf("the bindings are not made again within %v", patience)
		})
	}
}

// Row 16: nobody has subscribed.
func TestUnroutable(t *testing.T) {
	b, topic := shared(t), matrix.Topic()
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{{Name: topic}}}))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	err = broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte("{}")), envelope.New("other.done", []byte("{}")))
	var unpublished *messaging.PublishError
	if !errors.Is(err, messaging.ErrUnrouted) || !errors.As(err, &unpublished) {
		t.Errorf("publish to a topic without a group: %v, want unrouted", err)
	}
}

// Row 17: a queue that is full and rejects makes the broker nack, which says nothing of the topic's other queues: unconfirmed, and told so.
func TestNack(t *testing.T) {
	b := own(t)
	topic := matrix.Topic()
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{{Name: topic, Groups: []string{"full", "free"}}}}))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	ctl(t, b, "set_policy", "full", "full$", `{"max-length":3,"overflow":"reject-publish"}`, "--apply-to", "queues")
	refused := 0
	for began := time.Now(); time.Since(began) < patience; { // the broker applies a policy in its own time
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := broker.Publish(ctx, topic, envelope.New("thing.done", []byte("{}")))
		cancel()
		switch {
		case errors.Is(err, messaging.ErrUnconfirmed):
			refused++
		case err != nil:
			t.Fatalf("publish: %v, want unconfirmed", err)
		}
		if refused == 3 {
			return
		}
	}
	t.Error("the full queue refuses nothing")
}

// Row 9: permissions are taken away in the middle of it all; the error is clear and without the password, and all is well when they are back.
// RabbitMQ remembers by channel what was allowed, so that a new connection is the first to feel it.
func TestPermissionsRevoked(t *testing.T) {
	b := own(t)
	user, password := login(t, b)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		ctl(t, b, "set_permissions", user, "", "", "")
		ctl(t, b, "close_all_connections", "permissions have changed")
		_, err := l.Try(patience)
		if !errors.Is(err, messaging.ErrDenied) || !strings.Contains(err.Error(), "ACCESS_REFUSED") || strings.Contains(err.Error(), password) {
			t.Errorf("publish without permission: %v, want denied", err)
		}
		ctl(t, b, "set_permissions", user, ".*", ".*", ".*")
	})
	l.Recover(10 * time.Second)
	l.Finish()
}

// Row 10: the disk is full by the broker's reckoning.
func TestDiskAlarm(t *testing.T) {
	b := own(t)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		ctl(t, b, "set_disk_free_limit", "100000GB")
		untilBlocked(t, l)
		ctl(t, b, "set_disk_free_limit", "50MB")
	})
	l.Recover(15 * time.Second) // the broker looks at its disk every ten seconds at most
	l.Finish()
}
