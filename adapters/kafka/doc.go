// Package kafka carries Herald's events over Apache Kafka, from 2.4 to 4.1, in KRaft mode or not; on 2.1 to 2.3 Config.Partitions and
// Config.Replication must be set. It speaks to the brokers through the protocol layer of github.com/segmentio/kafka-go; batches, fetches and the
// group's rounds are its own.
//
//	Herald       Kafka
//	topic        a topic of the same name; a key lies in the partition where the Java client would put it
//	group        a consumer group, herald..group..<topic>..<group>
//	broadcast    a reader of all partitions from the end, without commits
//	partitions   the topic's; fixed by whoever creates it, compared where a subscription asks for a number
//	type filter  skipped above the driver; members with another filter are refused
//	history      offsets; the partitions are merged by the time at which records were written
//	inbox        a topic for each delay tier of a group, with the source's number of partitions
//	ack          the lowest unfinished offset is committed; what is finished behind it travels in the commit's metadata
//	release      not committed: it comes again to whoever gets the partition next
//
// # Publishing
//
// Each partition has a list of what waits and at most one batch on its way; each broker has one request on its way, which carries the batches
// of all its partitions that are ready. Where there is more than 512 KiB of them, up to three more connections help. Nothing waits for a timer:
// what comes while a request is under way gathers. A batch has a producer id, an epoch and a sequence (acks=all), so that it is sent again until
// it is answered and stored once; its messages are claimed when it is made. What a broker rejects before it appends goes to the next leader; a
// batch that is rejected for one of its records is halved until that one is alone. Where a broker has lost track of the producer, the partition
// begins a new epoch; a batch that may have been stored before that is Unconfirmed. Want of replicas is waited for 3 s, then it is Unavailable.
//
// That a topic has a group is asked once and believed for 30 s; that it has none is asked each time. Messages without a key go to one partition
// for some Sends, and all of one Send to the same.
//
// # Groups
//
// Declaring a group commits its start in every partition at once, so it is known from then on; Kafka forgets a group that had no member for
// offsets.retention.minutes (a week by default). Members use Kafka's classic group protocol with an assignment of Herald's: a partition of the
// topic moves together with the same partition of each inbox topic, members keep what they have while others join, and what is taken from one is
// first brought to its end there: no new message, outcomes for a third of the session, a commit, and only then another member gets it. A cut
// connection costs nothing within the session.
//
// What is acked and not yet committed counts as in hand: at most a window comes again after a crash. A commit follows an ack by up to 200 ms, and
// at once where half of the window waits for it; a larger window makes fewer commits.
//
// A partition found later is read from its beginning. A position that the broker does not hold any more follows Config.OutOfRange, and the gap
// is reported with its size. Static membership is not used.
//
// A topic that is deleted under its members is made again by them, with as many partitions as before, where Config.Declare is DeclareCreate. A
// topic of the same name is another one, whoever has made it: members tell it by its id, read it from its beginning and report a gap of unknown
// size, and what was in hand of the one before is finished and settles nothing. Brokers before 3.1 are asked for events by name, so that members
// find out within 10 s or so, and events may come twice meanwhile; before 2.8 they tell no ids, and a topic that is longer than the group's
// position by the time that a member looks is read on from there.
//
// # Delays
//
// The inbox has the tiers now, 10s, 1m, 10m, 1h and 12h: a message waits in the shortest that is long enough, at the head of its partition, and
// never comes before its time. It may come later than asked, by as much as its tier, when another one before it waits longer; a longer delay
// goes through the last tier again. A delayed message of a topic is moved into its own inbox by each group; history shows it at once. Finished
// messages are deleted from the inbox each minute.
//
// # Reading
//
// Records of transactions come once they are committed; aborted ones and control records never. A batch that can't be read (a broken checksum,
// the formats before 0.11) is passed over and reported as a gap with its size. A subscription fetches over four connections to a broker for the
// topic and one for its inbox, whatever the number of partitions, beside one for the group; a driver has one for short requests and one to
// four for publishing to each broker. Fewer connections are had by fewer subscriptions in a process. What is fetched ahead of Receive takes half
// of the window's bytes, and up to a quarter more that was asked for before that showed, but at least 1 MiB and 64 KiB for each partition.
//
// # Durability
//
// Kafka confirms from memory unless log.flush.interval.messages is 1. The class is replicated where new topics have at least two copies and
// min.insync.replicas is at least 2, disk where the broker syncs each write, else os.
package kafka
