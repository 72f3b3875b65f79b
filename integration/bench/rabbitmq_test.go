package bench_test

import (
	"context"
	"crypto/rand"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
)

const (
	rabbitWindow = 1000
	rabbitBody   = 200
	rabbitBatch  = 50
	callers      = 64
)

// BenchmarkRabbitMQ compares Herald with raw amqp091 programs on quorum queues. publish: messages in a window, confirmed. consume: a full
// queue, prefetch and multiple acks. callers: goroutines that publish one event and wait.
func BenchmarkRabbitMQ(b *testing.B) {
	broker := brokers.Need(b, brokers.RabbitMQ)
	b.Run("publish/raw", func(b *testing.B) { rawPublish(b, broker) })
	b.Run("publish/herald", func(b *testing.B) { heraldPublish(b, broker) })
	b.Run("consume/raw", func(b *testing.B) { rawConsume(b, broker) })
	b.Run("consume/herald", func(b *testing.B) { heraldConsume(b, broker) })
	b.Run("callers/raw", func(b *testing.B) { rawCallers(b, broker) })
	b.Run("callers/herald", func(b *testing.B) { heraldCallers(b, broker) })
}

// rawChannel is a channel on a stock connection, and a quorum queue that is bound to a topic exchange.
func rawChannel(b *testing.B, broker *brokers.Broker) (ch *amqp.Channel, name string) {
	b.Helper()
	conn, err := amqp.Dial(broker.URL())
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	ch, err = conn.Channel()
	must(b, err)
	name = "raw-" + rand.Text()
	must(b, ch.ExchangeDeclare(name, "topic", true, false, false, false, nil))
	_, err = ch.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": int64(2147483647)})
	must(b, err)
	must(b, ch.QueueBind(name, "#", name, false, nil))
	b.Cleanup(func() {
		_, _ = ch.QueueDelete(name, false, false, false)
		_ = ch.ExchangeDelete(name, false, false)
	})
	return ch, name
}

// rawMessage carries what Herald's messages carry here, names and lengths included.
func rawMessage(i int, body []byte) amqp.Publishing {
	now := time.Now()
	return amqp.Publishing{
		Headers: amqp.Table{
			"herald-key": "k", "herald-slot": "1", "herald-sent": strconv.FormatInt(now.UnixMilli(), 10), "herald-time": now.UTC().Format(time.RFC3339Nano),
		},
		ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: strconv.Itoa(i), Type: "order.placed",
		Timestamp: now, Body: body,
	}
}

// rawEvent carries what an event of Herald's without a key carries.
func rawEvent(body []byte) amqp.Publishing {
	now := time.Now()
	return amqp.Publishing{
		Headers: amqp.Table{
			"herald": "1", "herald-slot": "0", "herald-sent": strconv.FormatInt(now.UnixMilli(), 10), "herald-time": now.UTC().Format(time.RFC3339Nano),
		},
		DeliveryMode: amqp.Persistent, MessageId: envelope.NewID(), Type: "order.placed", Timestamp: now, Body: body,
	}
}

// rawFill publishes n messages with deferred confirms and a window of such.
func rawFill(b *testing.B, ch *amqp.Channel, name string, n int) {
	b.Helper()
	body := make([]byte, rabbitBody)
	var window []*amqp.DeferredConfirmation
	for i := range n {
		c, err := ch.PublishWithDeferredConfirm(name, "order.placed", true, false, rawMessage(i, body))
		must(b, err)
		if window = append(window, c); len(window) == rabbitWindow {
			if !window[0].Wait() {
				b.Fatal("a raw message is not confirmed")
			}
			window = window[1:]
		}
	}
	for _, c := range window {
		if !c.Wait() {
			b.Fatal("a raw message is not confirmed")
		}
	}
}

func rawPublish(b *testing.B, broker *brokers.Broker) {
	ch, name := rawChannel(b, broker)
	must(b, ch.Confirm(false))
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	rawFill(b, ch, name, b.N)
	perSecond(b)
	spent(b, before)
}

func rawConsume(b *testing.B, broker *brokers.Broker) {
	ch, name := rawChannel(b, broker)
	must(b, ch.Confirm(false))
	rawFill(b, ch, name, b.N)
	must(b, ch.Qos(rabbitWindow, 0, false))
	deliveries, err := ch.Consume(name, "", false, false, false, false, nil)
	must(b, err)
	b.ReportAllocs()
	b.ResetTimer() // opening is not counted, here as there: the first window is on its way
	before := cpu()
	for i := range b.N {
		d := <-deliveries
		if (i+1)%rabbitBatch == 0 || i == b.N-1 {
			must(b, ch.Ack(d.DeliveryTag, true))
		}
	}
	perSecond(b)
	spent(b, before)
}

