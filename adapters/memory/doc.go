// Package memory is Herald's broker in the process itself: for development, for tests, and the reference implementation of pkg/driver.
//
// A [Server] plays the broker; [Server.Connect] gives each service of a test its own driver to the same data. [Open] gives a broker of
// pkg/messaging over a server of its own.
//
//	Herald       memory
//	topic        a log in chunks; positions are decimal sequence numbers from 1
//	group        a cursor, with what is in hand and what came back
//	broadcast    a cursor of its own, from now on
//	partitions   n lanes of a group by slot*n/64, each owned by one live member
//	type filter  skipped by the group
//	history      the log; kept unless bounded
//	inbox        a queue by due time, then arrival
//	ack          finished, in any order
//	release      comes again before anything newer; on a partition with all later ones
//
// # Time
//
// No goroutine runs here. What is due, too old or at the end of its grace changes when somebody looks, and a waiting Receive wakes for it.
// Everything works inside a testing/synctest bubble.
//
// # What comes again
//
// A message is delivered again, with a higher Deliveries, after a release, after its source was lost, and by injected faults. Retention
// takes what was never delivered, and tells every live member of the group the exact number (or the first that joins). What was delivered
// once stays until it is finished.
//
// # Playing another broker
//
// Config.Like, or like= in the URL, takes away what that broker does not have. With "rabbitmq" an entry is freed once each group has it,
// new groups begin at their declaration, received messages have no position, and history, starts, resets and Keep are refused; plain logs
// can still be read. "kafka" and "redis" are logs as memory itself, and report as emulated what those brokers have by Herald's means only.
//
// # Broadcast
//
// A broadcast is not a group: a topic that only broadcasts read has no group, so that publishing to it is refused unless the address says
// Keep or Drop; Drop still reaches the live broadcasts.
package memory
