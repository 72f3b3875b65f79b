package middleware_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// benchmark measures what a middleware adds to a handler that does nothing.
func benchmark(b *testing.B, m messaging.Middleware) {
	h := m(returning(nil))
	d := delivery("order.placed")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Handle(ctx, d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChain_Empty(b *testing.B) { benchmark(b, middleware.Chain()) }

func BenchmarkLog(b *testing.B) {
	for name, level := range map[string]slog.Level{"off": slog.LevelError + 1, "failures": slog.LevelWarn, "done": slog.LevelInfo} {
		b.Run(name, func(b *testing.B) {
			logger := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: level}))
			benchmark(b, middleware.Log(middleware.LogConfig{Logger: logger}))
		})
	}
}

func BenchmarkRateLimit_WithinItsRate(b *testing.B) {
	benchmark(b, must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 1e9, Burst: 1e9})).Middleware)
}

func BenchmarkBulkhead_WithRoom(b *testing.B) {
	benchmark(b, must(middleware.NewBulkhead(middleware.BulkheadConfig{})).Middleware)
}

func BenchmarkBrake_Closed(b *testing.B) {
	benchmark(b, must(middleware.NewBrake(middleware.BrakeConfig{})).Middleware)
}

func BenchmarkTimeout(b *testing.B) {
	benchmark(b, must(middleware.NewTimeout(middleware.TimeoutConfig{After: time.Minute})))
}

func BenchmarkForTypes_Others(b *testing.B) {
	benchmark(b, must(middleware.ForTypes(middleware.Chain(), "report.*", "mail.sent")))
}
