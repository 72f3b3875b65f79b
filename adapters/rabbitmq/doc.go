// Package rabbitmq carries Herald's events over RabbitMQ, from 3.10 on, by github.com/rabbitmq/amqp091-go.
//
//	Herald       RabbitMQ
//	topic        a durable topic exchange of that name; routing key = type
//	group        a durable quorum queue, bound for each pattern of its filter, and for messages without a type
//	broadcast    an exclusive queue of the connection
//	partitions   topic exchange, headers exchange by slot, n queues with a single active consumer
//	type filter  bindings; a subscription adds some and never removes any
//	inbox        the group's queue through the default exchange; behind the slots' exchange where there are partitions
//	later        a ladder of quorum queues with a time to live that lead back to the group: 5 s, 30 s, 3 min, 30 min, 49 days
//	DeliverAt    quorum queues of 1 s, 2 s, 4 s … shared by all topics; a message waits in those that make up its delay
//	log          a stream; so is a topic's history, where Config.History keeps one. Positions are offsets
//	ack          multiple for the finished run, single behind a slow one
//	release      nack with requeue; in a partition, the end of the channel
//
// # Connections
//
// One for publishing and one for consuming, so that a broker that blocks publishers still takes acknowledgements. Each comes back by itself,
// with pauses of up to 5 s (30 s when the broker refuses the login). What a channel has brought is one source: outcomes for an earlier
// channel are dropped, and the broker delivers again. While the broker blocks, nothing is taken from the publishing queue, so that Publish
// waits within its context and can still be withdrawn.
//
// Of amqp091-go the driver takes connections, channels, declarations, consumers and heartbeats. Messages go past it: they are encoded right into
// the stream of frames that a connection writes, between amqp091-go's own, and deliveries and confirms are taken out of what it reads.
//
// # Publishing
//
// Messages are persistent, mandatory and confirmed; up to Config.Pipeline are on their way to each address. Before the first message to a topic over a channel
// the driver declares the exchange and asks for the right to publish, by a message in a transaction that is rolled back: a refusal then
// concerns that topic alone. A channel that the broker closes later makes what was not answered Unconfirmed.
//
// # No group, or no wish
//
// What no binding wants goes from the topic's exchange to its alternate exchange, which lives as long as a queue of a group is bound to it and
// leads on to a queue of length 0. So a type that nobody wants is stored by being dropped there, and without a group the message comes back.
// Broadcast readers and the history hang on no such queue: a topic with them alone refuses. A queue that somebody bound by hand counts where
// there are no readers. An exchange that others declared without the alternate exchange is used as it is, and a type that nobody wants comes
// back from it as unroutable; a policy can add the alternate exchange.
//
// # Deleted by hand
//
// An exchange that somebody deletes takes its bindings with it. Whoever declares it again, publisher or member, binds the topic's groups to
// everything, its readers and its delays, before it goes on; members skip what their group does not want. A direct exchange can't want
// everything: there a group gets its types back from its members alone. Members make their own bindings again every 10 s, and soon after their
// topic has fallen silent; what is published between the removal of a binding and that is a type that nobody wants. When all bindings of a
// topic's groups are gone, the publisher that gets its message back binds them in the same way, and refuses that message as Unavailable. A
// group's queue that is deleted is made again, and told as a Gap.
//
// # Declared once
//
// Queues can't change. Group queues carry x-delivery-limit=2147483647, since Herald counts failures itself: left out, 4.x drops at 20; -1 loses
// messages on 3.10 and order on 4.0. Waiting queues dead-letter at least once. Nothing expires by itself. An existing queue or exchange with
// other arguments is ErrConflict. Declare create, verify or none says what is made; verify looks for every part of a group, its dead letters
// included, but for bindings and arguments, which AMQP does not tell.
//
// # What differs
//
// AMQP lists neither queues nor bindings: groups are listed from a registry stream that each is written to when it is born, and members with
// another filter can't be known. Queues tell what is ready; members are asked what they hold. The age in a Lag is that of the oldest message in
// hand, so 0 without members. Settled is told when the acknowledgement is written, since AMQP answers none; Close waits for the broker.
// Bounds of a topic are a policy of the broker, and Declare refuses them.
package rabbitmq
