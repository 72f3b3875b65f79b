// Package redis carries Herald's events over Redis and Valkey: over Streams, which lose nothing that the server keeps, and over Pub/Sub,
// which is fire and forget. [Open] gives a broker of pkg/messaging, [New] the driver.
//
//	Herald       Streams                                          Pub/Sub
//	topic        a stream {topic}, or one for each partition      a channel, sharded in a cluster
//	group        a consumer group                                 refused
//	broadcast    XREAD from now on                                SUBSCRIBE, PSUBSCRIBE
//	partitions   n streams, each owned by one member by lease     refused
//	type filter  skipped at the client                            skipped at the client, or subscribed to
//	history      entry ids; StartTime is the server's clock       refused
//	inbox        a stream and a sorted set beside the topic's     refused
//	ack          XACK, many at once                               –
//	release      handed to nobody (IDLE, JUSTID), others take it  –
//	log          a stream that is never trimmed                   refused
//
// It works with Redis 7.0 and later and with Valkey 8. All keys of a partition share a hash tag, so that every script runs in a cluster.
//
// # Durability
//
// A reply means that the server has the entry in memory. What that survives is the server's configuration, which Capabilities tells as far
// as the server lets itself be asked: appendonly yes with appendfsync always is disk, with everysec it is os, since a second may be lost
// with the machine, and up to two with the process alone while a sync takes long; without, it is memory, and so is what is unknown. Config.Durability asks for more with each pipeline: "aof" waits for
// the server's fsync, "replicas:n" for n replicas. What falls short is unconfirmed.
//
// # Publishing
//
// Messages are gathered while one pipeline is under way, and go with the next. Nothing is sent twice: what was written and not answered is
// unconfirmed. A topic without a group has no stream, and XADD NOMKSTREAM creates none, so refusing costs nothing; that a stream has lost its
// last group is noticed within a second. An answer that refuses (OOM, LOADING, MISCONF, READONLY) is unavailable, NOPERM is denied, a key of
// another type is invalid.
//
// An entry's fields are the headers of package driver, then the message's own headers, then the body as "data". Entries that others
// write are read: their body is "data", or their only field, or else a JSON object of all their fields.
//
// # Members
//
// A member says every second that it lives, by the server's clock, and holds what it was given for as long as it does, however long a handler
// runs; entries that are long in hand are renewed too, for tools that go by their idle time. After Config.Session of silence others take
// what it held, and with that its fence is void: whatever it settles later does nothing. A consumer that is no member of Herald's is left
// alone until its entries have been idle for a session. Consumers are removed only with nothing pending, in the script that finds out.
// When a connection is lost all that was held from it comes again. A server that has not heard of that may give entries to a read that nobody
// waits for: a member looks for such, a second and a half after a session has begun and then once a session, and gives them back.
//
// A partition that is handed over starts nothing new. Handlers that are at work with its messages have a third of a session to finish, then their
// source is lost, and they have as long again to return (to settle, which counts for nothing any more); only then may the next owner read. A
// member that is stopped keeps its partitions until its handlers have settled, or until Close. One that is back after it has lost its
// connection takes all partitions again that are still its own, and hands over at once what is more than its share.
//
// A reader asks for no more than the window has room for, for half of the window at most, and for about a mebibyte; its COUNT holds for each
// stream that it reads, so a little more may be on its way when several bring something at once. Acks go together: what comes while the
// last ones are under way, and while there is more than fits the window and handlers are busy, what comes within a millisecond. Messages
// that came together share their memory, sixteen of them and 16 KiB at most, so a small one that stays in hand for long keeps so much.
// A driver holds five connections and one for each subscription; in a cluster four, and a subscription has one
// for each partition. What one caller after the other publishes alone is written, and its answer read, by the callers themselves; what comes from
// several at once goes together. With sentinels the primary is asked for whenever a connection is made, each second, and when a sentinel tells
// of a promotion: all connections go to one server, and those to another one are cut. What the primary had not told its replicas when it was
// replaced is lost, unless Config.Durability asks for replicas, for all of them if any may be promoted. Nothing is printed: what the client library would print stands in errors and notices.
//
// # Retention
//
// What every group has finished stays for Config.History. Nothing goes that a group has not finished, unless its topic was declared with
// bounds of its own; what they take, its members are told as a gap with its size. A group without members that holds entries back is told
// to the members of other groups as a notice. Logs are never trimmed. Members trim, and publishers where bounds are declared. A group that
// somebody deletes under its members is made again, and begins where it had finished everything at their last beat, a second before at most.
//
// # Delays
//
// A message that is not due waits in a sorted set and is moved into its stream by a script, on the server's clock, by any member that is
// there: with no member, it waits. It may come up to a second late if it was sent by another process. How long it has to wait is measured
// on the sender's clock (driver.Clocked) as it is sent; from there on the server's clock alone counts.
//
// # Pub/Sub
//
// A channel carries the body, which in the form json is the event as a document; beside its own members it has one, heraldNative, with
// the attributes that have no place elsewhere, and a number by which readers count what they missed. With Unrouted refuse a message that
// nobody listened to is unroutable; a cluster's nodes, and replicas, count their own listeners alone. A driver holds four connections and one
// for each subscription. With Config.Channels "type" each type of a topic has a channel of its own, and a reader's filter is what it subscribes
// to, by PSUBSCRIBE where it has wildcards; patterns can't be sharded.
package redis
