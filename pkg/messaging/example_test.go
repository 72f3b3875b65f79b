package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Order and Payment are what the examples' events carry.
type (
	Order   struct{ ID string }
	Payment struct{ Order string }
)

// One value serves publishers and handlers.
var (
	OrderPlaced  = messaging.Define[Order]("order.placed", "1")
	PaymentTaken = messaging.Define[Payment]("payment.taken", "1")
)

// dial opens the in-memory broker; programs call adapters.Open with a URL.
func dial(ctx context.Context, opts ...messaging.Option) *messaging.Broker {
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		panic(err)
	}
	broker, err := messaging.New(ctx, server.Connect(), opts...)
	if err != nil {
		panic(err)
	}
	return broker
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	broker := dial(ctx)

	charge := messaging.On(OrderPlaced, func(ctx context.Context, e messaging.Typed[Order]) error {
		fmt.Println("charging", e.Value.ID, "of", e.Key)
		return broker.Publish(ctx, "payments", PaymentTaken.New(Payment{Order: e.Value.ID}, envelope.Key(e.Key), envelope.DerivedFrom(e.Event)))
	})
	settle := messaging.On(PaymentTaken, func(_ context.Context, e messaging.Typed[Payment]) error {
		fmt.Println("paid", e.Value.Order, "because of", e.CausationID)
		stop()
		return nil
	})
	if _, err := broker.Subscribe(ctx, "payments", messaging.Route(settle), messaging.Group("ledger")); err != nil {
		fmt.Println(err)
	}
	if _, err := broker.Subscribe(ctx, "orders", messaging.Route(charge), messaging.Group("billing")); err != nil {
		fmt.Println(err)
	}
	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"}, envelope.Key("customer-7"), envelope.ID("event-1"))); err != nil {
		fmt.Println(err)
	}
	fmt.Println("drained:", broker.Run(ctx)) // until ctx ends, then everything is finished or given back
	// Output:
	// charging o-1 of customer-7
	// paid o-1 because of event-1
	// drained: <nil>
}

func ExampleRoute() {
	router := messaging.Route(
		messaging.On(OrderPlaced, func(_ context.Context, e messaging.Typed[Order]) error {
			fmt.Println("placed", e.Value.ID)
			return nil
		}),
		messaging.OnType("order.#", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			fmt.Println("something else:", d.Type)
			return nil
		})),
	)
	fmt.Println(router.Types())
	for _, e := range []envelope.Event{OrderPlaced.New(Order{ID: "o-1"}), envelope.New("order.cancelled", nil)} {
		if err := router.Handle(context.Background(), &messaging.Delivery{Event: e}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// [order.# order.placed]
	// placed o-1
	// something else: order.cancelled
}

func ExampleDefine() {
	e := OrderPlaced.New(Order{ID: "o-1"}, envelope.Key("customer-7"))
	fmt.Println(e.Type, e.Version, e.Key, string(e.Data))
	v, err := OrderPlaced.Decode(&e)
	fmt.Println(v.ID, err)
	// Output:
	// order.placed 1 customer-7 {"ID":"o-1"}
	// o-1 <nil>
}

func ExampleBroker_Publish() {
	ctx := context.Background()
	broker := dial(ctx)
	defer broker.Close(ctx)

	err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"}), envelope.New("no type at all", nil, envelope.ID("bad")))
	var failed *messaging.PublishError
	if errors.As(err, &failed) {
		for _, f := range failed.Failed {
			fmt.Println(f.Index, errors.Is(f.Err, messaging.ErrUnrouted), errors.Is(f.Err, messaging.ErrInvalid))
		}
	}
	fmt.Println(errors.Is(err, messaging.ErrUnrouted)) // not every one of them
	// Output:
	// 0 true false
	// 1 false true
	// false
}

func ExampleBroker_PublishAsync() {
	ctx := context.Background()
	broker := dial(ctx, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
	defer broker.Close(ctx)

	for _, id := range []string{"o-1", "o-2"} {
		broker.PublishAsync(ctx, "orders", OrderPlaced.New(Order{ID: id}, envelope.Key("customer-7")), func(err error) {
			fmt.Println(id, err)
		})
	}
	fmt.Println(broker.Flush(ctx))
	// Output:
	// o-1 <nil>
	// o-2 <nil>
	// <nil>
}

func ExampleRetry() {
	ctx := context.Background()
	broker := dial(ctx)
	defer broker.Close(ctx)

	done := make(chan struct{})
	charge := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		fmt.Println("attempt", d.Attempt)
		if d.Attempt < 3 {
			return errors.New("the bank is busy")
		}
		close(done)
		return nil
	})
	policy := messaging.RetryPolicy{
		Quick: []time.Duration{0},                             // once more at once, in this process
		Later: []time.Duration{time.Millisecond, time.Minute}, // then through the group's inbox, each time with its quick tries
	}
	if _, err := broker.Subscribe(ctx, "orders", charge, messaging.Group("billing"), messaging.Retry(policy)); err != nil {
		fmt.Println(err)
	}
	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"})); err != nil {
		fmt.Println(err)
	}
	<-done
	// Output:
	// attempt 1
	// attempt 2
	// attempt 3
}

