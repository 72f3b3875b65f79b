package messaging_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// prompt is a driver that hands messages over by Spec.Deliver alone: its Receive waits until the end.
type prompt struct {
	line
	spec    driver.Spec
	source  *driver.Source
	stopped chan struct{}

	mu    sync.Mutex
	acked []string
}

func newPrompt() *prompt {
	p := &prompt{source: driver.NewSource("prompt"), stopped: make(chan struct{})}
	p.caps.Features = map[driver.Feature]driver.Capability{driver.FeatureBroadcast: {Level: driver.Native}}
	return p
}

func (p *prompt) Subscribe(_ context.Context, spec driver.Spec) (driver.Subscription, error) {
	p.spec = spec
	return promptSubscription{p}, nil
}

func (p *prompt) bring(ids ...string) bool {
	msgs := make([]*driver.Message, len(ids))
	for i, id := range ids {
		msgs[i] = &driver.Message{ID: id, Type: "order.placed", Source: p.source}
	}
	return p.spec.Deliver(msgs)
}

// promptSubscription is apart from prompt because both have a Close.
type promptSubscription struct{ *prompt }

func (s promptSubscription) Receive(ctx context.Context, _, _ int) ([]*driver.Message, error) {
	select {
	case <-s.stopped:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s promptSubscription) Settle(outcomes []driver.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range outcomes {
		s.acked = append(s.acked, o.Message.ID)
	}
}

func (s promptSubscription) Stop()                       { close(s.stopped) }
func (s promptSubscription) Close(context.Context) error { return nil }

func TestDeliver_HandsOverWithoutReceive_UntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPrompt()
		b, err := messaging.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		var handled []string
		s, err := b.Subscribe(t.Context(), "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			handled = append(handled, d.ID)
			return nil
		}), messaging.Broadcast(), messaging.Concurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		if !p.bring("1", "2") || !p.bring("3") {
			t.Error("what came was refused")
		}
		synctest.Wait()
		if got, want := fmt.Sprint(handled, p.acked), "[1 2 3] [1 2 3]"; got != want {
			t.Errorf("handled and acked %s, want %s", got, want)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if p.bring("4") {
			t.Error("a message was taken in after Close")
		}
		synctest.Wait()
		if len(handled) != 3 {
			t.Errorf("handled %v after Close", handled[3:])
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
