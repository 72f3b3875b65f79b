package bench_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
)

// declarers open a driver of each broker.
var declarers = []struct {
	kind brokers.Kind
	open func(ctx context.Context, url string) (driver.Driver, error)
}{
	{brokers.Kafka, func(ctx context.Context, url string) (driver.Driver, error) {
		cfg, err := kafka.ParseURL(url)
		if err != nil {
			return nil, err
		}
		return kafka.New(ctx, cfg)
	}},
	{brokers.RabbitMQ, func(ctx context.Context, url string) (driver.Driver, error) {
		cfg, err := rabbitmq.ParseURL(url)
		if err != nil {
			return nil, err
		}
		return rabbitmq.New(ctx, cfg)
	}},
	{brokers.Redis, func(ctx context.Context, url string) (driver.Driver, error) {
		cfg, err := redis.ParseURL(url)
		if err != nil {
			return nil, err
		}
		return redis.New(ctx, cfg)
	}},
}

// BenchmarkDeclare declares many topics in one call, as a program does that opens with them: those that are new, those that are there, and then
// it verifies them. grouped topics have one group each.
func BenchmarkDeclare(b *testing.B) {
	for _, d := range declarers {
		b.Run(string(d.kind), func(b *testing.B) {
			broker := brokers.Own(b, d.kind)
			conn, err := d.open(b.Context(), broker.URL())
			must(b, err)
			b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(b.Context())) })
			for _, n := range []int{100, 1000} {
				b.Run(fmt.Sprint("bare/", n), func(b *testing.B) { declareMany(b, conn, "bare", n) })
			}
			b.Run("grouped/100", func(b *testing.B) { declareMany(b, conn, "grouped", 100, "g") })
		})
	}
}

// declareMany measures three ways to declare the same topics, each new run with new ones.
func declareMany(b *testing.B, d driver.Driver, name string, n int, groups ...string) {
	topology, ok := d.(driver.Topology)
	if !ok {
		b.Fatalf("%T declares nothing", d)
	}
	run := 0
	specs := func(verify bool) []driver.TopicSpec {
		all := make([]driver.TopicSpec, n)
		for i := range all {
			all[i] = driver.TopicSpec{Name: fmt.Sprintf("%s-%d-%d-%d", name, n, run, i), Groups: groups, Verify: verify}
		}
		return all
	}
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			run++
			must(b, topology.Declare(b.Context(), specs(false)))
		}
	})
	b.Run("there", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, topology.Declare(b.Context(), specs(false)))
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, topology.Declare(b.Context(), specs(true)))
		}
	})
}
