package contestants

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/bench/contest"
)

const (
	contentType = "application/json"
	ackEvery    = 50
	// mostPrefetch is the largest number that basic.qos can carry.
	mostPrefetch = 65535
)

// amqpRaw is the best that could be written on amqp091-go: deferred confirms in a window, multiple acks.
type amqpRaw struct{}

// Profile implements contest.Contestant.
func (amqpRaw) Profile() contest.Profile {
	return contest.Profile{
		Name: "amqp091", Broker: "rabbitmq", Library: "github.com/rabbitmq/amqp091-go", Raw: true,
		Settings: "quorum queue, mandatory, deferred confirms in a window of 1,000; prefetch 1,000, an ack for each 50",
	}
}

// dialAMQP opens a connection through the task's dialer.
func dialAMQP(ctx context.Context, t *contest.Task) (*amqp.Connection, error) {
	dial := t.Dialer()
	cfg := amqp.Config{Heartbeat: 10 * time.Second, Locale: "en_US"}
	cfg.Dial = amqpDial(ctx, dial)
	return amqp.DialConfig(t.URL, cfg)
}

// queueName is the queue of a group in the bare programs.
func queueName(topic, group string) string { return topic + "." + group }

// makeQueues declares exchanges of a kind with quorum queues, as Herald has them.
func makeQueues(ctx context.Context, t *contest.Task, kind string, name func(topic, group string) string) error {
	conn, err := dialAMQP(ctx, t)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	for _, topic := range t.AllTopics() {
		if err := ch.ExchangeDeclare(topic, kind, true, false, false, false, nil); err != nil {
			return err
		}
		for _, group := range t.AllGroups() {
			if err := makeQueue(ch, topic, name(topic, group)); err != nil {
				return err
			}
		}
	}
	return nil
}

// quorum are the arguments of every queue.
func quorum() amqp.Table {
	return amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": int64(2147483647)}
}

func makeQueue(ch *amqp.Channel, topic, queue string) error {
	if _, err := ch.QueueDeclare(queue, true, false, false, false, quorum()); err != nil {
		return err
	}
	return ch.QueueBind(queue, "#", topic, false, nil)
}

// dropTopic deletes what Herald's groups leave of a task's topics: the exchanges, and the list of the groups, a stream whose files the broker keeps
// open.
func dropTopic(ctx context.Context, t *contest.Task) error {
	return tidy(ctx, t, func(ch *amqp.Channel, topic string) error {
		_, err := ch.QueueDelete(driver.Name("registry", topic, ""), false, false, false)
		return errors.Join(err, ch.ExchangeDelete(topic, false, false), ch.ExchangeDelete(driver.Name("groups", topic, ""), false, false))
	})
}

// dropQueues deletes the task's exchanges, and the queues that name gives.
func dropQueues(ctx context.Context, t *contest.Task, name func(topic, group string) string) error {
	return tidy(ctx, t, func(ch *amqp.Channel, topic string) error {
		var errs []error
		for _, group := range t.AllGroups() {
			_, err := ch.QueueDelete(name(topic, group), false, false, false)
			errs = append(errs, err)
		}
		return errors.Join(append(errs, ch.ExchangeDelete(topic, false, false))...)
	})
}

// tidy does something to each of a task's topics.
func tidy(ctx context.Context, t *contest.Task, drop func(ch *amqp.Channel, topic string) error) error {
	conn, err := dialAMQP(ctx, t)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	var errs []error
	for _, topic := range t.AllTopics() {
		errs = append(errs, drop(ch, topic))
	}
	return errors.Join(errs...)
}

// Prepare implements contest.Contestant.
func (a amqpRaw) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeQueues(ctx, t, "topic", queueName); err != nil {
		return err
	}
	return contest.Fill(ctx, a, t, events)
}

// Clean implements contest.Contestant.
func (amqpRaw) Clean(ctx context.Context, t *contest.Task) error {
	return dropQueues(ctx, t, queueName)
}

