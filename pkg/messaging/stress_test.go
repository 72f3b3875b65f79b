package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// storm is one seeded run: events of several keys through a broker with injected faults, handled by members that fail, come and go. What
// must hold after it: every event that was accepted is handled or dead, nothing else is, and no two handlers of a key overlap.
type storm struct {
	t      *testing.T
	server *memory.Server
	random *rand.Rand

	options []messaging.SubscribeOption
	batched bool
	limit   time.Duration // how long a member may hold an event; 0 is for ever

	mu       sync.Mutex
	accepted map[string]bool
	handled  map[string]int
	running  map[string]string // key → id, per member
	dead     map[string]bool
}

func TestStorm_NothingIsLostAndKeysDoNotOverlap(t *testing.T) {
	if *storms != "" {
		runFleet(t)
		return
	}
	for seed := *first; seed < *first+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runStorm(t, uint64(seed)) })
		})
	}
}

func runStorm(t *testing.T, seed uint64) {
	server, err := memory.NewServer(memory.Config{Faults: memory.Faults{
		Seed: seed, Refuse: 0.02, Unconfirmed: 0.02, Duplicate: 0.02, Cut: 0.02, Delay: 50 * time.Millisecond,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{
		t: t, server: server, random: rand.New(rand.NewPCG(seed, 1)), accepted: make(map[string]bool), handled: make(map[string]int),
		running: make(map[string]string), dead: make(map[string]bool),
	}
	s.choose()
	first := s.member("one")
	publisher, err := messaging.New(t.Context(), server.Connect())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for p := range 3 {
		seed := s.random.Uint64()
		wg.Go(func() { s.publish(publisher, p, rand.New(rand.NewPCG(seed, 2))) })
	}
	second := s.member("two")
	time.Sleep(200 * time.Millisecond)
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
	server.Disconnect()
	time.Sleep(100 * time.Millisecond)
	server.Reconnect()
	third := s.member("three")
	wg.Wait()
	time.Sleep(time.Hour) // retries and their tiers
	synctest.Wait()
	s.check(publisher)
	for _, b := range []*messaging.Broker{second, third, publisher} {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// publish publishes 100 events in small batches, trying again what was not stored.
func (s *storm) publish(b *messaging.Broker, p int, random *rand.Rand) {
	for i := 0; i < 100; {
		var events []envelope.Event
		for range 1 + random.IntN(8) {
			events = append(events, envelope.New("order.placed", nil, envelope.ID(fmt.Sprintf("%d-%d", p, i)), envelope.Key(fmt.Sprint("k", random.IntN(6)))))
			i++
		}
		for len(events) > 0 {
			err := b.Publish(s.t.Context(), "orders", events...)
			events = s.outcome(events, err)
			time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
		}
	}
}

// outcome notes what was accepted and returns what is to be tried again.
func (s *storm) outcome(events []envelope.Event, err error) []envelope.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := make(map[int]bool)
	var again []envelope.Event
	var pe *messaging.PublishError
	if errors.As(err, &pe) {
		for _, f := range pe.Failed {
			failed[f.Index] = true
			again = append(again, events[f.Index])
		}
	}
	for i := range events {
		if !failed[i] {
			s.accepted[events[i].ID] = true
		}
	}
	return again
}

func (s *storm) member(name string) *messaging.Broker {
	b, err := messaging.New(s.t.Context(), limit(s.server, s.limit), messaging.WithHooks(messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dead[l.Event.ID] = true
	}}))
	if err != nil {
		s.t.Fatal(err)
	}
	h := messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error { return s.handle(ctx, name, d) })
	if _, err := b.Subscribe(s.t.Context(), "orders", s.kind(h), s.options...); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// choose draws what the members of this storm are like: with or without partitions, by either policy for a key's later events, with
// handlers of one event or of batches, and at a broker that lets an event be held for ever or not for long.
func (s *storm) choose() {
	retry := messaging.RetryPolicy{
		Quick: []time.Duration{0, time.Millisecond}, Later: []time.Duration{time.Second, time.Minute},
		WhenLater: []messaging.WhenLater{messaging.Overtake, messaging.Block}[s.random.IntN(2)],
	}
	s.options = []messaging.SubscribeOption{messaging.Group("billing"), messaging.Concurrency(1 + s.random.IntN(4)), messaging.Retry(retry)}
	if s.random.IntN(2) == 0 {
		s.options = append(s.options, messaging.OrderAcrossReplicas(1+s.random.IntN(8)))
	}
	s.batched = s.random.IntN(3) == 0
	if retry.WhenLater == messaging.Overtake && s.random.IntN(2) == 0 {
		s.limit = 30 * time.Millisecond // a window takes longer than half of that
	}
	s.t.Logf("policy %d, batches %v, %d options, limit %v", retry.WhenLater, s.batched, len(s.options), s.limit)
}

// kind makes a batch handler of h, if this storm is one of batches.
func (s *storm) kind(h messaging.Handler) messaging.Handler {
	if !s.batched {
		return h
	}
	return messaging.HandleBatch(func(ctx context.Context, batch []*messaging.Delivery) error {
		failed := map[int]error{}
		for i, d := range batch {
			if err := h.Handle(ctx, d); err != nil {
				failed[i] = err
			}
		}
		if len(failed) > 0 {
			return &messaging.BatchError{Failed: failed}
		}
		return nil
	}, messaging.BatchOptions{Size: 8, Wait: 5 * time.Millisecond})
}

func (s *storm) handle(ctx context.Context, member string, d *messaging.Delivery) error {
	lane := member + d.Key
	s.mu.Lock()
	if other, ok := s.running[lane]; ok {
		s.t.Errorf("%s starts while %s of the same key runs", d.ID, other)
	}
	s.running[lane] = d.ID
	verdict := s.random.IntN(20)
	pause := time.Duration(s.random.IntN(3000)) * time.Microsecond
	s.mu.Unlock()
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, lane)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch verdict {
	case 0, 1, 2:
		return errHandler
	case 3:
		return messaging.Permanent(errHandler)
	case 4:
		return messaging.Snooze(10 * time.Second)
	case 5:
		panic("storm")
	}
	s.handled[d.ID]++
	return nil
}

func (s *storm) check(b *messaging.Broker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.accepted {
		if s.handled[id] == 0 && !s.dead[id] {
			s.t.Errorf("lost: %s", id)
		}
	}
	lag, err := b.Lag(s.t.Context(), "orders", "billing")
	if err != nil || lag.Count != 0 || lag.Later != 0 {
		s.t.Errorf("lag %+v, %v, %+v", lag, err, b.Stats())
	}
	letters := 0
	for l, err := range b.DeadLetters(s.t.Context(), "orders", "billing") {
		if err != nil {
			s.t.Fatal(err)
		}
		letters++
		// One that was stored but not confirmed to a member that closed is told by nobody; then another member has handled the event.
		if !s.dead[l.Event.ID] && s.handled[l.Event.ID] == 0 {
			s.t.Errorf("dead letter %s was never told", l.Event.ID)
		}
	}
	if letters == 0 || len(s.handled) == 0 {
		s.t.Error("the storm proves nothing: no dead letters, or nothing handled")
	}
}
