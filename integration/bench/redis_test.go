package bench_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/brokers"
)

const (
	redisWindow = 1000
	redisBody   = 512
	redisBatch  = 500
)

// BenchmarkRedis compares Herald with raw go-redis programs on streams, with an append-only file synced every second, and on channels.
// publish: pipelines of 500. consume: XREADGROUP COUNT 500 with one XACK for each read; Herald with handlers. callers: goroutines that
// publish one event and wait. channel: the time from publishing to the handler.
func BenchmarkRedis(b *testing.B) {
	broker := brokers.Own(b, brokers.Redis, brokers.Setting("appendonly", "yes"), brokers.Setting("appendfsync", "everysec"))
	b.Run("publish/raw", func(b *testing.B) { redisRawPublish(b, broker) })
	b.Run("publish/herald", func(b *testing.B) { redisPublish(b, broker) })
	b.Run("consume/raw", func(b *testing.B) { redisRawConsume(b, broker) })
	b.Run("consume/driver", func(b *testing.B) { redisDriverConsume(b, broker) })
	b.Run("consume/herald", func(b *testing.B) { redisConsume(b, broker) })
	b.Run("callers/raw", func(b *testing.B) { redisRawCallers(b, broker) })
	b.Run("callers/herald", func(b *testing.B) { redisCallers(b, broker) })
	b.Run("channel/raw", func(b *testing.B) { redisRawChannel(b, broker) })
	b.Run("channel/herald", func(b *testing.B) { redisChannel(b, broker) })
}

// redisRaw is the bare client, and a stream with one group.
func redisRaw(b *testing.B, broker *brokers.Broker) (c *goredis.Client, stream string) {
	b.Helper()
	c = goredis.NewClient(&goredis.Options{Addr: broker.Addr(), PoolSize: callers})
	stream = "raw-" + rand.Text()
	must(b, c.XGroupCreateMkStream(b.Context(), stream, "g", "0").Err())
	b.Cleanup(func() {
		_ = c.Del(context.WithoutCancel(b.Context()), stream).Err()
		_ = c.Close()
	})
	return c, stream
}

// redisEntry carries what Herald's entries carry.
func redisEntry(stream string, i int, body []byte) *goredis.XAddArgs {
	return &goredis.XAddArgs{Stream: stream, NoMkStream: true, Values: []any{
		"herald-id", strconv.Itoa(i), "herald-type", "order.placed", "herald-key", "k", "herald-slot", "1",
		"herald-time", "2026-01-02T15:04:05.123456789Z", "content-type", "application/json", "data", body,
	}}
}

func redisRawFill(b *testing.B, c *goredis.Client, stream string, n int) {
	b.Helper()
	body := make([]byte, redisBody)
	for i := 0; i < n; i += redisBatch {
		pipe := c.Pipeline()
		for j := i; j < min(i+redisBatch, n); j++ {
			pipe.XAdd(b.Context(), redisEntry(stream, j, body))
		}
		_, err := pipe.Exec(b.Context())
		must(b, err)
	}
}

// redisMeter begins to measure the processor time of this process and of the server. What it returns ends the measuring and reports both for
// each message, beside the rate.
func redisMeter(b *testing.B, broker *brokers.Broker) (done func()) {
	b.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: broker.Addr()})
	server := redisServerTime(b, c)
	b.ReportAllocs()
	b.ResetTimer()
	here := cpu()
	return func() {
		b.StopTimer()
		perSecond(b)
		spent(b, here)
		b.ReportMetric(float64((redisServerTime(b, c)-server).Nanoseconds())/1e3/float64(b.N), "server-us/msg")
		_ = c.Close()
	}
}

// redisServerTime is the processor time of the server's process so far.
func redisServerTime(b *testing.B, c *goredis.Client) time.Duration {
	b.Helper()
	info, err := c.InfoMap(context.WithoutCancel(b.Context()), "cpu").Result()
	must(b, err)
	var sum float64
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(info["CPU"][name], 64)
		must(b, err)
		sum += seconds
	}
	return time.Duration(sum * float64(time.Second))
}

func redisRawPublish(b *testing.B, broker *brokers.Broker) {
	c, stream := redisRaw(b, broker)
	done := redisMeter(b, broker)
	redisRawFill(b, c, stream, b.N)
	done()
}

func redisRawConsume(b *testing.B, broker *brokers.Broker) {
	c, stream := redisRaw(b, broker)
	redisRawFill(b, c, stream, b.N)
	done := redisMeter(b, broker)
	for got := 0; got < b.N; {
		reply, err := c.XReadGroup(b.Context(), &goredis.XReadGroupArgs{
			Group: "g", Consumer: "c", Streams: []string{stream, ">"}, Count: redisBatch, Block: time.Second,
		}).Result()
		must(b, err)
		ids := make([]string, 0, redisBatch)
		for _, m := range reply[0].Messages {
			ids = append(ids, m.ID)
		}
		got += len(ids)
		must(b, c.XAck(b.Context(), stream, "g", ids...).Err())
	}
	done()
}

func redisRawCallers(b *testing.B, broker *brokers.Broker) {
	c, stream := redisRaw(b, broker)
	body := make([]byte, redisBody)
	b.ReportAllocs()
	b.ResetTimer()
	each(b, func(i int) bool { return c.XAdd(b.Context(), redisEntry(stream, i, body)).Err() == nil })
	perSecond(b)
}

