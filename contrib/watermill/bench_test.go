package heraldwatermill_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/herald-go/herald/adapters/memory"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

// BenchmarkFromPublishToAck takes messages through Watermill's own channels and through the bridge over a broker in memory: one message for
// each call of Publish, 512 bytes, four pairs of metadata.
func BenchmarkFromPublishToAck(b *testing.B) {
	b.Run("gochannel", func(b *testing.B) {
		pubsub := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
		b.Cleanup(func() { _ = pubsub.Close() })
		through(b, pubsub, pubsub)
	})
	for _, inFlight := range []int{1, 16} {
		b.Run("herald-in-flight-"+strconv.Itoa(inFlight), func(b *testing.B) {
			broker, err := memory.Open(b.Context(), "memory://?like=rabbitmq")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = broker.Close(context.Background()) })
			publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
			if err != nil {
				b.Fatal(err)
			}
			subscriber, err := heraldwatermill.NewSubscriber(broker, heraldwatermill.SubscriberConfig{Group: "g", InFlight: inFlight})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = subscriber.Close() })
			through(b, publisher, subscriber)
		})
	}
}

func through(b *testing.B, publisher message.Publisher, subscriber message.Subscriber) {
	b.Helper()
	messages, err := subscriber.Subscribe(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 512)
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for i := range b.N {
			m := message.NewMessage(strconv.Itoa(i), payload)
			m.Metadata = message.Metadata{"tenant": "acme", "correlation_id": "c", "region": "eu", "user": "42"}
			if err := publisher.Publish("bench", m); err != nil {
				b.Error(err)
			}
		}
	}()
	for range b.N {
		(<-messages).Ack()
	}
}
