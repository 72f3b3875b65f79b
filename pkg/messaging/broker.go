package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// attributesRoom is what is kept free of a broker's largest message for what retries and dead letters add: what stock Kafka's 1,048,588 bytes
// leave beside the default limit.
const attributesRoom = 48_000

// Broker is one connection to one broker: the one Publisher and the one Subscriber of a program. It is safe for concurrent use.
type Broker struct {
	driver          driver.Driver
	driverPublisher driver.Publisher
	capabilities    Capabilities
	name            string
	config          Config
	hooks           Hooks
	log             *slog.Logger
	codec           envelope.Codec
	detector        Detector
	checker         Checker
	clock           func() time.Time
	maxMessage      int
	producer        *Producer
	stats           counters
	calls           sync.Pool
	scratches       sync.Pool
	closed          atomic.Bool

	mu            sync.Mutex
	subscriptions []*Subscription
	sources       map[*Subscription]map[*driver.Source]struct{}
	isDraining    bool
	disconnected  map[place]error // what is away, and why; empty while all answers
	failure       chan struct{}   // closed when a subscription has failed for good
	firstFailure  error
	declared      declared
	closer        sync.Once
	closeErr      error
}

var (
	_ Publisher  = (*Broker)(nil)
	_ Subscriber = (*Broker)(nil)
	_ Publisher  = (*Producer)(nil)
)

// New opens a broker over a driver: it checks the configuration against what the driver can do, and declares Config.Topics. ctx bounds
// opening only. On an error the driver is closed. Adapters call it; applications call adapters.Open or an adapter's Open.
func New(ctx context.Context, d driver.Driver, opts ...Option) (*Broker, error) {
	var s settings
	for _, o := range opts {
		o(&s)
	}
	b := &Broker{
		driver: d, driverPublisher: d.Publisher(), capabilities: d.Capabilities(),
		config: s.config.withDefaults(), hooks: s.hooks, log: s.logger, codec: s.codec, checker: s.checker, clock: s.clock,
		disconnected: make(map[place]error), sources: make(map[*Subscription]map[*driver.Source]struct{}), failure: make(chan struct{}),
	}
	b.name = b.capabilities.Broker
	b.setDefaults()
	b.setClock()
	b.producer = b.Publisher()
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(b.wrap("open", "", err), d.Close(ctx))
	}
	if n, ok := d.(driver.Notifier); ok {
		n.Notify(b.notice)
	}
	return b, nil
}

func (b *Broker) setDefaults() {
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.log = b.log.With("broker", b.name)
	if b.codec == nil {
		b.codec = envelope.Binary
		if c, ok := forms()[b.config.Form]; ok {
			b.codec = c
		}
	}
	b.detector, _ = b.codec.(Detector)
	b.config.Limits = b.config.Limits.WithDefaults()
	b.maxMessage = b.config.Limits.Message
}

// open checks and declares.
func (b *Broker) open(ctx context.Context) error {
	if err := b.config.Validate(); err != nil {
		return err
	}
	if err := b.fit(); err != nil {
		return err
	}
	if b.config.Unrouted == KeepUnrouted {
		if err := b.need(driver.FeatureKeep); err != nil {
			return err
		}
	}
	if len(b.config.Topics) == 0 {
		return nil
	}
	t, ok := b.driver.(driver.Topology)
	if !ok {
		return fmt.Errorf("declaring topics: %w", ErrUnsupported)
	}
	if err := t.Declare(ctx, b.config.Topics); err != nil {
		return err
	}
	b.declared.watch(b.name, t, b.config.Topics)
	return nil
}

// fit bounds messages by what the broker takes. Where that is only what topics have by default, a larger limit is left to the topics: each tells
// what it does not take when it is published to.
func (b *Broker) fit() error {
	most := b.capabilities.MaxMessage
	switch {
	case most == 0:
		return nil
	case most <= attributesRoom:
		return fmt.Errorf("%w: the broker takes messages of %d bytes; retries and dead letters alone need %d", ErrUnsupported, most, attributesRoom)
	case b.maxMessage <= most-attributesRoom:
		return nil
	case b.config.Limits.Message == envelope.DefaultMessage:
		b.maxMessage = most - attributesRoom
		return nil
	case b.maxMessage <= b.capabilities.MaxTopicMessage-attributesRoom:
		b.log.Warn("only topics whose own setting allows it take the largest messages", "limit", b.maxMessage, "default", most)
		return nil
	default:
		return fmt.Errorf("%w: messages of %d bytes: the broker takes %d, and %d are kept for retries and dead letters",
			ErrUnsupported, b.maxMessage, max(most, b.capabilities.MaxTopicMessage), attributesRoom)
	}
}

func (b *Broker) wrap(op, topic string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Broker: b.name, Topic: topic, Err: err}
}

// Subscribe implements Subscriber. It fails with ErrUnsupported, before anything is declared, when the broker (or one of Config.MustRunOn)
// can't do what the options ask, and with ErrConflict when this broker already has an open subscription for the topic and group: the handlers
// of a group are one subscription, with a route for each type.
func (b *Broker) Subscribe(ctx context.Context, topic string, h Handler, opts ...SubscribeOption) (*Subscription, error) {
	s, err := b.subscribe(ctx, topic, h, opts)
	if err != nil {
		return nil, b.wrap("subscribe", topic, err)
	}
	return s, nil
}

func (b *Broker) subscribe(ctx context.Context, topic string, h Handler, opts []SubscribeOption) (*Subscription, error) {
	if b.closed.Load() {
		return nil, ErrClosed
	}
	s, err := b.newSubscription(topic, h, opts)
	if err != nil {
		return nil, err
	}
	opening, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.endOpening = cancel
	if err := b.enlist(s); err != nil {
		return nil, err
	}
	defer close(s.opened) // Close may have come in between, and waits for this
	s.tellStart(opening)
	if s.driver, err = b.driver.Subscribe(opening, s.spec()); err != nil {
		b.ended(s)
		return nil, err
	}
	s.start(context.WithoutCancel(ctx))
	return s, nil
}

