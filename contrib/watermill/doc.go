// Package heraldwatermill joins Herald and Watermill (github.com/ThreeDotsLabs/watermill), both ways.
//
// # Herald under Watermill
//
// [Publisher] and [Subscriber] are Watermill's message.Publisher and message.Subscriber over any Herald broker, so that a Router, its
// middleware and its CQRS component run on it unchanged:
//
//	broker, err := adapters.Open(ctx, url) // memory://, amqp://…, kafka://…, redis://…
//	...
//	publisher, err := heraldwatermill.NewPublisher(broker, heraldwatermill.PublisherConfig{})
//	subscriber, err := heraldwatermill.NewSubscriber(broker, heraldwatermill.SubscriberConfig{Group: "billing"})
//	...
//	router.AddHandler("charge", "orders", subscriber, "payments", publisher, charge)
//
// A message's UUID is the event's id, its payload the event's data, and its metadata the event's headers; see [MetadataType] and its like for
// the metadata that are attributes of the event. A message's context carries what the handler's context carries: the trace context, and the
// delivery itself (messaging.DeliveryFrom). An ack finishes the event for the group. A nack brings the message again, for ever, in its place:
// see [SubscriberConfig.NackDelay] and [SubscriberConfig.Retry].
//
// # Watermill under Herald
//
// [Open] makes a Herald broker of a Watermill publisher and subscriber, with the capabilities that [DriverConfig] tells of them.
//
// # On the wire
//
// [AMQP], [Kafka] and [Redis] are codecs that write the messages of watermill-amqp, watermill-kafka and watermill-redisstream as they are on
// the broker, and read them, so that services move one at a time.
package heraldwatermill
