package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// withoutTimes drops what differs from run to run.
func withoutTimes(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "duration" {
		return slog.Attr{}
	}
	return a
}

// handleOne publishes an event to a broker in memory and handles it with h, then closes the broker.
func handleOne(e envelope.Event, h messaging.HandlerFunc, m ...messaging.Middleware) {
	ctx := context.Background()
	broker, err := memory.Open(ctx, "memory://")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close(ctx)
	done := make(chan struct{}, 1)
	first := messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		err := h(ctx, d)
		if err == nil {
			done <- struct{}{}
		}
		return err
	})
	if _, err := broker.Subscribe(ctx, "orders", first, messaging.Group("billing"), messaging.Use(m...)); err != nil {
		fmt.Println(err)
		return
	}
	if err := broker.Publish(ctx, "orders", e); err != nil {
		fmt.Println(err)
		return
	}
	<-done
}

func Example() {
	order := envelope.New("order.placed", []byte(`{"total":7}`), envelope.ID("event-1"))
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTimes}))

	brake, err := middleware.NewBrake(middleware.BrakeConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	room, err := middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	limit, err := middleware.NewRateLimit(middleware.RateLimitConfig{Events: 100, Burst: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	soon, err := middleware.NewTimeout(middleware.TimeoutConfig{After: 5 * time.Second, Types: []string{"order.*"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	payments := middleware.Chain(
		middleware.Log(middleware.LogConfig{Logger: logger}), brake.Middleware, room.Middleware, limit.Middleware, soon,
	)
	handleOne(order, func(ctx context.Context, d *messaging.Delivery) error {
		middleware.Logger(ctx).Info("charging", "bytes", len(d.Data))
		if d.Attempt == 1 {
			return errors.New("card service: try again")
		}
		return nil
	}, payments)
	// Output:
	// level=INFO msg=charging event=event-1 type=order.placed correlation=event-1 topic=orders group=billing attempt=1 bytes=11
	// level=WARN msg="handler failed" event=event-1 type=order.placed correlation=event-1 topic=orders group=billing attempt=1 verdict=retry err="card service: try again"
	// level=INFO msg=charging event=event-1 type=order.placed correlation=event-1 topic=orders group=billing attempt=2 bytes=11
	// level=INFO msg=handled event=event-1 type=order.placed correlation=event-1 topic=orders group=billing attempt=2
}

// onlyFrom drops events of sources that are not trusted. A middleware is a function from a handler to a handler; what it keeps is made when
// it is applied, once for each subscription.
func onlyFrom(sources ...string) messaging.Middleware {
	trusted := make(map[string]bool, len(sources))
	for _, s := range sources {
		trusted[s] = true
	}
	return func(next messaging.Handler) messaging.Handler {
		return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
			if !trusted[d.Source] {
				return messaging.Permanent(fmt.Errorf("source %q is not trusted", d.Source)) // a dead letter
			}
			return next.Handle(ctx, d)
		})
	}
}

func ExampleChain() {
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		fmt.Println("handled", d.ID)
		return nil
	})
	guarded := middleware.Chain(onlyFrom("shop"))(handler)
	for _, source := range []string{"shop", "elsewhere"} {
		d := &messaging.Delivery{Event: envelope.New("order.placed", nil, envelope.ID("event-1"), envelope.Source(source))}
		err := guarded.Handle(context.Background(), d)
		fmt.Println(messaging.VerdictOf(err), err)
	}
	// Output:
	// handled event-1
	// done <nil>
	// permanent source "elsewhere" is not trusted
}

func ExampleForTypes() {
	shout := func(next messaging.Handler) messaging.Handler {
		return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
			fmt.Println("a report comes")
			return next.Handle(ctx, d)
		})
	}
	reports, err := middleware.ForTypes(shout, "report.#")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := reports(messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		fmt.Println("handled", d.Type)
		return nil
	}))
	for _, typ := range []string{"report.made", "order.placed"} {
		_ = handler.Handle(context.Background(), &messaging.Delivery{Event: envelope.New(typ, nil)})
	}
	// Output:
	// a report comes
	// handled report.made
	// handled order.placed
}

func ExampleNewLogHandler() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTimes})
	library := slog.New(middleware.NewLogHandler(text)) // a program would make it the default: slog.SetDefault

	handleOne(envelope.New("order.placed", nil, envelope.ID("event-1")), func(ctx context.Context, _ *messaging.Delivery) error {
		library.InfoContext(ctx, "query", "rows", 3) // knows nothing of events
		return nil
	}, middleware.Log(middleware.LogConfig{Logger: library, Done: slog.LevelDebug}))
	// Output: level=INFO msg=query rows=3 event=event-1 type=order.placed correlation=event-1 topic=orders group=billing attempt=1
}

func ExampleNewRateLimit() {
	limit, err := middleware.NewRateLimit(middleware.RateLimitConfig{Events: 50, Burst: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Now()
	handler := limit.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil }))
	for range 4 { // two at once, then one every 20 ms
		_ = handler.Handle(context.Background(), &messaging.Delivery{})
	}
	fmt.Println("at least 40 ms:", time.Since(start) >= 40*time.Millisecond)
	// Output: at least 40 ms: true
}

func ExampleNewBulkhead() {
	room, err := middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := room.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		fmt.Println("running:", room.Running())
		return nil
	}))
	_ = handler.Handle(context.Background(), &messaging.Delivery{})
	fmt.Println("running:", room.Running())
	// Output:
	// running: 1
	// running: 0
}

func ExampleNewBrake() {
	brake, err := middleware.NewBrake(middleware.BrakeConfig{
		Consecutive: 2,
		FirstProbe:  10 * time.Millisecond,
		OnChange:    func(c middleware.BrakeChange) { fmt.Println(c.From, "to", c.To, c.Err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	down := true
	handler := brake.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		if down {
			return errors.New("card service is down")
		}
		return nil
	}))
	for range 2 {
		_ = handler.Handle(context.Background(), &messaging.Delivery{})
	}
	down = false
	fmt.Println(handler.Handle(context.Background(), &messaging.Delivery{})) // waits, then probes
	// Output:
	// closed to open card service is down
	// open to probing <nil>
	// probing to closed <nil>
	// <nil>
}

func ExampleNewTimeout() {
	limit, err := middleware.NewTimeout(middleware.TimeoutConfig{After: time.Millisecond, Types: []string{"report.#"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := limit(messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
		<-ctx.Done()
		return errors.New("report unfinished")
	}))
	fmt.Println(handler.Handle(context.Background(), &messaging.Delivery{Event: envelope.New("report.made", nil)}))
	// Output: handler timed out after 1ms: report unfinished
}