// What a handler returns says what becomes of the event, through any wrapping.
func ExamplePermanent() {
	ctx := context.Background()
	dead := make(chan *messaging.DeadLetter, 1) // the one letter of the example
	broker := dial(ctx, messaging.WithHooks(messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) { dead <- l }}))
	defer broker.Close(ctx)

	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		switch {
		case d.Attempt == 1:
			return messaging.RetryAfter(time.Millisecond, errors.New("come back later")) // messaging.Snooze counts no attempt
		default:
			return fmt.Errorf("order %s: %w", d.ID, messaging.Permanent(errors.New("no such customer"))) // messaging.Discard keeps nothing
		}
	})
	if _, err := broker.Subscribe(ctx, "orders", handler, messaging.Group("billing")); err != nil {
		fmt.Println(err)
	}
	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"}, envelope.ID("event-1"))); err != nil {
		fmt.Println(err)
	}
	l := <-dead
	fmt.Println(l.Reason, l.Attempts, l.Error)
	// Output:
	// permanent 2 order event-1: no such customer
}

func ExampleBroker_Redrive() {
	ctx := context.Background()
	dead := make(chan struct{}, 1) // the one letter of the example
	broker := dial(ctx, messaging.WithHooks(messaging.Hooks{DeadLetter: func(*messaging.DeadLetter) { dead <- struct{}{} }}))
	defer broker.Close(ctx)

	done := make(chan struct{})
	charge := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		if d.Redrive == "" {
			return messaging.Permanent(errors.New("a bug"))
		}
		fmt.Println("charged by", d.Redrive)
		close(done)
		return nil
	})
	if _, err := broker.Subscribe(ctx, "orders", charge, messaging.Group("billing")); err != nil {
		fmt.Println(err)
	}
	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"})); err != nil {
		fmt.Println(err)
	}
	<-dead
	for l, err := range broker.DeadLetters(ctx, "orders", "billing") {
		fmt.Println(l.Reason, l.Error, string(l.Event.Data), err)
	}
	report, err := broker.Redrive(ctx, "orders", "billing", messaging.RedriveRequest{ID: "fix-1234", By: "alice"})
	fmt.Println(report.Sent, err)
	<-done
	report, err = broker.Redrive(ctx, "orders", "billing", messaging.RedriveRequest{ID: "fix-1234", By: "alice"})
	fmt.Println(report.Sent, report.Skipped, err)
	// Unordered output:
	// permanent a bug {"ID":"o-1"} <nil>
	// charged by fix-1234
	// 1 <nil>
	// 0 1 <nil>
}

func ExampleBroadcast() {
	ctx := context.Background()
	broker := dial(ctx, messaging.WithConfig(messaging.Config{Unrouted: messaging.DropUnrouted})) // only broadcasts want the events
	defer broker.Close(ctx)

	seen := make(chan string)
	for _, name := range []string{"cache A", "cache B"} {
		drop := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			seen <- name + " drops " + d.Key
			return nil
		})
		if _, err := broker.Subscribe(ctx, "prices", drop, messaging.Broadcast()); err != nil {
			fmt.Println(err)
		}
	}
	if err := broker.Publish(ctx, "prices", envelope.New("price.changed", nil, envelope.Key("book-1"))); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-seen)
	fmt.Println(<-seen)
	// Unordered output:
	// cache A drops book-1
	// cache B drops book-1
}

func ExampleBroker_Read() {
	ctx := context.Background()
	broker := dial(ctx, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
	defer broker.Close(ctx)

	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-1"}), OrderPlaced.New(Order{ID: "o-2"})); err != nil {
		fmt.Println(err)
	}
	var position string // a projection stores it with what it has derived
	for d, err := range broker.Read(ctx, "orders", messaging.Oldest(), "") {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(string(d.Data))
		position = d.Position
	}
	if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: "o-3"})); err != nil {
		fmt.Println(err)
	}
	for d, err := range broker.Read(ctx, "orders", messaging.After(position), "") {
		fmt.Println("new:", string(d.Data), err)
	}
	// Output:
	// {"ID":"o-1"}
	// {"ID":"o-2"}
	// new: {"ID":"o-3"} <nil>
}

func ExampleConfig_Validate() {
	err := messaging.Config{Form: "xml", Service: "order service"}.Validate()
	fmt.Println(err)
	// Output:
	// invalid: service name "order service" must be words of letters, digits, _ and - joined by single dots, at most 100 characters
	// invalid: form "xml": write binary, json, cloudevents or cloudevents-json
}
