package load_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/load"
)

func start(t *testing.T, cfg load.Config) (*load.Load, *memory.Server) {
	t.Helper()
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Topic = "orders"
	cfg.Spec.Groups = []string{"workers"}
	cfg.Open = func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
		return memory.OpenServer(ctx, server, opts...)
	}
	return load.Start(t, cfg), server
}

func TestADisconnectionLosesNothing(t *testing.T) {
	t.Parallel()
	l, server := start(t, load.Config{Members: 2})
	l.Await(200)
	l.Hurt(func() {
		server.Disconnect()
		server.Reconnect()
	})
	l.Recover(5 * time.Second)
	if report := l.Finish(); report.Acked < 200 { // some of the fifty more may have come twice
		t.Errorf("too little happened: %s", report)
	}
}

// The load sees a handler's failure as a freed event, which comes again, and nothing as unexplained.
func TestFailedAttemptsAreExplained(t *testing.T) {
	t.Parallel()
	failing := func(next messaging.Handler) messaging.Handler {
		return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
			if d.Attempt == 1 && len(d.ID)%2 == 0 {
				return errors.New("not at once")
			}
			return next.Handle(ctx, d)
		})
	}
	l, _ := start(t, load.Config{Options: []messaging.SubscribeOption{messaging.Use(failing)}})
	l.Await(500)
	l.Finish()
}

// A handler that is done with events that it never saw: the load must call them lost.
func TestALossIsSeen(t *testing.T) {
	t.Parallel()
	dropped := make(chan struct{})
	drop := sync.OnceFunc(func() { close(dropped) })
	dropping := func(next messaging.Handler) messaging.Handler {
		return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
			if d.ID == "k3-7" {
				drop()
				return nil
			}
			return next.Handle(ctx, d)
		})
	}
	l, _ := start(t, load.Config{Options: []messaging.SubscribeOption{messaging.Use(dropping)}, Drain: time.Second})
	select {
	case <-dropped:
	case <-time.After(time.Minute):
		t.Fatal("the event does not come")
	}
	l.Await(200)
	report := l.Drain()
	if len(report.Lost) != 1 || report.Lost[0].ID != "k3-7" {
		t.Errorf("got %s", report)
	}
}
