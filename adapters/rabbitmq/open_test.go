package rabbitmq_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// A broker that is away is waited for, but not for ever; nothing is left behind, and no secret in the error.
func TestOpeningGivesUpInTime(t *testing.T) {
	t.Parallel()
	away := errors.New("nobody listens")
	for name, bound := range map[string]time.Duration{"the context's": 5 * time.Second, "the default": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dials := make(chan struct{}, 10_000) // counted by both lines
				cfg := rabbitmq.Config{User: "canary", Password: "canary", Dial: func(context.Context, string, string) (net.Conn, error) {
					dials <- struct{}{}
					return nil, away
				}}
				ctx, want := context.Background(), rabbitmq.DefaultDialTimeout
				if bound > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, bound)
					defer cancel()
					want = bound
				}
				began := time.Now()
				_, err := rabbitmq.New(ctx, cfg)
				if took := time.Since(began); took != want {
					t.Errorf("New took %v, want %v", took, want)
				}
				if !errors.Is(err, away) || !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "canary") {
					t.Errorf("New: %v", err)
				}
				if n := len(dials); n > 2*int(want/time.Second)*10 {
					t.Errorf("%d dials in %v: too many", n, want)
				}
			})
		})
	}
}
