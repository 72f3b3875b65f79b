package heraldwatermill_test

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

// checkout is a program of Watermill's: it charges an order and waits for the receipt.
func checkout(ctx context.Context, publisher message.Publisher, subscriber message.Subscriber) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	receipt := make(chan struct{})
	router.AddHandler("charge", "orders", subscriber, "payments", publisher, charge)
	router.AddConsumerHandler("receipt", "payments", subscriber, func(m *message.Message) error {
		fmt.Println(string(m.Payload))
		close(receipt)
		return nil
	})
	stopped := make(chan error, 1) // for what Run returns
	go func() { stopped <- router.Run(ctx) }()
	<-router.Running()
	if err := publisher.Publish("orders", message.NewMessage(watermill.NewUUID(), []byte("two apples"))); err != nil {
		return err
	}
	<-receipt
	cancel()
	return <-stopped
}

func charge(m *message.Message) ([]*message.Message, error) {
	return message.Messages{message.NewMessage(watermill.NewUUID(), append([]byte("paid: "), m.Payload...))}, nil
}

// The program before: on Watermill's own channels.
func Example_before() {
	pubsub := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	if err := checkout(context.Background(), pubsub, pubsub); err != nil {
		fmt.Println(err)
	}
	// Output: paid: two apples
}

// A Watermill router on a Herald broker: only the publisher and the subscriber are others than before.
func Example() {
	ctx := context.Background()
	broker, err := memory.Open(ctx, "memory://") // in a program adapters.Open, with the URL of any broker
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = broker.Close(ctx) }()
	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	subscriber, err := heraldwatermill.NewSubscriber(broker, heraldwatermill.SubscriberConfig{Group: "billing"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := checkout(ctx, publisher, subscriber); err != nil {
		fmt.Println(err)
	}
	// Output: paid: two apples
}

// A Herald handler reads what a Watermill program publishes, and the other way round: on the way from one to the other both can stay.
func Example_move() {
	ctx := context.Background()
	broker, err := memory.Open(ctx, "memory://")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = broker.Close(ctx) }()
	type order struct{ Item string }
	placed := messaging.Define[order]("order.placed", "1")
	done := make(chan struct{})
	_, err = broker.Subscribe(ctx, "orders", messaging.Route(messaging.On(placed, func(_ context.Context, e messaging.Typed[order]) error {
		fmt.Println("herald:", e.Value.Item)
		close(done)
		return nil
	})), messaging.Group("billing"))
	if err != nil {
		fmt.Println(err)
		return
	}
	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := message.NewMessage(watermill.NewUUID(), []byte(`{"Item":"two apples"}`))
	m.Metadata.Set(heraldwatermill.MetadataType, "order.placed")
	if err := publisher.Publish("orders", m); err != nil {
		fmt.Println(err)
		return
	}
	<-done
	// Output: herald: two apples
}

// A Herald broker over Watermill's own channels, which know broadcasts only.
func ExampleOpen() {
	ctx := context.Background()
	channels := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	defer func() { _ = channels.Close() }()
	broker, err := heraldwatermill.Open(ctx, heraldwatermill.DriverConfig{
		Name: "gochannel", Publisher: channels, Broadcast: true,
		Subscriber: func(string) (message.Subscriber, error) { return channels, nil },
	}, messaging.WithConfig(messaging.Config{Unrouted: messaging.DropUnrouted}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = broker.Close(ctx) }()
	done := make(chan struct{})
	_, err = broker.Subscribe(ctx, "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		fmt.Printf("%s: %s\n", d.Type, d.Data)
		close(done)
		return nil
	}), messaging.Broadcast())
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := broker.Publish(ctx, "orders", envelope.New("order.placed", []byte("two apples"))); err != nil {
		fmt.Println(err)
		return
	}
	<-done
	// Output: order.placed: two apples
}

// The codec of watermill-kafka, for services that have not moved yet.
func ExampleKafka() {
	codec := heraldwatermill.Kafka(heraldwatermill.Mapping{})
	var record envelope.Record
	event := envelope.New("order.placed", []byte("two apples"), envelope.ID("1"), envelope.WithHeader("tenant", "acme"))
	if err := codec.Encode(&record, &event); err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range record.Headers {
		fmt.Printf("%s: %s\n", h.Key, h.Value)
	}
	// Output:
	// _watermill_message_uuid: 1
	// herald_type: order.placed
	// tenant: acme
}
