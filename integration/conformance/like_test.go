package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
)

// What memory plays with ?like= has the levels that the broker's adapter tells.
func TestMemoryPlaysWhatTheAdaptersTell(t *testing.T) {
	t.Parallel()
	for _, kind := range []brokers.Kind{brokers.RabbitMQ, brokers.Kafka, brokers.Redis} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			told := capabilities(t, brokers.Need(t, kind).URL())
			played := capabilities(t, "memory://?like="+string(kind))
			for feature, want := range told.Features {
				if got := played.Features[feature]; got.Level != want.Level {
					t.Errorf("%s: memory plays %s, the adapter tells %s", feature, got.Level, want.Level)
				}
			}
		})
	}
}

func capabilities(t *testing.T, url string) driver.Capabilities {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker, err := adapters.Open(ctx, url, messaging.WithService("like"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := broker.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	return broker.Capabilities()
}
