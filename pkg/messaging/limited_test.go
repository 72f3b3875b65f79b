package messaging_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// holdLimit is how long the limited driver lets a message be held.
const holdLimit = 10 * time.Minute

// everything is a driver with all its side interfaces.
type everything interface {
	driver.Driver
	driver.Notifier
	driver.History
	driver.Lagger
	driver.Topology
	driver.Groups
}

// limited is a driver that says how long a message may be held, and measures how long each was.
type limited struct {
	everything
	limit time.Duration
	gate  chan struct{} // when set, Send to an inbox waits for it

	mu    sync.Mutex
	since map[*driver.Message]time.Time
	held  map[string]time.Duration // by body: the longest time
	moved int                      // messages for the inbox
}

// limit makes a connection of the server limited.
func limit(server *memory.Server, d time.Duration) *limited {
	return &limited{
		everything: server.Connect().(everything), limit: d,
		since: make(map[*driver.Message]time.Time), held: make(map[string]time.Duration),
	}
}

func (d *limited) Capabilities() driver.Capabilities {
	caps := d.everything.Capabilities()
	caps.HoldLimit = d.limit
	return caps
}

func (d *limited) Publisher() driver.Publisher { return limitedPublisher{d.everything.Publisher(), d} }

func (d *limited) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	s, err := d.everything.Subscribe(ctx, spec)
	return limitedSubscription{s, d}, err
}

type limitedPublisher struct {
	driver.Publisher
	d *limited
}

func (p limitedPublisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	if to.Group != "" {
		p.d.mu.Lock()
		p.d.moved += len(msgs)
		p.d.mu.Unlock()
		if p.d.gate != nil {
			select {
			case <-p.d.gate:
			case <-ctx.Done():
			}
		}
	}
	p.Publisher.Send(ctx, to, msgs, r)
}

type limitedSubscription struct {
	driver.Subscription
	d *limited
}

func (s limitedSubscription) Receive(ctx context.Context, most, bytes int) ([]*driver.Message, error) {
	msgs, err := s.Subscription.Receive(ctx, most, bytes)
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	for _, m := range msgs {
		s.d.since[m] = time.Now()
	}
	return msgs, err
}

func (s limitedSubscription) Settle(outcomes []driver.Outcome) {
	s.d.mu.Lock()
	for _, o := range outcomes {
		id := string(o.Message.Body)
		s.d.held[id] = max(s.d.held[id], time.Since(s.d.since[o.Message]))
		delete(s.d.since, o.Message)
	}
	s.d.mu.Unlock()
	s.Subscription.Settle(outcomes)
}

// overheld returns what was held for longer than the limit, sorted.
func (d *limited) overheld() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	over := []string{}
	for id, held := range d.held {
		if held > d.limit {
			over = append(over, id)
		}
	}
	slices.Sort(over)
	return over
}

// limitedShop is newShop over a limited driver.
func limitedShop(t *testing.T, opts ...messaging.Option) (*shop, *limited) {
	t.Helper()
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := limit(server, holdLimit)
	b, err := messaging.New(t.Context(), d, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &shop{Broker: b, t: t, server: server}, d
}

// atOnce publishes events with their keys, as put does, in one call.
func (s *shop) atOnce(texts ...string) {
	s.t.Helper()
	events := make([]envelope.Event, 0, len(texts))
	for _, text := range texts {
		key, _, keyed := strings.Cut(text, "/")
		if !keyed {
			key = ""
		}
		events = append(events, envelope.New("order.placed", []byte(text), envelope.Key(key)))
	}
	if err := s.Publish(s.t.Context(), "orders", events...); err != nil {
		s.t.Fatal(err)
	}
}

func numbered(prefix string, n int) []string {
	var texts []string
	for i := range n {
		texts = append(texts, fmt.Sprint(prefix, i+1))
	}
	return texts
}
