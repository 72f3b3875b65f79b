package driver

import "time"

// Address is where messages go.
type Address struct {
	// Topic is the topic's name.
	Topic string
	// Group, when set, addresses the inbox of that group of the topic: its private way in, for redelivery and re-drive. The inbox exists
	// from the group's first subscription on; a message for an inbox that does not exist is Unroutable.
	Group string
	// Log says that the topic is a plain log with no groups: dead letters and their companion records. It is created on first use, kept
	// without a group, and read through History.
	Log bool
	// Unrouted is what becomes of a message for a topic that has no group yet. Broadcast readers are no group; they get what is kept or
	// dropped.
	Unrouted Unrouted
}

// Unrouted is the policy for messages whose topic has no group yet. A type that no group's filter wants is not unrouted: it is stored.
type Unrouted uint8

// Policies for unrouted messages.
const (
	// Refuse gives the fate Unroutable.
	Refuse Unrouted = iota
	// Keep stores the message for groups to come, on brokers whose topics are logs; elsewhere it must be refused at open.
	Keep
	// Drop throws the message away and reports Stored.
	Drop
)

// Spec is what a subscription asks of a driver.
type Spec struct {
	// Topic and Group name what is read; Group is empty for a broadcast.
	Topic, Group string
	// Broadcast asks for every message from now on, for this reader alone, at most once across a disconnect.
	Broadcast bool
	// Types are the patterns of the group's filter, sorted; empty means all. `*` stands for one word between dots, `#` for any number of
	// words. A driver may deliver more than what matches, never less: the rest is skipped above it. A message without a native type must be
	// delivered, since its type may stand in its body. It must tell ErrConflict when the
	// group's live members have other patterns, where it can know.
	Types []string
	// Start is where a group begins that does not exist yet; an existing position wins.
	Start Start
	// Window and WindowBytes bound what is handed out and not settled, with what is on its way, in messages and bytes. Both are positive.
	Window, WindowBytes int
	// Partitions, when positive, asks for key order across replicas over that many partitions; the number is fixed when the group (or the
	// topic, where partitions belong to it) is born, and another number must be refused with ErrConflict.
	Partitions int
	// Member names this member where the broker wants a stable name. It is unique among the group's live members.
	Member string
	// Deliver, when set, takes messages from a goroutine of the driver's, which saves the hop over a Receive that waits. A driver may call
	// it instead of letting that Receive return, with no more than the windows leave room for; then no Receive may return messages until the
	// call is over, and calls must not overlap. False means that the subscription is ending: the messages count as handed out, and go back
	// with Close. The call is short, and may call Settle.
	Deliver func([]*Message) bool
	// Settled, when set, is told how many acks the broker has taken. It must not block.
	Settled func(acks int)
	// Notify, when set, is told of gaps, losses and reconnects of this subscription. It must not block.
	Notify func(Notice)
}

// StartKind is the kind of a Start.
type StartKind uint8

// Kinds of start.
const (
	// StartDefault is the oldest message that the broker holds for the group, whatever that is.
	StartDefault StartKind = iota
	// StartOldest is the oldest message of the topic's history; refused where there is none.
	StartOldest
	// StartNewest is from now on. Every driver has it.
	StartNewest
	// StartTime is the first message stored at or after Time.
	StartTime
	// StartAfter is the message that follows Position.
	StartAfter
)

// Start is a place in a topic.
type Start struct {
	// Kind says which of the fields counts. The zero value is StartDefault.
	Kind StartKind
	// Time is for StartTime.
	Time time.Time
	// Position is for StartAfter: opaque text from a received message.
	Position string
}

// NoticeKind is the kind of a Notice.
type NoticeKind uint8

// Kinds of notice.
const (
	// Connected: the broker answers (again).
	Connected NoticeKind = iota + 1
	// Disconnected: the broker is away; Err says why.
	Disconnected
	// Gap: messages are gone that this group or reader never handled (retention, a deleted queue, a cut broadcast). Count is how many, or
	// -1 where the broker can't say. Each live member, or the next to join, is told the whole count.
	Gap
	// Rebalanced: sources were gained or lost.
	Rebalanced
	// Mismatch: members of the group disagree, for example over their filter; Detail says over what.
	Mismatch
)

// Notice is something that happened and that no call returns.
type Notice struct {
	// Kind says what happened.
	Kind NoticeKind
	// Topic and Group say to what; empty for the connection.
	Topic, Group string
	// Count is a gap's size, -1 for unknown.
	Count int64
	// Detail is for people; it never holds a secret.
	Detail string
	// Err is the cause, where there is one.
	Err error
}
