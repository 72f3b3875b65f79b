package messagingtest

import (
	"context"
	"errors"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

const (
	// closeVirtual and closeReal bound closing, in a bubble and outside. After them a handler's context ends, and it has five seconds more.
	closeVirtual = 30 * time.Second
	closeReal    = 5 * time.Second
	// publishTries is how often MustPublish tries an event that injected faults refuse.
	publishTries = 1000
)

// Broker is a messaging.Broker over memory that records what passes, for tests. Give it to the code under test as its Publisher and
// Subscriber. It is safe for concurrent use; the methods that fail the test at once, MustPublish, MustSubscribe and Idle, belong to the test's
// own goroutine.
type Broker struct {
	*messaging.Broker
	t       TB
	server  *memory.Server
	seed    *uint64
	within  time.Duration
	bubble  bool
	journal *journal
}

var (
	_ messaging.Publisher  = (*Broker)(nil)
	_ messaging.Subscriber = (*Broker)(nil)
)

// New opens a broker over memory, which is closed when the test is over; what then is wrong fails the test, see the package's comment. It
// fails the test at once when an option is wrong. Called in a bubble of testing/synctest, it works in virtual time, and blocks
// until the bubble's other goroutines wait; Run makes the bubble, too.
func New(t TB, opts ...Option) *Broker {
	t.Helper()
	b := &Broker{t: t, bubble: inBubble()}
	if err := b.open(opts); err != nil {
		t.Fatalf("messagingtest: %v", err)
	}
	t.Cleanup(b.end)
	return b
}

func (b *Broker) open(opts []Option) error {
	var o options
	for _, set := range opts {
		set(&o)
	}
	if err := b.serve(&o); err != nil {
		return err
	}
	b.seed, b.within = o.seed, o.within
	if b.within <= 0 && b.bubble {
		b.within = 24 * time.Hour
	}
	if b.within <= 0 {
		b.within = 5 * time.Second
	}
	b.journal = newJournal(b.t)
	all := []messaging.Option{messaging.WithConfig(messaging.Config{Unrouted: messaging.DropUnrouted})}
	all = append(all, o.messaging...)
	all = append(all, messaging.WithHooks(b.journal.hooks(o.hooks)))
	var err error
	b.Broker, err = memory.OpenServer(b.t.Context(), b.server, all...)
	return err
}

// serve finds the server, or starts it.
func (b *Broker) serve(o *options) (err error) {
	ownServer := o.memory != (memory.Config{}) || o.seed != nil
	if o.server != nil && ownServer {
		return errors.New("options: Memory and Faults are the server's own; give them to memory.NewServer instead of beside On")
	}
	if o.seed != nil {
		o.memory.Faults = faults(*o.seed)
	}
	if b.server = o.server; b.server == nil {
		b.server, err = memory.NewServer(o.memory)
	}
	return err
}

// Server returns the server, to disconnect it, to refuse what is published, or to connect another broker to it with On.
func (b *Broker) Server() *memory.Server { return b.server }

// Subscribe implements messaging.Subscriber.
func (b *Broker) Subscribe(
	ctx context.Context, topic string, h messaging.Handler, opts ...messaging.SubscribeOption,
) (*messaging.Subscription, error) {
	s, err := b.Broker.Subscribe(ctx, topic, h, opts...)
	if err == nil {
		b.journal.subscribed(topic)
	}
	return s, err
}

// MustSubscribe is Subscribe for tests: it fails the test on an error.
func (b *Broker) MustSubscribe(topic string, h messaging.Handler, opts ...messaging.SubscribeOption) *messaging.Subscription {
	b.t.Helper()
	s, err := b.Subscribe(b.t.Context(), topic, h, opts...)
	if err != nil {
		b.t.Fatalf("messagingtest: %v", err)
	}
	return s
}

// MustPublish publishes events one after the other and fails the test unless each is stored, and when nothing has subscribed to the topic
// yet, since nobody would handle them. An event that injected faults refuse it publishes again, before the next, so that the order holds.
func (b *Broker) MustPublish(topic string, events ...envelope.Event) {
	b.t.Helper()
	if !b.read(topic) {
		b.t.Fatalf("messagingtest: publish %s: nothing has subscribed to it yet; subscribe first", topic)
	}
	for _, e := range events {
		if err := b.persist(topic, e); err != nil {
			b.t.Fatalf("messagingtest: %v", err)
		}
	}
}

// persist publishes one event until no injected fault refuses it.
func (b *Broker) persist(topic string, e envelope.Event) error {
	e = complete(b.t.Context(), e)
	var err error
	for range publishTries {
		err = b.Publish(b.t.Context(), topic, e)
		if !errors.Is(err, memory.ErrInjected) {
			return err
		}
	}
	return err
}

// read reports whether somebody reads the topic.
func (b *Broker) read(topic string) bool {
	if b.journal.hasSubscribed(topic) {
		return true
	}
	groups, err := b.Groups(b.t.Context(), topic)
	return err == nil && len(groups) > 0
}

// end closes the broker and fails the test for what it left behind.
func (b *Broker) end() {
	b.t.Helper()
	b.journal.letGo()
	limit := closeReal
	if b.bubble {
		limit = closeVirtual
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		b.t.Errorf("messagingtest: %v", err)
	}
	for _, text := range b.journal.unexpected() {
		b.t.Errorf("messagingtest: unexpected dead letter: %s", text)
	}
	if b.seed != nil && b.t.Failed() {
		b.t.Logf("messagingtest: the faults were those of seed %d; the option Faults(%d) repeats them", *b.seed, *b.seed)
	}
}

// complete returns the event with what publishing fills in, but for the source.
func complete(ctx context.Context, e envelope.Event) envelope.Event {
	if e.ID == "" {
		e.ID = envelope.NewID()
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	e.Inherit(ctx)
	return e
}