func (b *Broker) newSubscription(topic string, h Handler, opts []SubscribeOption) (*Subscription, error) {
	if !driver.ValidName(topic) {
		return nil, invalidName("topic", topic)
	}
	if f, ok := h.(HandlerFunc); h == nil || ok && f == nil {
		return nil, fmt.Errorf("%w: handler is nil", errInvalid)
	}
	s := &Subscription{broker: b, topic: topic, opened: make(chan struct{})}
	for _, o := range opts {
		o(&s.options)
	}
	s.options.setDefaults(b.config.Service, h)
	if err := s.options.validate(b.capabilities.HoldLimit); err != nil {
		return nil, err
	}
	if v, ok := h.(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return nil, err
		}
	}
	if err := b.need(s.options.needs()...); err != nil {
		return nil, err
	}
	s.filter = newFilter(s.options.types)
	s.log = b.log.With("topic", topic, "group", s.options.group)
	s.handler = h
	s.batch, _ = h.(*Batch)
	for _, m := range slices.Backward(s.options.middleware) {
		s.handler = m(s.handler)
	}
	return s, nil
}

// tellStart logs when From will not be followed, because the group has a position already.
func (s *Subscription) tellStart(ctx context.Context) {
	g, ok := s.broker.driver.(driver.Groups)
	if !ok || s.options.start.Kind == driver.StartDefault {
		return
	}
	known, err := g.ListGroups(ctx, s.topic)
	if err != nil {
		return // opening will meet the same and tell it
	}
	for _, k := range known {
		if k.Name == s.options.group {
			s.log.Info("the group exists: it goes on from its position, From is not followed; ResetGroup moves it", "lag", k.Lag.Count)
		}
	}
}

func (s *Subscription) spec() driver.Spec {
	o := &s.options
	return driver.Spec{
		Topic: s.topic, Group: o.group, Broadcast: o.broadcast, Types: o.types, Start: o.start,
		Window: o.window, WindowBytes: o.windowBytes, Partitions: o.replicas, Member: o.member,
		Deliver: s.deliver,
		Settled: func(n int) { s.broker.stats.settled.Add(int64(n)) },
		Notify:  s.broker.notice,
	}
}

// enlist takes the topic and group for s. The place is taken before the driver is asked, so that two calls can't both get it.
func (b *Broker) enlist(s *Subscription) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isDraining {
		return fmt.Errorf("%w: %w", ErrClosed, ErrDraining)
	}
	for _, other := range b.subscriptions {
		if !s.options.broadcast && other.topic == s.topic && other.options.group == s.options.group {
			return fmt.Errorf("%w: group %s is subscribed already; add routes or concurrency to that subscription", ErrConflict, s.options.group)
		}
	}
	b.subscriptions = append(b.subscriptions, s)
	b.sources[s] = make(map[*driver.Source]struct{})
	return nil
}

// ended forgets a subscription.
func (b *Broker) ended(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscriptions = slices.DeleteFunc(b.subscriptions, func(o *Subscription) bool { return o == s })
	delete(b.disconnected, place{s.topic, s.options.group})
	delete(b.sources, s)
}

// watched notes a source of s and reports whether it is new.
func (b *Broker) watched(s *Subscription, source *driver.Source) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.sources[s]
	if _, ok := known[source]; ok || known == nil {
		return false
	}
	known[source] = struct{}{}
	return true
}

// forget drops the sources of s that are gone.
func (b *Broker) forget(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for source := range b.sources[s] {
		if source.State() == driver.Gone {
			delete(b.sources[s], source)
		}
	}
}

// failed notes that a subscription has ended for good.
func (b *Broker) failed(s *Subscription) {
	err := s.Err()
	s.log.Error("subscription failed", "err", err)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.firstFailure == nil {
		b.firstFailure = err
		close(b.failure)
	}
}

// Run blocks until ctx ends or a subscription fails for good, then drains and closes the broker within Config.DrainTimeout. It returns nil
// when ctx ended and everything was finished or given back.
func (b *Broker) Run(ctx context.Context) error {
	var failed error
	select {
	case <-ctx.Done():
	case <-b.failure:
		b.mu.Lock()
		failed = b.firstFailure
		b.mu.Unlock()
	}
	return errors.Join(failed, b.Close(context.WithoutCancel(ctx)))
}

// Close drains every subscription (see Subscription.Close), waits 1.5 s at most for the fates of what is being published, and closes the connection.
// Subscribing fails with ErrClosed at once; publishing does so once the handlers have finished, since they publish too. Subscriptions drain
// for Config.DrainTimeout at most, or until ctx ends. It is idempotent.
func (b *Broker) Close(ctx context.Context) error {
	b.closer.Do(func() { b.closeErr = b.close(ctx) })
	return b.closeErr
}

func (b *Broker) close(ctx context.Context) error {
	b.mu.Lock()
	subscriptions := slices.Clone(b.subscriptions)
	b.isDraining = true
	b.mu.Unlock()
	errs := make([]error, len(subscriptions)+2)
	var wg sync.WaitGroup
	for i, s := range subscriptions {
		wg.Go(func() { errs[i] = s.Close(ctx) })
	}
	wg.Wait()
	b.closed.Store(true)
	b.declared.close()
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer cancel()
	errs[len(subscriptions)] = b.wrap("close", "", b.driverPublisher.Close(final))
	errs[len(subscriptions)+1] = b.wrap("close", "", b.driver.Close(final))
	return errors.Join(errs...)
}
