package rabbitmq

import (
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// What the tests of this package look at from outside.
var (
	Encode       = encode
	Decode       = decode
	Render       = render
	Matches      = matches
	Explain      = explain
	Hopeless     = hopeless
	Literal      = literal
	DelayBits    = delayBits
	QueueArgs    = queueArgs
	TierArgs     = tierArgs
	StreamArgs   = streamArgs
	SinkArgs     = sinkArgs
	WaitingArgs  = waitingArgs
	PartitionOf  = partitionOf
	GroupQueue   = groupQueue
	LogStream    = logStream
	TierQueue    = tierQueue
	LevelName    = levelName
	BelowLevel   = belowLevel
	Partitioned  = partitionQueue
	MaxWait      = maxWait
	Unfit        = unfit
	ErrNoWrite   = errHeadersLarge
	GatherFor    = gatherFor
	LateAfter    = lateAfter
	DelayLevels  = delayLevels
	DelayUnit    = delayUnit
	PartitionArg = partitionArgs
)

// Ladder is the names of a group's tiers and how long each takes.
func Ladder() (names []string, most []time.Duration) {
	for _, t := range ladder {
		names, most = append(names, t.name), append(most, t.most)
	}
	return names, most
}

// TierOf is the name of the tier for a wait.
func TierOf(wait time.Duration) string { return tierFor(wait).name }

// Names are the derived names of a topic and a group.
func Names(topic, group string) []string {
	names := []string{
		groupsExchange(topic), readersExchange(topic), groupQueue(topic, group), partitionQueue(topic, group, 3), slotsExchange(topic, group),
		restExchange(topic, group, 12), membersQueue(topic, group), askExchange(topic, group), registryStream(topic), logStream(topic),
		sinkName, dueName, levelName(7),
	}
	for _, t := range ladder {
		names = append(names, tierQueue(topic, group, t))
	}
	return names
}

// NewCoalescer wraps a connection.
func NewCoalescer(conn net.Conn, stall time.Duration) interface {
	net.Conn
	SetBlocked(bool)
} {
	return blockable{newCoalescer(conn, stall)}
}

type blockable struct{ *coalescer }

func (b blockable) SetBlocked(on bool) { b.setBlocked(on) }

// Acks plays one channel's acknowledgements.
type Acks struct{ h *hold }

// NewAcks returns a hold with a prefetch that began at a time.
func NewAcks(prefetch int, base time.Time) *Acks {
	sub := &subscription{base: base}
	return &Acks{&hold{tap: &tap{sub: sub}, prefetch: prefetch}}
}

// Take takes in messages with these tags at a time.
func (a *Acks) Take(at time.Time, tags ...uint64) {
	for _, tag := range tags {
		a.h.add(&driver.Message{Seq: tag}, 1, at.Sub(a.h.tap.sub.base).Nanoseconds())
	}
}

// Settle gives each a verdict.
func (a *Acks) Settle(v driver.Verdict, tags ...uint64) {
	for _, tag := range tags {
		a.h.settle(&driver.Message{Seq: tag}, v)
	}
}

// Told is what the broker is told.
type Told struct {
	UpTo           uint64
	Singles, Nacks []uint64
	Acks           int
	Wait           time.Duration
}

// Due returns what is told at a time.
func (a *Acks) Due(at time.Time, all bool) Told {
	f, wait := a.h.due(at, all)
	return Told{f.upTo, f.singles, f.nacks, f.acks, wait}
}

// Returned tells which of the sent messages a return belongs to, -1 for none; each belongs to one return.
type Returned struct{ s session }

// Sent notes a message that was written.
func (r *Returned) Sent(exchange, key, id, body string) {
	m := &driver.Message{ID: id, Body: []byte(body)}
	r.s.pending = append(r.s.pending, pending{Entry: sendqueue.Entry{Msg: m}, exchange: exchange, key: key})
}

// Return takes a return and returns which messages have come back so far.
func (r *Returned) Return(exchange, key, id, body string) (back []int) {
	r.s.markReturned(&amqp.Return{Exchange: exchange, RoutingKey: key, MessageId: id, Body: []byte(body)})
	for i := range r.s.pending {
		if r.s.pending[i].returned {
			back = append(back, i)
		}
	}
	return back
}

// LadderArgs are the arguments of a group's tiers.
func LadderArgs(topic, group string, partitions int) (all []amqp.Table) {
	for _, t := range ladder {
		all = append(all, tierArgs(t, topic, group, partitions))
	}
	return all
}
