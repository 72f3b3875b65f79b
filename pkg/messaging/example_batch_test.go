package messaging_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

func ExampleOnBatch() {
	ctx := context.Background()
	broker := dial(ctx, keep)
	defer broker.Close(ctx)
	for _, id := range []string{"o-1", "o-2", "o-3"} {
		if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: id})); err != nil {
			fmt.Println(err)
		}
	}

	done := make(chan struct{})
	insert := messaging.OnBatch(OrderPlaced, func(_ context.Context, batch []messaging.Typed[Order]) error {
		var ids []string
		for _, e := range batch {
			ids = append(ids, e.Value.ID)
		}
		fmt.Println("one statement for", strings.Join(ids, " "))
		close(done)
		return nil // or a *messaging.BatchError that names those that failed
	}, messaging.BatchOptions{Size: 3})
	if _, err := broker.Subscribe(ctx, "orders", insert, messaging.Group("warehouse")); err != nil {
		fmt.Println(err)
	}
	<-done
	// Output:
	// one statement for o-1 o-2 o-3
}

func ExampleTransform() {
	ctx := context.Background()
	broker := dial(ctx, keep)
	defer broker.Close(ctx)
	order := OrderPlaced.New(Order{ID: "o-1"})
	if err := broker.Publish(ctx, "orders", order); err != nil {
		fmt.Println(err)
	}

	mail := messaging.Transform(broker, "mails", func(_ context.Context, d *messaging.Delivery) ([]envelope.Event, error) {
		return []envelope.Event{envelope.New("mail.wanted", d.Data)}, nil
	})
	if _, err := broker.Subscribe(ctx, "orders", mail, messaging.Group("mailer")); err != nil {
		fmt.Println(err)
	}
	for d, err := range broker.Pull(ctx, "mails", messaging.Group("sender")) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(d.Type, d.CausationID == order.ID)
		d.Ack()
		break
	}
	// Output:
	// mail.wanted true
}

func ExampleBroker_Pull() {
	ctx := context.Background()
	broker := dial(ctx, keep)
	defer broker.Close(ctx)
	for _, id := range []string{"o-1", "o-2", "o-3"} {
		if err := broker.Publish(ctx, "orders", OrderPlaced.New(Order{ID: id}, envelope.Key("customer-7"))); err != nil {
			fmt.Println(err)
		}
	}

	for d, err := range broker.Pull(ctx, "orders", messaging.Group("billing")) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(string(d.Data))
		d.Ack()
		if strings.Contains(string(d.Data), "o-2") {
			break // o-3 stays with the broker
		}
	}
	lag, err := broker.Lag(ctx, "orders", "billing")
	fmt.Println("left:", lag.Count, err)
	// Output:
	// {"ID":"o-1"}
	// {"ID":"o-2"}
	// left: 1 <nil>
}
