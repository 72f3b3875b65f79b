package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
)

const (
	topic = "orders"
	// batch is how many orders each release of the shop takes in each act.
	batch = 200
)

// story is what happens, with what was published so far.
type story struct {
	out             io.Writer
	connect         func(context.Context) (*messaging.Broker, error) // a connection for each release of a service
	billing, ledger *book
	dead            *deadLetters
	running         []*messaging.Broker // the releases of billing, the newest last
	others          []*messaging.Broker

	mu        sync.Mutex
	published int
	sum       int64
	sinceThen int // before the ledger was there
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// start runs one more release of billing beside those that run.
func (s *story) start(ctx context.Context, r *messaging.Router) error {
	broker, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.running = append(s.running, broker)
	_, err = broker.Subscribe(ctx, topic, r, messaging.Group("billing"))
	return err
}

// close ends everything that still runs.
func (s *story) close(ctx context.Context) error {
	var errs []error
	for _, broker := range append(s.others, s.running...) {
		errs = append(errs, broker.Close(context.WithoutCancel(ctx)))
	}
	s.others, s.running = nil, nil
	return errors.Join(errs...)
}

// stop ends the oldest release of billing, once it has handled what it holds.
func (s *story) stop(ctx context.Context) error {
	old := s.running[0]
	s.running = s.running[1:]
	return old.Close(ctx)
}

// sell publishes a batch of each release of the shop, all at once, and waits until everything is handled.
func (s *story) sell(ctx context.Context, releases ...func(order, total int64) envelope.Event) error {
	var shops sync.WaitGroup
	failed := make([]error, len(releases))
	for i, makeEvent := range releases {
		s.mu.Lock()
		first := s.published + 1
		s.published += batch
		s.mu.Unlock()
		shops.Add(1)
		go func() {
			defer shops.Done()
			failed[i] = s.publish(ctx, first, makeEvent)
		}()
	}
	shops.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return s.billing.wait(ctx, s.published)
}

func (s *story) publish(ctx context.Context, first int, makeEvent func(order, total int64) envelope.Event) error {
	broker, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer broker.Close(context.WithoutCancel(ctx))
	for order := first; order < first+batch; order++ {
		total := int64(100 + order%50)
		if err := broker.Publish(ctx, topic, makeEvent(int64(order), total)); err != nil {
			return err
		}
		s.mu.Lock()
		s.sum += total
		s.mu.Unlock()
	}
	return nil
}

// The releases of the shop.

func shop1(order, total int64) envelope.Event {
	return OrderPlacedEvent.New(OrderPlaced{Order: order, Total: total}, key(order))
}

func shop2(order, total int64) envelope.Event {
	note := "leave it at the door"
	return OrderPlacedV2Event.New(OrderPlacedV2{Order: order, Total: total, Note: &note}, key(order))
}

func shop3(order, total int64) envelope.Event {
	return OrderPlacedV3Event.New(OrderPlacedV3{Order: order, Total: total, Currency: "NOK"}, key(order))
}

func key(order int64) envelope.Option { return envelope.Key(strconv.FormatInt(order, 10)) }

// first is how it was.
func (s *story) first(ctx context.Context) error {
	s.say("version 1")
	if err := s.start(ctx, billing1(s.billing)); err != nil {
		return err
	}
	if err := s.sell(ctx, shop1); err != nil {
		return err
	}
	s.say("  shop 1 published %d, billing 1 handled them", batch)
	wrong := OrderPlacedEvent.New(OrderPlaced{Order: 1, Total: -1})
	err := s.running[0].Publish(ctx, topic, wrong)
	var mismatch *schema.Error
	if !errors.As(err, &mismatch) {
		return fmt.Errorf("a total below zero was published: %w", err)
	}
	s.say("  refused: %v", mismatch)
	return nil
}

// compatible brings version 2, which both sides can meet in any order.
func (s *story) compatible(ctx context.Context) error {
	s.say("\nversion 2: a note, if the customer made one")
	if err := s.gate(ctx, "2", nil); err != nil {
		return err
	}
	ledger, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.others = append(s.others, ledger)
	if _, err := ledger.Subscribe(ctx, topic, ledger2(s.ledger), messaging.Group("ledger"), messaging.From(messaging.Newest())); err != nil {
		return err
	}
	s.sinceThen = s.published
	if err := s.sell(ctx, shop1, shop2); err != nil { // billing 1 alone reads both
		return err
	}
	if err := s.start(ctx, billing2(s.billing)); err != nil {
		return err
	}
	if err := s.sell(ctx, shop1, shop2); err != nil { // and beside billing 2
		return err
	}
	s.say("  shop 1 and shop 2 published %d each, billing 1 and billing 2 handled them", 2*batch)
	return s.stop(ctx)
}

// upcast brings version 3, which needs help.
func (s *story) upcast(ctx context.Context) error {
	s.say("\nversion 3: a currency, in every order")
	if err := s.gate(ctx, "3", nil); !errors.Is(err, errStopped) {
		return fmt.Errorf("the gate let version 3 pass without its upcaster: %w", err)
	}
	s.say("  billing 3 has an upcaster that knows the currency of version 2")
	if err := s.gate(ctx, "3", covered); err != nil {
		return err
	}
	if err := s.start(ctx, billing3(s.billing)); err != nil {
		return err
	}
	if err := s.sell(ctx, shop1, shop2); err != nil { // handlers first: billing 2 knows nothing of version 3
		return err
	}
	if err := s.stop(ctx); err != nil {
		return err
	}
	if err := s.sell(ctx, shop2, shop3); err != nil {
		return err
	}
	s.say("  shop 1 and shop 2 published %d each, billing 2 and billing 3 handled them", batch)
	s.say("  shop 2 and shop 3 published %d each, billing 3 handled them", batch)
	return s.ledger.wait(ctx, s.published-s.sinceThen)
}

// breaking is the change that nobody has prepared for.
func (s *story) breaking(ctx context.Context) error {
	s.say("\nversion 4: the total as text")
	err := s.gate(ctx, "4", covered)
	if errors.Is(err, errStopped) {
		return nil
	}
	return fmt.Errorf("the gate let version 4 pass: %w", err)
}

// settle closes everything, so that nothing is under way, and adds up.
func (s *story) settle(ctx context.Context) error {
	if err := s.close(ctx); err != nil {
		return err
	}
	dead := s.dead
	handled, sum := s.billing.count()
	kept, _ := s.ledger.count()
	s.say("\npublished %d orders of %d cents, billing handled %d of %d, the ledger %d of the %d since it is there; dead letters: %d",
		s.published, s.sum, handled, sum, kept, s.published-s.sinceThen, len(dead.list()))
	switch {
	case handled != s.published || sum != s.sum || kept != s.published-s.sinceThen:
		return errors.New("orders were lost")
	case s.billing.again+s.ledger.again > 0:
		return fmt.Errorf("%d orders came twice", s.billing.again+s.ledger.again)
	case len(dead.list()) > 0:
		return fmt.Errorf("dead letters: %q", dead.list())
	}
	s.say("nothing was lost")
	return nil
}