func rawCallers(b *testing.B, broker *brokers.Broker) {
	ch, name := rawChannel(b, broker)
	must(b, ch.Confirm(false))
	body := make([]byte, rabbitBody)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	each(b, func(int) bool {
		c, err := ch.PublishWithDeferredConfirm(name, "order.placed", true, false, rawEvent(body))
		return err == nil && c.Wait()
	})
	perSecond(b)
	spent(b, before)
}

// each calls one b.N times from all callers.
func each(b *testing.B, one func(i int) bool) {
	b.Helper()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := c; i < b.N; i += callers {
				if !one(i) {
					b.Error("a message is not stored")
					return
				}
			}
		})
	}
	wg.Wait()
}

// heraldDriver is a driver with a topic and one group.
func heraldDriver(b *testing.B, broker *brokers.Broker) (d *rabbitmq.Driver, spec driver.Spec) {
	b.Helper()
	cfg, err := rabbitmq.ParseURL(broker.URL())
	must(b, err)
	cfg.Pipeline = rabbitWindow
	d, err = rabbitmq.New(b.Context(), cfg)
	must(b, err)
	spec = driver.Spec{Topic: "bench-" + rand.Text(), Group: "g", Window: rabbitWindow, WindowBytes: 64 << 20}
	must(b, d.Declare(b.Context(), []driver.TopicSpec{{Name: spec.Topic, Groups: []string{spec.Group}}}))
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		_ = d.DeleteGroup(ctx, spec.Topic, spec.Group)
		_ = d.Close(ctx)
	})
	return d, spec
}

func heraldFill(b *testing.B, d *rabbitmq.Driver, topic string, n int) {
	b.Helper()
	body := make([]byte, rabbitBody)
	now := time.Now()
	var wg sync.WaitGroup
	for i := 0; i < n; i += rabbitBatch {
		msgs := make([]*driver.Message, min(rabbitBatch, n-i))
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

type fates struct {
	b  *testing.B
	wg *sync.WaitGroup
}

func (f fates) Done(_ int, fate driver.Fate, err error) {
	if fate != driver.Stored {
		f.b.Errorf("%v: %v", fate, err)
	}
	f.wg.Done()
}

func heraldPublish(b *testing.B, broker *brokers.Broker) {
	d, spec := heraldDriver(b, broker)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	heraldFill(b, d, spec.Topic, b.N)
	perSecond(b)
	spent(b, before)
}

func heraldConsume(b *testing.B, broker *brokers.Broker) {
	d, spec := heraldDriver(b, broker)
	heraldFill(b, d, spec.Topic, b.N)
	sub, err := d.Subscribe(b.Context(), spec)
	must(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	outcomes := make([]driver.Outcome, 0, rabbitWindow)
	for got := 0; got < b.N; {
		msgs, err := sub.Receive(b.Context(), rabbitWindow, 64<<20)
		must(b, err)
		got += len(msgs)
		outcomes = outcomes[:0]
		for _, m := range msgs {
			outcomes = append(outcomes, driver.Outcome{Message: m})
		}
		sub.Settle(outcomes)
	}
	perSecond(b)
	spent(b, before)
	b.StopTimer()
	must(b, sub.Close(context.WithoutCancel(b.Context())))
}

func heraldCallers(b *testing.B, broker *brokers.Broker) {
	_, spec := heraldDriver(b, broker)
	var writes atomic.Int64
	cfg, err := rabbitmq.ParseURL(broker.URL())
	must(b, err)
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return counting{conn, &writes}, err
	}
	herald, err := rabbitmq.OpenConfig(b.Context(), cfg)
	must(b, err)
	b.Cleanup(func() { _ = herald.Close(context.WithoutCancel(b.Context())) })
	body := make([]byte, rabbitBody)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	each(b, func(int) bool {
		return herald.Publish(b.Context(), spec.Topic, envelope.New("order.placed", body)) == nil
	})
	b.ReportMetric(float64(writes.Load())/float64(b.N), "writes/msg")
	perSecond(b)
	spent(b, before)
}

// counting counts the system calls by which a connection is written.
type counting struct {
	net.Conn
	writes *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func perSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// spent reports the processor time of this process for each message: on a busy machine it says more than the rate.
func spent(b *testing.B, before time.Duration) {
	b.Helper()
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-us/msg")
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
