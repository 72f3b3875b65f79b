package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// Row 37: a member's connections die with events in hand, for good. The others handle them, the dead consumer goes only when it has nothing
// pending, and nothing is lost.
func TestDeadMembersEventsAreHandledByOthers(t *testing.T) {
	b := own(t)
	topic := matrix.Topic()
	line := network.New(t)
	l := busy(t, b, load.Config{Topic: topic, Members: 2, Keys: 16, Window: 64})
	stuck := make(chan struct{})
	inHand := make(chan string, 1)
	broker, err := open(t.Context(), b, line.Dial)
	must(t, err)
	_, err = broker.Subscribe(t.Context(), topic, messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		select {
		case inHand <- d.ID:
		default:
		}
		<-stuck
		return errors.New("too late")
	}), messaging.Group("workers"), messaging.Member("victim"), messaging.Window(64, 16<<20))
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) })
	t.Cleanup(func() { line.Heal(); line.Cut() })
	t.Cleanup(func() { close(stuck) })
	<-inHand
	l.Hurt(func() { line.BlackHole(true, true) })
	if !eventually(patience, func() bool {
		return !strings.Contains(cli(t, b, "XINFO", "CONSUMERS", "{"+topic+"}", "workers"), "victim")
	}) {
		t.Errorf("the dead consumer is still there: %s", cli(t, b, "XINFO", "CONSUMERS", "{"+topic+"}", "workers"))
	}
	l.Finish()
}

// Row 38: a reader of a channel is cut off. Its subscription comes back, and the gap is told: by its size where the publisher's numbers show it.
func TestChannelReaderIsCutOff(t *testing.T) {
	b := own(t)
	line := network.New(t)
	cfg, err := redis.ParseURL(b.URL())
	must(t, err)
	cfg.PubSub, cfg.Timeout = true, 2*time.Second
	publisher, err := redis.New(t.Context(), cfg)
	must(t, err)
	cfg.Dial = line.Dial
	reader, err := redis.New(t.Context(), cfg)
	must(t, err)
	for _, d := range []*redis.Driver{publisher, reader} {
		t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	}
	notices := make(chan driver.Notice, 16) // Notify must not block
	topic := matrix.Topic()
	sub, err := reader.Subscribe(t.Context(), driver.Spec{
		Topic: topic, Broadcast: true, Window: 100, WindowBytes: 1 << 20, Notify: func(n driver.Notice) { notices <- n },
	})
	must(t, err)
	send := func(id string) {
		told := make(fates, 1) // Done must not block
		to := driver.Address{Topic: topic, Unrouted: driver.Drop}
		publisher.Publisher().Send(t.Context(), to, []*driver.Message{{ID: id, Body: []byte("{}")}}, told)
		if f := <-told; f.fate != driver.Stored {
			t.Fatalf("publish %s: %v, %v", id, f.fate, f.err)
		}
	}
	send("before")
	if got := within(t, sub, patience); got != "before" {
		t.Fatalf("received %q", got)
	}
	line.Down()
	for range 3 {
		send("missed")
	}
	line.Up()
	untilGap(t, notices, -1, -1)
	most, got := int64(2), ""
	for began := time.Now(); got == "" && time.Since(began) < patience; most++ { // the reader may be cut off once more
		send("after")
		got = within(t, sub, 5*time.Second)
	}
	if got != "after" {
		t.Fatalf("received %q", got)
	}
	untilGap(t, notices, 3, most)
}

// within receives a message and returns its id, or nothing where none comes in time.
func within(t *testing.T, sub driver.Subscription, limit time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	got, err := sub.Receive(ctx, 1, 1<<20)
	if err != nil {
		return ""
	}
	sub.Settle([]driver.Outcome{{Message: got[0], Verdict: driver.Ack}})
	return got[0].ID
}

// untilGap waits until a gap of such a size is told.
func untilGap(t *testing.T, notices <-chan driver.Notice, least, most int64) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case n := <-notices:
			if n.Kind == driver.Gap && n.Count >= least && n.Count <= most {
				return
			}
		case <-timeout:
			t.Fatalf("no gap of %d to %d is told", least, most)
		}
	}
}

// eventually reports whether a condition comes true in time.
func eventually(limit time.Duration, holds func() bool) bool {
	for began := time.Now(); time.Since(began) < limit; <-time.After(100 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return holds()
}