// redisDriver is a driver with a topic and one group.
func redisDriver(b *testing.B, broker *brokers.Broker) (d *redis.Driver, spec driver.Spec) {
	b.Helper()
	cfg, err := redis.ParseURL(broker.URL())
	must(b, err)
	d, err = redis.New(b.Context(), cfg)
	must(b, err)
	spec = driver.Spec{Topic: "bench-" + rand.Text(), Group: "g", Window: redisWindow, WindowBytes: 64 << 20}
	must(b, d.Declare(b.Context(), []driver.TopicSpec{{Name: spec.Topic, Groups: []string{spec.Group}}}))
	raw := goredis.NewClient(&goredis.Options{Addr: broker.Addr()})
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		_ = d.Close(ctx)
		_ = raw.Del(ctx, "{"+spec.Topic+"}").Err()
		_ = raw.Close()
	})
	return d, spec
}

func redisFill(b *testing.B, d *redis.Driver, topic string, n int) {
	b.Helper()
	body := make([]byte, redisBody)
	now := time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)
	var wg sync.WaitGroup
	for i := 0; i < n; i += redisBatch {
		msgs := make([]*driver.Message, min(redisBatch, n-i))
		for j := range msgs {
			msgs[j] = &driver.Message{
				ID: strconv.Itoa(i + j), Type: "order.placed", Key: "k", Slot: 1, ContentType: "application/json", Time: now, Body: body,
			}
		}
		wg.Add(len(msgs))
		d.Publisher().Send(b.Context(), driver.Address{Topic: topic}, msgs, fates{b, &wg})
	}
	wg.Wait()
}

func redisPublish(b *testing.B, broker *brokers.Broker) {
	d, spec := redisDriver(b, broker)
	done := redisMeter(b, broker)
	redisFill(b, d, spec.Topic, b.N)
	done()
}

func redisDriverConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := redisDriver(b, broker)
	redisFill(b, d, spec.Topic, b.N)
	done := redisMeter(b, broker)
	sub, err := d.Subscribe(b.Context(), spec)
	must(b, err)
	outcomes := make([]driver.Outcome, 0, redisWindow)
	for got := 0; got < b.N; {
		msgs, err := sub.Receive(b.Context(), redisWindow, 64<<20)
		must(b, err)
		got += len(msgs)
		outcomes = outcomes[:0]
		for _, m := range msgs {
			outcomes = append(outcomes, driver.Outcome{Message: m})
		}
		sub.Settle(outcomes)
	}
	done()
	must(b, sub.Close(context.WithoutCancel(b.Context())))
}

func redisConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := redisDriver(b, broker)
	redisFill(b, d, spec.Topic, b.N)
	herald, err := redis.Open(b.Context(), broker.URL())
	must(b, err)
	var wg sync.WaitGroup
	wg.Add(b.N)
	done := redisMeter(b, broker)
	_, err = herald.Subscribe(b.Context(), spec.Topic, messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		wg.Done()
		return nil
	}), messaging.Group(spec.Group), messaging.Window(redisWindow, 64<<20))
	must(b, err)
	wg.Wait()
	done()
	must(b, herald.Close(context.WithoutCancel(b.Context())))
}

func redisCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := redisDriver(b, broker)
	herald, err := redis.Open(b.Context(), broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	body := make([]byte, redisBody)
	b.ReportAllocs()
	b.ResetTimer()
	each(b, func(int) bool {
		return herald.Publish(b.Context(), spec.Topic, envelope.New("order.placed", body)) == nil
	})
	perSecond(b)
}

// redisText is an event's data that fills the same bytes as the bare program's payload.
func redisText() []byte {
	data, _ := json.Marshal(strings.Repeat("x", redisBody)) // a string always can be
	return data
}

// percentile reports the 99th.
func percentile(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
}

func redisRawChannel(b *testing.B, broker *brokers.Broker) {
	c := goredis.NewClient(&goredis.Options{Addr: broker.Addr()})
	b.Cleanup(func() { _ = c.Close() })
	name := "raw-" + rand.Text()
	sub := c.Subscribe(b.Context(), name)
	b.Cleanup(func() { _ = sub.Close() })
	_, err := sub.Receive(b.Context())
	must(b, err)
	came := sub.Channel()
	body := redisText()
	took := make([]time.Duration, 0, b.N)
	done := redisMeter(b, broker)
	for range b.N {
		began := time.Now()
		must(b, c.Publish(b.Context(), name, body).Err())
		<-came
		took = append(took, time.Since(began))
	}
	done()
	percentile(b, took)
}

func redisChannel(b *testing.B, broker *brokers.Broker) {
	herald, err := redis.Open(b.Context(), strings.Replace(broker.URL(), "redis://", "redis+pubsub://", 1))
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	name := "bench-" + rand.Text()
	came := make(chan struct{}, 1)
	_, err = herald.Subscribe(b.Context(), name, messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		came <- struct{}{}
		return nil
	}), messaging.Broadcast())
	must(b, err)
	body := redisText()
	took := make([]time.Duration, 0, b.N)
	done := redisMeter(b, broker)
	for range b.N {
		began := time.Now()
		must(b, herald.Publish(b.Context(), name, envelope.New("order.placed", body)))
		<-came
		took = append(took, time.Since(began))
	}
	done()
	percentile(b, took)
}
