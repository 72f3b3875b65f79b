package messagingtest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

type Order struct {
	ID    string
	Cents int
}

type Payment struct{ Order string }

var (
	OrderPlaced  = messaging.Define[Order]("order.placed", "1")
	PaymentTaken = messaging.Define[Payment]("payment.taken", "1")
)

var errDeclined = errors.New("card declined")

// charge is a handler as programs have them: it publishes through p. Orders for nothing are declined for good.
func charge(p messaging.Publisher) messaging.Binding {
	return messaging.On(OrderPlaced, func(ctx context.Context, e messaging.Typed[Order]) error {
		if e.Value.Cents == 0 {
			return messaging.Permanent(errDeclined)
		}
		return p.Publish(ctx, "payments", PaymentTaken.New(Payment{Order: e.Value.ID}, envelope.Key(e.Key), envelope.DerivedFrom(e.Event)))
	})
}

// tb records what a test would be told.
type tb struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	cleanups []func()
	failures []string
	logs     []string
}

// watch runs f as if it were a test, with its cleanups, and returns what it was told.
func watch(t *testing.T, f func(t messagingtest.TB)) *tb {
	t.Helper()
	r := &tb{}
	r.ctx, r.cancel = context.WithCancel(t.Context())
	r.spawn(func() { f(r) })
	r.cancel()
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.spawn(r.cleanups[i])
	}
	return r
}

// spawn runs f in a goroutine that Fatalf may end.
func (r *tb) spawn(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *tb) Helper()                  {}
func (r *tb) Context() context.Context { return r.ctx }
func (r *tb) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }

func (r *tb) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *tb) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *tb) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *tb) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// want checks that the test was failed once for each text, which its message contains, and for nothing else.
func (r *tb) want(t *testing.T, texts ...string) {
	t.Helper()
	if len(r.failures) != len(texts) {
		t.Errorf("failed %d times: %q, want %d", len(r.failures), r.failures, len(texts))
		return
	}
	for i, text := range texts {
		if !strings.Contains(r.failures[i], text) {
			t.Errorf("failed with %q, want %q in it", r.failures[i], text)
		}
	}
}

// handler returns a handler of any event.
func handler(f func(ctx context.Context, d *messaging.Delivery) error) messaging.HandlerFunc {
	return f
}

func failing(err error) messaging.HandlerFunc {
	return func(context.Context, *messaging.Delivery) error { return err }
}
