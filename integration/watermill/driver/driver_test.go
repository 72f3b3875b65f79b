package driver_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// deaths publishes events of which one fails for good, and looks for it among the dead letters, sends it back and sees it handled.
func deaths(t *testing.T, config heraldwatermill.DriverConfig) {
	t.Helper()
	t.Attr("suite", "watermill driver")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	broker, err := heraldwatermill.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var mended atomic.Bool
	tries := make(chan int, 100) // one for each attempt, which are fewer
	done := make(chan string, 100)
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		if d.ID == "bad" && !mended.Load() {
			tries <- d.Attempt
			return context.DeadlineExceeded
		}
		done <- d.ID
		return nil
	})
	policy := messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{time.Second}}
	if _, err := broker.Subscribe(ctx, "orders", handler, messaging.Group("billing"), messaging.Retry(policy)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "bad", "b"} {
		if err := broker.Publish(ctx, "orders", envelope.New("order.placed", []byte(`{}`), envelope.ID(id), envelope.Key("k"))); err != nil {
			t.Fatal(err)
		}
	}
	want(ctx, t, "handled", done, "a", "b")
	want(ctx, t, "attempts", tries, 1, 2, 3, 4)
	letter := dead(ctx, t, broker)
	if letter.Event.ID != "bad" || letter.Reason != messaging.ReasonExhausted || letter.Attempts != 4 {
		t.Errorf("the dead letter is %s, %s after %d attempts", letter.Event.ID, letter.Reason, letter.Attempts)
	}
	mended.Store(true)
	if _, err := broker.Redrive(ctx, "orders", "billing", messaging.RedriveRequest{}); err != nil {
		t.Fatal(err)
	}
	want(ctx, t, "handled after all", done, "bad")
}

// dead waits for the one dead letter: it is stored after the handler's last error.
func dead(ctx context.Context, t *testing.T, broker *messaging.Broker) *messaging.DeadLetter {
	t.Helper()
	for ctx.Err() == nil {
		for letter, err := range broker.DeadLetters(ctx, "orders", "billing") {
			if err != nil {
				t.Fatal(err)
			}
			return letter
		}
	}
	t.Fatal("no dead letter")
	return nil
}

// want takes as many values as are wanted and compares them.
func want[T comparable](ctx context.Context, t *testing.T, what string, from <-chan T, values ...T) {
	t.Helper()
	var got []T
	for range values {
		select {
		case v := <-from:
			got = append(got, v)
		case <-ctx.Done():
			t.Fatalf("%s: %v, want %v", what, got, values)
		}
	}
	if !slices.Equal(got, values) {
		t.Errorf("%s: %v, want %v", what, got, values)
	}
}
