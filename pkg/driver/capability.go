package driver

import (
	"context"
	"time"
)

// Feature names something a broker may or may not do.
type Feature string

// Features, one for each row of the capability report.
const (
	// FeatureGroups: members share the work of a group.
	FeatureGroups Feature = "groups"
	// FeatureBroadcast: every subscriber, from now on.
	FeatureBroadcast Feature = "broadcast"
	// FeatureHistory: what was published can be read again, with no group.
	FeatureHistory Feature = "history"
	// FeatureStart: a new group can begin at the oldest message, a time or a position.
	FeatureStart Feature = "start"
	// FeatureReset: an existing group can be set to another place.
	FeatureReset Feature = "reset"
	// FeatureReplicaOrder: key order across processes.
	FeatureReplicaOrder Feature = "order across replicas"
	// FeatureDelay: DeliverAt when publishing to a topic.
	FeatureDelay Feature = "delay"
	// FeatureInbox: redelivery later, re-drive, and all else that needs a group's inbox.
	FeatureInbox Feature = "inbox"
	// FeatureLog: dead letters and other topics without a group.
	FeatureLog Feature = "log"
	// FeatureKeep: events can be kept for groups to come.
	FeatureKeep Feature = "keep"
	// FeatureLag: how far a group is behind.
	FeatureLag Feature = "lag"
	// FeatureIdempotent: a publish that is tried again by the driver is stored once.
	FeatureIdempotent Feature = "idempotent publish"
)

// Level says how a feature is there.
type Level uint8

// Levels. The zero value is Refused, so that what a driver does not mention it does not promise.
const (
	// Refused: not there; what needs it fails when it is opened.
	Refused Level = iota
	// Emulated: there, by means of Herald's; How says which and what it costs.
	Emulated
	// Native: the broker's own.
	Native
)

// String returns the level's name in lower case.
func (l Level) String() string {
	switch l {
	case Native:
		return "native"
	case Emulated:
		return "emulated"
	default:
		return "refused"
	}
}

// Capability is one line of the report.
type Capability struct {
	// Level says whether the feature is there.
	Level Level
	// How says by what means, or why not, in a few words.
	How string
}

// Durability is what a confirmed event survives.
type Durability string

// Durability classes, weakest first. "Loses nothing" holds from disk up.
const (
	// DurableMemory: until the broker's process ends.
	DurableMemory Durability = "memory"
	// DurableOS: the process may die, the machine may not.
	DurableOS Durability = "os"
	// DurableDisk: synced to one disk.
	DurableDisk Durability = "disk"
	// DurableReplicated: on a majority of machines.
	DurableReplicated Durability = "replicated"
)

// Capabilities is what one connection can do.
type Capabilities struct {
	// Broker is the scheme-like name ("memory", "rabbitmq"), Version the server's.
	Broker, Version string
	// Durability is the class of what this connection publishes.
	Durability Durability
	// MaxMessage is the most bytes that the broker takes for one message as written; 0 is unlimited.
	MaxMessage int
	// MaxTopicMessage is the most that a topic may take whose own setting allows more than MaxMessage, on brokers where that is only what
	// topics have by default; 0 where MaxMessage holds for all.
	MaxTopicMessage int
	// HoldLimit is how long a message may stay unsettled before the broker takes it away; 0 is for ever.
	HoldLimit time.Duration
	// Features holds what is not refused, and refusals that deserve a reason.
	Features map[Feature]Capability
}

// Notifier is for drivers that can lose their connection.
type Notifier interface {
	// Notify registers f for the connection's notices and calls it at once with the present state (Connected or Disconnected). f must
	// not block. A second call replaces f.
	Notify(f func(Notice))
}

// History is for brokers whose topics can be read again.
type History interface {
	// Read opens the topic's history from a start up to and including the position to; an empty to means what is stored when Read is
	// called. It must settle nothing and touch no group. A topic that does not exist is ErrUnknownTopic; a start that is gone, or a to that
	// was never written, is ErrPosition.
	Read(ctx context.Context, topic string, from Start, to string) (Reader, error)
}

// Reader is an open History. It is used by one goroutine at a time.
type Reader interface {
	// Next returns the next messages, at least one, or io.EOF at the end, or ErrPosition when retention has overtaken the reader. The
	// messages stay valid and unchanged until the next call.
	Next(ctx context.Context) ([]*Message, error)
	// Close frees what the reader holds. It must be idempotent.
	Close(ctx context.Context) error
}

// Lag is how far a group is behind.
type Lag struct {
	// Count is how many messages of the topic the group has not finished, those in hand included. Messages outside its filter may count.
	Count int64
	// Age is the age of the oldest of them; 0 when there is none.
	Age time.Duration
	// Later is how many messages of the group's inbox are not finished: due or not, those in hand included.
	Later int64
}

// Lagger is for brokers that can tell a group's lag.
type Lagger interface {
	// Lag returns the group's lag. An unknown group is ErrUnknownTopic.
	Lag(ctx context.Context, topic, group string) (Lag, error)
}

// TopicSpec is what a topic should be.
type TopicSpec struct {
	// Name is the topic.
	Name string
	// Partitions is fixed at birth; 0 leaves it to the driver.
	Partitions int
	// MaxAge, MaxBytes and MaxCount bound what is kept; zero is unbounded. They override "unfinished by a group" and then report a gap.
	MaxAge time.Duration
	// MaxBytes bounds the bodies kept.
	MaxBytes int64
	// MaxCount bounds the messages kept.
	MaxCount int64
	// Groups are declared with the topic, so that events are kept for them from then on.
	Groups []string
	// Verify asks for what is there instead: nothing is created, a topic or group that is missing is ErrUnknownTopic, and one that differs
	// from what is told is ErrConflict.
	Verify bool
}

// Topology is for drivers that can declare topics and groups ahead of use.
type Topology interface {
	// Declare makes each topic and group exist as told; zero bounds leave what the broker has by default. What exists with other properties is ErrConflict and stays as it is.
	Declare(ctx context.Context, topics []TopicSpec) error
}

// GroupInfo is a group as a list shows it.
type GroupInfo struct {
	// Topic and Name say which.
	Topic, Name string
	// Members is how many are connected.
	Members int
	// Lag is how far it is behind.
	Lag Lag
}

// Groups is for drivers that can list, delete and reset groups.
type Groups interface {
	// ListGroups lists the groups of a topic, by name.
	ListGroups(ctx context.Context, topic string) ([]GroupInfo, error)
	// DeleteGroup deletes a group with all it owns but its dead letters; ErrInUse while members live.
	DeleteGroup(ctx context.Context, topic, group string) error
	// ResetGroup sets a group without live members to another place; ErrInUse while members live, ErrPosition when it can't be given.
	ResetGroup(ctx context.Context, topic, group string, to Start) error
}
