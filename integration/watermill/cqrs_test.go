package watermill_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/components/cqrs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/adapters/memory"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
)

// BookRoom is a command, RoomBooked the event that follows.
type (
	BookRoom   struct{ Guest string }
	RoomBooked struct{ Guest string }
)

// hotel is a program of Watermill's CQRS component: a command's handler publishes an event, which two handlers get.
type hotel struct {
	prefix string
	broker *messaging.Broker
	bus    *cqrs.EventBus

	mu     sync.Mutex
	failed map[string]bool
	billed []string
	told   chan string
}

var errOnce = errors.New("the till is locked")

func (h *hotel) subscriber(handler string) (message.Subscriber, error) {
	return heraldwatermill.NewSubscriber(h.broker, heraldwatermill.SubscriberConfig{Group: handler})
}

func (h *hotel) book(ctx context.Context, c *BookRoom) error {
	return h.bus.Publish(ctx, &RoomBooked{c.Guest})
}

// bill fails once for each guest: the router's middleware tries again.
func (h *hotel) bill(_ context.Context, e *RoomBooked) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.failed[e.Guest] {
		h.failed[e.Guest] = true
		return errOnce
	}
	h.billed = append(h.billed, e.Guest)
	return nil
}

func (h *hotel) tell(ctx context.Context, e *RoomBooked) error {
	select {
	case h.told <- e.Guest:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// open wires the component up, as its own documentation does.
func (h *hotel) open(t *testing.T) (*message.Router, *cqrs.CommandBus) {
	t.Helper()
	publisher, err := heraldwatermill.NewPublisher(h.broker, heraldwatermill.PublisherConfig{})
	must(t, err)
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	must(t, err)
	router.AddMiddleware(middleware.CorrelationID, middleware.Recoverer, middleware.Retry{MaxRetries: 3, InitialInterval: time.Millisecond}.Middleware)
	json := cqrs.JSONMarshaler{GenerateName: cqrs.StructName}
	h.bus, err = cqrs.NewEventBusWithConfig(publisher, cqrs.EventBusConfig{
		GeneratePublishTopic: func(p cqrs.GenerateEventPublishTopicParams) (string, error) { return h.prefix + p.EventName, nil },
		Marshaler:            json,
	})
	must(t, err)
	commands, err := cqrs.NewCommandBusWithConfig(publisher, cqrs.CommandBusConfig{
		GeneratePublishTopic: func(p cqrs.CommandBusGeneratePublishTopicParams) (string, error) {
			return h.prefix + p.CommandName, nil
		},
		Marshaler: json,
	})
	must(t, err)
	handling, err := cqrs.NewCommandProcessorWithConfig(router, cqrs.CommandProcessorConfig{
		GenerateSubscribeTopic: func(p cqrs.CommandProcessorGenerateSubscribeTopicParams) (string, error) {
			return h.prefix + p.CommandName, nil
		},
		SubscriberConstructor: func(p cqrs.CommandProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return h.subscriber(p.HandlerName)
		},
		Marshaler: json,
	})
	must(t, err)
	must(t, handling.AddHandlers(cqrs.NewCommandHandler("book", h.book)))
	watching, err := cqrs.NewEventProcessorWithConfig(router, cqrs.EventProcessorConfig{
		GenerateSubscribeTopic: func(p cqrs.EventProcessorGenerateSubscribeTopicParams) (string, error) {
			return h.prefix + p.EventName, nil
		},
		SubscriberConstructor: func(p cqrs.EventProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return h.subscriber(p.HandlerName)
		},
		Marshaler: json,
	})
	must(t, err)
	must(t, watching.AddHandlers(cqrs.NewEventHandler("bill", h.bill), cqrs.NewEventHandler("tell", h.tell)))
	return router, commands
}

func TestCQRS(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		server, err := memory.NewServer(memory.Config{})
		must(t, err)
		b, err := memory.OpenServer(t.Context(), server)
		must(t, err)
		books(t, b)
	})
	for _, kind := range []brokers.Kind{brokers.RabbitMQ, brokers.Kafka, brokers.Redis} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			t.Attr("suite", "watermill")
			b, err := adapters.Open(t.Context(), brokers.Need(t, kind).URL())
			must(t, err)
			books(t, b)
		})
	}
}

// books sends commands, and demands each one's event at both handlers.
func books(t *testing.T, b *messaging.Broker) {
	t.Helper()
	h := &hotel{prefix: "cqrs." + rand.Text() + ".", broker: b, failed: map[string]bool{}, told: make(chan string)}
	router, commands := h.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := make(chan error, 1) // for what Run returns
	go func() { stopped <- router.Run(ctx) }()
	<-router.Running()
	want := []string{"ada", "bob", "cyd", "dan", "eve"}
	for _, guest := range want {
		must(t, commands.Send(ctx, &BookRoom{guest}))
	}
	var told []string
	for range want {
		told = append(told, <-h.told)
	}
	billed := func() []string {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.Sorted(slices.Values(h.billed))
	}
	check := time.NewTicker(10 * time.Millisecond)
	defer check.Stop()
	for began := time.Now(); len(billed()) < len(want) && time.Since(began) < time.Minute; {
		<-check.C
	}
	if slices.Sort(told); !slices.Equal(told, want) || !slices.Equal(billed(), want) {
		t.Errorf("told %q, billed %q, want each of %q", told, billed(), want)
	}
	cancel()
	must(t, <-stopped)
	must(t, b.Close(context.WithoutCancel(t.Context())))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
