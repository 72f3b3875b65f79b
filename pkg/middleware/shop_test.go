package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

var errDown = errors.New("service is down")

// must returns what a constructor made.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// shop is a memory broker and what its handlers saw, inside a synctest bubble.
type shop struct {
	*messaging.Broker
	t      *testing.T
	server *memory.Server

	mu   sync.Mutex
	seen []string
	at   []time.Time
}

// newShop opens a broker that is closed with the test.
func newShop(t *testing.T) *shop {
	t.Helper()
	server := must(memory.NewServer(memory.Config{}))
	s := &shop{Broker: must(messaging.New(t.Context(), server.Connect())), t: t, server: server}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func (s *shop) saw(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, fmt.Sprintf(format, args...))
	s.at = append(s.at, time.Now())
}

// all returns what was seen, and when.
func (s *shop) all() ([]string, []time.Time) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen), slices.Clone(s.at)
}

func (s *shop) want(want ...string) {
	s.t.Helper()
	if got, _ := s.all(); !slices.Equal(got, want) {
		s.t.Errorf("saw  %q\nwant %q", got, want)
	}
}

// subscribe handles a topic for group billing with one middleware.
func (s *shop) subscribe(topic string, m messaging.Middleware, h messaging.HandlerFunc, opts ...messaging.SubscribeOption) *messaging.Subscription {
	s.t.Helper()
	opts = append([]messaging.SubscribeOption{messaging.Group("billing"), messaging.Use(m)}, opts...)
	sub, err := s.Subscribe(s.t.Context(), topic, h, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return sub
}

// put publishes events "key:number", numbers 0 to n-1 for each key.
func (s *shop) put(topic string, n int, keys ...string) {
	s.t.Helper()
	var events []envelope.Event
	for i := range n {
		for _, key := range keys {
			events = append(events, envelope.New("order.placed", fmt.Appendf(nil, "%s:%d", key, i), envelope.Key(key)))
		}
	}
	if err := s.Publish(s.t.Context(), topic, events...); err != nil {
		s.t.Fatal(err)
	}
}

// lag returns how many events of a topic group billing has not finished.
func (s *shop) lag(topic string) int64 {
	s.t.Helper()
	b := must(messaging.New(s.t.Context(), s.server.Connect()))
	defer b.Close(s.t.Context())
	lag := must(b.Lag(s.t.Context(), topic, "billing"))
	return lag.Count + lag.Later
}

// wantInOrder checks that each of n events of each key was seen once, in order.
func (s *shop) wantInOrder(n int, keys ...string) {
	s.t.Helper()
	seen, _ := s.all()
	for _, key := range keys {
		var got, want []string
		for _, v := range seen {
			if len(v) > len(key) && v[:len(key)+1] == key+":" {
				got = append(got, v)
			}
		}
		for i := range n {
			want = append(want, fmt.Sprintf("%s:%d", key, i))
		}
		if !slices.Equal(got, want) {
			s.t.Errorf("key %s: saw %q", key, got)
		}
	}
	if len(seen) != n*len(keys) {
		s.t.Errorf("saw %d events, published %d", len(seen), n*len(keys))
	}
}

// delivery is an event for a handler that is called without a broker.
func delivery(typ string) *messaging.Delivery {
	return &messaging.Delivery{Event: envelope.New(typ, []byte("data")), Topic: "orders", Group: "billing", Attempt: 1}
}

// returning is a handler that returns err.
func returning(err error) messaging.Handler {
	return messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return err })
}

// snoozed reports whether err makes an event come again at no cost.
func snoozed(err error) bool { return messaging.VerdictOf(err) == messaging.VerdictSnooze }
