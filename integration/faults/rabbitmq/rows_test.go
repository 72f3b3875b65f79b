package rabbitmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
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
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if err := blocked.Close(ctx); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("close while the broker is blocked: %v after %v", err, time.Since(began))
		}
		ctl(t, b, "set_vm_memory_high_watermark", "0.6")
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// untilBlocked publishes until the alarm has reached the publisher, and demands that Publish keeps its deadline then.
func untilBlocked(t *testing.T, l *load.Load) {
	t.Helper()
	for range 100 {
		took, err := l.Try(500 * time.Millisecond)
		if err == nil {
			continue
		}
		if took > time.Second {
			t.Errorf("publish with a deadline of 500ms returned after %v", took)
		}
		return
	}
	t.Error("the alarm does not reach the publisher")
}

// Row 14: the group's queue is deleted under its consumer. The group is made again, the gap is told, traffic goes on.
func TestQueueDeleted(t *testing.T) {
	b := own(t)
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
	b := own(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic})
	l.Await(200)
	l.Hurt(func() { must(t, channel(t, b).ExchangeDelete(topic, false, false)) })
	l.Recover(20 * time.Second)
	l.Finish()
}

// Row 16: nobody has subscribed.
func TestUnroutable(t *testing.T) {
	b := own(t)
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{{Name: "lonely"}}}))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	err = broker.Publish(t.Context(), "lonely", envelope.New("thing.done", []byte("{}")), envelope.New("other.done", []byte("{}")))
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
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
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
func TestPermissionsRevoked(t *testing.T) {
	b := own(t)
	user, password := login(t, b)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		ctl(t, b, "set_permissions", user, "", "", "")
		var err error
		for range 100 {
			if _, err = l.Try(500 * time.Millisecond); err != nil {
				break
			}
		}
		if err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("publish without permission: %v", err)
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
