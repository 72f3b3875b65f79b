package rabbitmq_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

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

// Files that can't be read are no broker that is away.
func TestOpeningRefusesTLSFilesAtOnce(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{UseTLS: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("the broker is dialled")
		return nil, errors.New("nobody listens")
	}}
	cfg.TLSFiles.CAFile = filepath.Join(t.TempDir(), "nowhere.pem")
	if _, err := rabbitmq.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "tls_ca_file") {
		t.Errorf("New: %v, want an error about tls_ca_file", err)
	}
}

// A broker that refuses the client's certificate says so after the handshake, and is not asked again.
func TestTLSAlertsAreForGood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"remote error: tls: certificate required": true, "remote error: tls: unknown certificate authority": true, "connection reset by peer": false,
	} {
		if got := rabbitmq.Hopeless(&amqp.Error{Code: amqp.FrameError, Reason: text}); got != want {
			t.Errorf("%s: for good %v, want %v", text, got, want)
		}
	}
}
