package matrix

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/network"
)

// slack is how much later than its deadline Publish may return on a busy machine.
const slack = 250 * time.Millisecond

// inTime demands that Publish returns by its deadline although nothing answers. A machine that stands still for a moment does not do so each time.
func inTime(t *testing.T, b *bench) {
	t.Helper()
	const limit, tries = 500 * time.Millisecond, 5
	for try := 1; ; try++ {
		took, err := b.Try(limit)
		switch {
		case err == nil || took > limit+slack && try == tries:
			t.Errorf("publish with a deadline of %v returned %v after %v, want an error in time", limit, err, took)
			return
		case took <= limit+slack:
			return
		}
	}
}

// replyLost publishes while answers get lost: the outcome is unknown, and publishing again makes one copy more at most, under the same id.
func replyLost(t *testing.T, s Subject) {
	topic := Topic()
	spec := s.Spec
	spec.Name, spec.Groups = topic, []string{"workers"}
	quiet, plain := network.New(t), network.New(t)
	open := func(n *network.Network) *messaging.Broker {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b, err := s.Open(ctx, n, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{spec}}))
		must(t, err)
		t.Cleanup(func() { must(t, b.Close(context.WithoutCancel(t.Context()))) })
		return b
	}
	publisher, reader := open(quiet), open(plain)
	ids := make(chan string)
	handler := messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		select {
		case ids <- d.ID:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	_, err := reader.Subscribe(t.Context(), topic, handler, messaging.Group("workers"))
	must(t, err)
	publish := func(id string, limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return publisher.Publish(ctx, topic, envelope.New("thing.done", []byte("{}"), envelope.ID(id)))
	}
	must(t, publish("first", time.Minute))
	quiet.BlackHole(true, false)
	// Unavailable is what a machine that stands still for a second makes of it: nothing was written.
	_, err = tries(5, messaging.ErrUnavailable, func() error { return publish("unknown", time.Second) })
	if !errors.Is(err, messaging.ErrUnconfirmed) {
		t.Errorf("the reply is lost, and publish says %v, want unconfirmed", err)
	}
	quiet.Heal()
	quiet.Cut()
	// Unconfirmed is what was written before the loss was noticed.
	attempts, err := tries(4, messaging.ErrUnconfirmed, func() error { return publish("unknown", time.Minute) })
	attempts++ // the one whose reply was lost
	must(t, err)
	must(t, publish("last", time.Minute))
	copies := map[string]int{}
	timeout := time.After(time.Minute)
	for copies["last"] == 0 || copies["unknown"] == 0 {
		select {
		case id := <-ids:
			copies[id]++
		case <-timeout:
			t.Fatalf("not all came: %v", copies)
		}
	}
	if copies["first"] != 1 || copies["unknown"] > attempts || copies["last"] != 1 {
		t.Errorf("copies are %v, want one of each, and %d of the unknown at most", copies, attempts)
	}
}

// tries publishes, so many times at most, until that does not say what to try again for. It returns how often it did, and what was said last.
func tries(most int, again error, publish func() error) (n int, err error) {
	for n < most {
		n++
		if err = publish(); !errors.Is(err, again) {
			break
		}
	}
	return n, err
}

// late opens before the broker can be reached, and works when it can; a deadline that is over before ends it.
func late(t *testing.T, s Subject) {
	n := network.New(t)
	n.Down()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	if b, err := s.Open(ctx, n); err == nil {
		t.Errorf("the broker can't be reached, and Open succeeds")
		must(t, b.Close(t.Context()))
	} else if took := time.Since(began); took > 10*time.Second { // opening without a deadline takes 30 s to fail
		t.Errorf("open with a deadline of 1s fails after %v: %v", took, err)
	}
	up := time.AfterFunc(2*time.Second, n.Up)
	defer up.Stop()
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topic := Topic()
	spec := s.Spec
	spec.Name, spec.Groups = topic, []string{"workers"}
	b, err := s.Open(ctx, n, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{spec}}))
	must(t, err)
	must(t, b.Publish(ctx, topic, envelope.New("thing.done", []byte("{}"))))
	must(t, b.Close(ctx))
}