// Open implements contest.Contestant.
func (amqpRaw) Open(ctx context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	conn, err := dialAMQP(ctx, t)
	if err != nil {
		return nil, err
	}
	ch, err := conn.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	return &amqpSession{conn: conn, ch: ch, t: t, events: events}, err
}

type amqpSession struct {
	conn   *amqp.Connection
	ch     *amqp.Channel
	t      *contest.Task
	events *contest.Events
	id     atomic.Int64
}

var errNotConfirmed = errors.New("the broker has refused a message")

// put publishes one message with what Herald's carry natively.
func (s *amqpSession) put(ctx context.Context, i int) (*amqp.DeferredConfirmation, error) {
	return s.ch.PublishWithDeferredConfirmWithContext(ctx, s.t.TopicOf(i), eventType, true, false, amqp.Publishing{
		Headers:     amqp.Table{"key": s.events.Key(i), "slot": "1", "time": "2026-01-02T15:04:05.123456789Z"},
		ContentType: contentType, DeliveryMode: amqp.Persistent, MessageId: strconv.FormatInt(s.id.Add(1), 10), Type: eventType,
		Timestamp: time.Now(), Body: s.events.Body(i),
	})
}

// Send implements contest.Session.
func (s *amqpSession) Send(ctx context.Context, from, to int) error {
	return s.windowed(ctx, from, to, to-from)
}

// Stream implements contest.Session.
func (s *amqpSession) Stream(ctx context.Context, from, to int) error {
	return s.windowed(ctx, from, to, s.t.Window(rabbitWindow))
}

func (s *amqpSession) windowed(ctx context.Context, from, to, size int) error {
	window := make([]*amqp.DeferredConfirmation, size) // a ring
	for i := range to - from + size {
		if c := window[i%size]; c != nil {
			if ok, err := c.WaitContext(ctx); err != nil {
				return err
			} else if !ok {
				return errNotConfirmed
			}
			window[i%size] = nil
		}
		if i >= to-from {
			continue
		}
		c, err := s.put(ctx, from+i)
		if err != nil {
			return err
		}
		window[i%size] = c
	}
	return nil
}

// Consume implements contest.Session.
func (s *amqpSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Retries > 0 {
		return contest.Cannot("retries and dead letters are the program's to write")
	}
	ch, err := s.conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Qos(min(s.t.Window(rabbitWindow), mostPrefetch), 0, false); err != nil {
		return err
	}
	deliveries, err := ch.Consume(queueName(s.t.Topic, c.Group), "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	ready()
	if c.Workers > 1 {
		return s.ordered(ctx, ch, deliveries, c)
	}
	every := min(ackEvery, max(1, s.t.Window(rabbitWindow)/2))
	for n := 1; ; n++ {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return contest.Cannot("connecting again is the program's to write")
			}
			if err := c.Handle(d.Body); err != nil {
				return err
			}
			if n%every == 0 {
				err = ch.Ack(d.DeliveryTag, true)
			}
		case <-ctx.Done():
			return ch.Close()
		}
		if err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
}

// ordered handles in lanes, and acknowledges what is finished from the front on.
func (s *amqpSession) ordered(ctx context.Context, ch *amqp.Channel, deliveries <-chan amqp.Delivery, c contest.Consumption) error {
	done := newFinished(1)
	var last int64
	l := newLanes(c.Workers, func(d amqp.Delivery) {
		if c.Handle(d.Body) != nil {
			return
		}
		if upTo, grown := done.add(int64(d.DeliveryTag), &last, ackEvery); grown {
			_ = ch.Ack(uint64(upTo), true) // a closed channel shows at the deliveries
		}
	})
	defer func() {
		l.close()
		_ = ch.Close()
	}()
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return contest.Cannot("connecting again is the program's to write")
			}
			key, _ := d.Headers["key"].(string)
			l.put(key, d)
		case <-ctx.Done():
			return nil
		}
	}
}

// Close implements contest.Session.
func (s *amqpSession) Close(context.Context) error { return closedOnce(s.conn.Close()) }

// closedOnce forgives a connection that is closed already, as after a cut.
func closedOnce(err error) error {
	if errors.Is(err, amqp.ErrClosed) {
		return nil
	}
	return err
}
