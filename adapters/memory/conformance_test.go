package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
)

// harness is a server of its own with all its controls.
func harness(tb testing.TB, cfg memory.Config) drivertest.Harness {
	tb.Helper()
	server, err := memory.NewServer(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	name := "memory"
	if cfg.Like != "" {
		name += " like " + cfg.Like
	}
	return drivertest.Harness{
		Name:       name,
		Quiet:      20 * time.Millisecond, // the server is in this process: what does not come at once does not come
		Patience:   30 * time.Second,
		Open:       func(context.Context) (driver.Driver, error) { return server.Connect(), nil },
		Disconnect: func() error { server.Disconnect(); return nil },
		Reconnect:  func() error { server.Reconnect(); return nil },
		Cut:        func(d driver.Driver) error { server.Cut(d); return nil },
		Refuse:     func(topic string, on bool) error { server.Refuse(topic, on); return nil },
		Unanswered: func(topic string, on bool) error { server.Unanswered(topic, on); return nil },
		Inject: func(ctx context.Context, topic string, headers []driver.Header, body []byte) error {
			d := server.Connect()
			d.Publisher().Send(ctx, driver.Address{Topic: topic}, []*driver.Message{{Headers: headers, Body: body}}, ignored{})
			return d.Close(ctx)
		},
	}
}

// ignored is for messages whose fate shows in what arrives.
type ignored struct{}

func (ignored) Done(int, driver.Fate, error) {}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, like := range []string{"", memory.LikeRabbitMQ, memory.LikeKafka, memory.LikeRedis} {
		name := like
		if name == "" {
			name = "plain"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each has a server of its own
			drivertest.Run(t, harness(t, memory.Config{Like: like}))
		})
	}
}

func BenchmarkConformance(b *testing.B) {
	drivertest.Bench(b, harness(b, memory.Config{Like: memory.LikeRabbitMQ})) // frees what its groups have taken
}
