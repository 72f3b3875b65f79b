// Package driver is what adapters implement: moving bytes and native attributes to and from one broker, and settling them. It holds no
// logic of its own. Encoding, windows, key order, retries, dead letters and draining live once, in pkg/messaging, above it.
//
// # An adapter
//
// An adapter is a [Driver], a [Publisher] and a [Subscription]. Everything a broker may or may not have is a side interface that is looked
// for once, when the broker is opened: [Notifier], [History], [Lagger], [Topology], [Groups], [Clocked]. What a driver can do, and how, it tells in
// [Capabilities]. The package pkg/drivertest holds one test for each sentence of this contract; an adapter is done when that suite passes.
//
// # The way of a message
//
// Publishing: Send queues the messages in order and returns once they have room. Later, or before it returns, the driver reports exactly one
// [Fate] for each. A message waits until the driver claims it ([Message.Claim]) right before its first byte is written; until then the
// caller may withdraw it, and a withdrawn message must never be written. While the broker is away, unclaimed messages wait.
//
// Consuming: Receive hands out messages on demand, from the topic and from the group's inbox alike. Each is held until its [Outcome] comes
// back through Settle. Ack tells that it is finished; Release that this member will not finish it, so the broker must give it to another
// member or to this one again later. Outcomes come in any order; an outcome must never settle another message.
//
// # Sources
//
// Every received message belongs to a [Source]: a connection, a partition, a lease. When the driver is about to lose a source it calls
// [Source.End], goes on accepting outcomes while handlers finish (for at most a third of the session time-out), then calls [Source.Lose].
// When it has lost one without warning it calls Lose at once. Outcomes for a source that is gone must be ignored: the broker gives the
// message to somebody else, and settling it now would settle what another member holds.
//
// # Outcomes of publishing, broker by broker
//
// Surely not stored is only what was never written, what was returned, and what was rejected before the append. All else that was written
// and not confirmed is unconfirmed, for ever: an outcome that is unknown never becomes "unavailable" later.
//
//	fate             RabbitMQ                        Kafka                                  Redis                           memory
//	Stored           confirmed, not returned         acks=all answered without error        reply read, WAIT/WAITAOF met    appended
//	Unroutable       returned by mandatory           topic without a group                  topic without a group           topic without a group
//	TooLarge         larger than max_message_size    MESSAGE_TOO_LARGE                      larger than proto-max-bulk-len  larger than the limit
//	Invalid          PRECONDITION_FAILED on publish  INVALID_RECORD                         –                               –
//	Denied           ACCESS_REFUSED                  TOPIC_AUTHORIZATION_FAILED             NOPERM, READONLY by ACL         –
//	Unavailable      withdrawn or never written      withdrawn, never written, NOT_LEADER,  withdrawn, never written, OOM,  withdrawn, injected refusal
//	                                                 NOT_ENOUGH_REPLICAS                    LOADING, MISCONF
//	Unconfirmed      nack; connection lost after     REQUEST_TIMED_OUT, NOT_ENOUGH_         reply lost; WAIT or WAITAOF     injected cut after the append
//	                 the first byte                  REPLICAS_AFTER_APPEND, connection lost fell short
//
// # Names and the wire
//
// Queue names, group ids, inboxes, tiers, dead-letter topics and lease keys come from [Name], the one injective function over topic and
// group; native header names are the constants of this package. Both are wire formats with golden files: a change takes a new name.
//
// # Stability
//
// [Driver], [Publisher], [Subscription] and [Result] will not grow: new abilities become new side interfaces. Structs may gain fields whose
// zero value means what was there before.
package driver
