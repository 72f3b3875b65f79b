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
	if !eventually(20*time.Second, func() bool {
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
	receive := func() string {
		got, err := sub.Receive(t.Context(), 1, 1<<20)
		must(t, err)
		sub.Settle([]driver.Outcome{{Message: got[0], Verdict: driver.Ack}})
		return got[0].ID
	}
	send("before")
	first := receive()
	line.Down()
	for range 3 {
		send("missed")
	}
	line.Up()
	var kinds []driver.NoticeKind
	var sizes []int64
	for len(sizes) < 1 {
		n := <-notices
		kinds = append(kinds, n.Kind)
		if n.Kind == driver.Gap {
			sizes = append(sizes, n.Count)
		}
	}
	send("after")
	second := receive()
	for n := range notices {
		if n.Kind == driver.Gap {
			sizes = append(sizes, n.Count)
			break
		}
	}
	if first != "before" || second != "after" || sizes[0] != -1 || sizes[1] != 3 {
		t.Errorf("received %s and %s, told %v with sizes %v, want a gap of unknown size and then one of 3", first, second, kinds, sizes)
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
