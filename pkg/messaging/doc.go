// Package messaging is what applications import: one Publisher and one Subscriber for events, whichever broker carries them.
//
//	broker, err := adapters.Open(ctx, url) // memory://, and the other brokers' URLs
//	...
//	sub, err := broker.Subscribe(ctx, "orders", messaging.Route(charge), messaging.Group("billing"))
//	...
//	err = broker.Publish(ctx, "orders", OrderPlaced.New(order, envelope.Key(order.Customer)))
//	...
//	return broker.Run(ctx) // until ctx ends, then drains
//
// # Nouns
//
// An event ([envelope.Event]) is published under a topic. A group's members share the work of a topic, and every group gets every event; a
// broadcast gets every event from now on, alone. What they are at each broker:
//
//	Herald         RabbitMQ                    Kafka                 Redis Streams            Redis Pub/Sub  memory
//	topic          durable topic exchange      topic                 stream(s)                channel        log
//	group          quorum queue(s) bound to it consumer group        consumer group           -              cursor
//	broadcast      exclusive queue             no-commit reader      XREAD from $             SUBSCRIBE      cursor of its own
//	key            routing to partition queue  partition key         partition stream         -              lane
//	partitions     N queues, one consumer each partitions            N streams, leases        -              lanes
//	type filter    bindings                    skip at the client    skip at the client       skip           skip
//	history, from  stream queues only          offsets               ids                      -              log
//	inbox          its queue; TTL ladder       one topic per tier    stream + sorted set      -              queue
//	ack, release   ack (multiple), requeue     offset watermark      XACK, handed over        -              both
//
// # Delivery
//
// At least once: an event is settled only when its handler, or the dead letters, have it. Every event may come twice; its ID is the
// idempotency key. Events with the same key are handled one at a time, in the order in which they were published, at any concurrency within
// a process, and across processes where the subscription asks for [OrderAcrossReplicas]. Without a key there is no order. What is in hand is
// bounded by [Window]: a slow handler slows intake, never memory.
//
// # Failure
//
// An error, a panic, runtime.Goexit or a time-out is one failed attempt. It is followed by quick tries in this process, then by redeliveries
// later through the group's inbox, then by the dead letters, which keep the event whole until [Broker.Redrive] sends it back. See
// [RetryPolicy], and [Permanent], [RetryAfter], [Discard], [Snooze] and [Release] for what a handler can ask for.
//
// # Publishing
//
// [Broker.Publish] returns nil only when the broker has taken responsibility for every event; otherwise a [PublishError] tells each event's
// fate. Concurrent calls share round trips. While the broker is away they wait, within their context.
//
// # Errors
//
// Sentinels to branch on are in this package; everything but Publish returns an [Error] that unwraps to one of them and to the client's own.
package messaging
