package contestants

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/bench/contest"
)

// Windows of Herald's subscriptions, those of the bare clients' programs.
const (
	rabbitWindow = 1000
	kafkaWindow  = 10_000
	redisWindow  = 1000
)

// retryDelay stands before each quick try, for Herald and for Watermill.
const retryDelay = time.Millisecond

const eventType = "order.placed"

// herald is this SDK through its front door.
type herald struct{ broker string }

// Profile implements contest.Contestant.
func (h herald) Profile() contest.Profile {
	settings := map[string]string{
		"rabbitmq": "quorum queue, mandatory, confirmed; window 1,000",
		"kafka":    "4 partitions, acks=all, idempotent; group with commits; window 10,000",
		"redis":    "stream with a group; window 1,000",
	}
	return contest.Profile{Name: HeraldName, Broker: h.broker, Library: "herald", Settings: settings[h.broker] + "; keys in order"}
}

// open opens a broker; dead gets each dead letter. What the broker does not take at all, such as events above its own limit, Herald can't do.
func (h herald) open(ctx context.Context, t *contest.Task, topics []messaging.Topic, dead func()) (*messaging.Broker, error) {
	b, err := h.connect(ctx, t, topics, dead)
	if errors.Is(err, messaging.ErrUnsupported) {
		return nil, contest.Cannot(err.Error())
	}
	return b, err
}

func (h herald) connect(ctx context.Context, t *contest.Task, topics []messaging.Topic, dead func()) (*messaging.Broker, error) {
	cfg := messaging.Config{Service: "bench", Topics: topics}
	if h.ungrouped(t) {
		cfg.Unrouted = messaging.KeepUnrouted
	}
	if t.Params.Size > 900_000 {
		cfg.Limits = envelope.Limits{Message: t.Params.Size + 64<<10}
	}
	opts := []messaging.Option{
		messaging.WithConfig(cfg), messaging.WithHooks(messaging.Hooks{DeadLetter: func(*messaging.DeadLetter) { dead() }}),
	}
	switch h.broker {
	case "rabbitmq":
		cfg, err := rabbitmq.ParseURL(t.URL)
		if err != nil {
			return nil, err
		}
		cfg.Dial = t.Dialer()
		if t.Params.Window > 0 {
			cfg.Pipeline = t.Params.Window
		}
		return rabbitmq.OpenConfig(ctx, cfg, opts...)
	case "kafka":
		cfg, err := kafka.ParseURL(t.URL)
		if err != nil {
			return nil, err
		}
		cfg.Dial = t.Dialer()
		if t.Params.Window > 0 {
			cfg.Queue = t.Params.Window
		}
		return kafka.OpenConfig(ctx, cfg, opts...)
	case "redis":
		cfg, err := redis.ParseURL(t.URL)
		if err != nil {
			return nil, err
		}
		cfg.Dial = t.Dialer()
		if t.Params.Window > 0 {
			cfg.Queue = t.Params.Window
		}
		return redis.OpenConfig(ctx, cfg, opts...)
	default:
		return nil, fmt.Errorf("no adapter for %q", h.broker)
	}
}

// ungrouped reports whether the task's topics have no groups, as the bare clients' have none: in a series of many topics on Kafka each group would
// come with six topics of its own, which a broker takes longer to make than all the rest of the work.
func (h herald) ungrouped(t *contest.Task) bool { return h.broker == "kafka" && t.Axis == "topics" }

// groups are those that the task's topics have.
func (h herald) groups(t *contest.Task) []string {
	if h.ungrouped(t) {
		return nil
	}
	return t.AllGroups()
}

// Prepare implements contest.Contestant.
func (h herald) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	var topics []messaging.Topic
	for _, name := range t.AllTopics() {
		topic := messaging.Topic{Name: name, Groups: h.groups(t)}
		if h.broker == "kafka" {
			topic.Partitions = partitionsOf(t)
		}
		topics = append(topics, topic)
	}
	if h.broker == "kafka" {
		if err := makeTopics(ctx, t, partitionsOf(t)); err != nil {
			return err
		}
	}
	b, err := h.open(ctx, t, topics, func() {})
	if err != nil {
		return err
	}
	if err := b.Close(ctx); err != nil {
		return err
	}
	return contest.Fill(ctx, h, t, events)
}

// Clean implements contest.Contestant.
func (h herald) Clean(ctx context.Context, t *contest.Task) error {
	b, err := h.open(ctx, t, nil, func() {})
	if err != nil {
		return err
	}
	errs := []error{h.deleteGroups(ctx, b, t), b.Close(ctx)}
	switch h.broker {
	case "rabbitmq":
		errs = append(errs, dropTopic(ctx, t))
	case "kafka":
		errs = append(errs, dropTopics(ctx, t))
	case "redis":
		errs = append(errs, dropKeys(ctx, t))
	}
	return errors.Join(errs...)
}

// deleteAtOnce is how many groups are deleted at a time.
const deleteAtOnce = 16

func (h herald) deleteGroups(ctx context.Context, b *messaging.Broker, t *contest.Task) error {
	groups := h.groups(t)
	topics := t.AllTopics()
	errs := make([]error, len(topics)*len(groups))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(deleteAtOnce, len(errs)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(errs); i = int(next.Add(1)) - 1 {
				errs[i] = b.DeleteGroup(ctx, topics[i/len(groups)], groups[i%len(groups)])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Open implements contest.Contestant.
func (h herald) Open(ctx context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	return h.session(ctx, t, events)
}

func (h herald) session(ctx context.Context, t *contest.Task, events *contest.Events) (*heraldSession, error) {
	s := &heraldSession{t: t, events: events, window: map[string]int{"rabbitmq": rabbitWindow, "kafka": kafkaWindow, "redis": redisWindow}[h.broker]}
	b, err := h.open(ctx, t, nil, func() {
		if f := s.dead.Load(); f != nil {
			(*f)()
		}
	})
	s.b = b
	return s, err
}

type heraldSession struct {
	b      *messaging.Broker
	t      *contest.Task
	events *contest.Events
	window int
	dead   atomic.Pointer[func()]
}

func (s *heraldSession) event(i int) envelope.Event {
	return envelope.New(eventType, s.events.Body(i), envelope.Key(s.events.Key(i)), envelope.ContentType(contentType))
}

// Send implements contest.Session.
func (s *heraldSession) Send(ctx context.Context, from, to int) error {
	if to-from == 1 {
		return s.b.Publish(ctx, s.t.TopicOf(from), s.event(from))
	}
	events := make([]envelope.Event, 0, to-from)
	for i := from; i < to; i++ {
		events = append(events, s.event(i))
	}
	return s.b.Publish(ctx, s.t.Topic, events...)
}

// Stream implements contest.Session.
func (s *heraldSession) Stream(ctx context.Context, from, to int) error {
	var failed atomic.Pointer[error]
	done := func(err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	}
	for i := from; i < to && failed.Load() == nil; i++ {
		s.b.PublishAsync(ctx, s.t.TopicOf(i), s.event(i), done)
	}
	if err := s.b.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Consume implements contest.Session.
func (s *heraldSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Dead != nil {
		s.dead.Store(&c.Dead)
	}
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error { return c.Handle(d.Data) })
	opts := []messaging.SubscribeOption{messaging.Group(c.Group), messaging.Window(s.t.Window(s.window), contest.WindowBytes)}
	if c.Workers > 1 {
		opts = append(opts, messaging.Concurrency(c.Workers))
	}
	if c.Retries > 0 {
		quick := make([]time.Duration, c.Retries)
		for i := range quick {
			quick[i] = retryDelay
		}
		opts = append(opts, messaging.Retry(messaging.RetryPolicy{Quick: quick, Later: []time.Duration{}}))
	}
	sub, err := s.b.Subscribe(ctx, s.t.Topic, handler, opts...)
	if err != nil {
		return err
	}
	ready()
	select {
	case <-ctx.Done():
		return sub.Close(context.WithoutCancel(ctx))
	case <-sub.Done():
		return sub.Err()
	}
}

// Close implements contest.Session.
func (s *heraldSession) Close(ctx context.Context) error { return s.b.Close(ctx) }
