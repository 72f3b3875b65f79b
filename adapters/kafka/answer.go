package kafka

import (
	"math"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// answered deals with what the broker says of the batch at the head, and reports whether the part may go on at once; else the seeker looks
// for the leader first.
func (x *part) answered(b *batch, err error, e *encoder) bool {
	b.err = err
	switch {
	case err == nil, is(err, kafkago.DuplicateSequenceNumber):
		x.sequence = after(b.sequence, len(b.entries))
		x.drop(b, driver.Stored, nil)
		return true
	case is(err, kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge):
		return x.split(b, driver.TooLarge, e)
	case is(err, kafkago.InvalidRecord, kafkago.InvalidTimestamp, kafkago.UnsupportedForMessageFormat, kafkago.UnsupportedCompressionType,
		kafkago.PolicyViolation, kafkago.InvalidRequiredAcks):
		return x.split(b, driver.Invalid, e)
	case denied(err):
		x.rejected(b, driver.Denied)
		return true
	case is(err, kafkago.OutOfOrderSequenceNumber, kafkago.UnknownProducerId, kafkago.InvalidProducerEpoch, kafkago.ProducerFenced,
		kafkago.InvalidProducerIDMapping):
		return x.lost(b)
	case is(err, kafkago.NotEnoughReplicas):
		if !b.unsure && time.Since(b.began) >= refusalPatience {
			x.drop(b, driver.Unavailable, err)
		}
		return false
	case is(err, kafkago.NotLeaderForPartition, kafkago.LeaderNotAvailable, kafkago.UnknownTopicOrPartition, kafkago.FencedLeaderEpoch,
		kafkago.UnknownLeaderEpoch, kafkago.ReplicaNotAvailable, kafkago.InvalidMessage):
		return false // rejected before the append: the same batch goes to the next leader
	default:
		// RequestTimedOut, NotEnoughReplicasAfterAppend, KafkaStorageError and what is not known: it may be in the log already.
		b.unsure = true
		return false
	}
}

// drop ends the batch at the head.
func (x *part) drop(b *batch, fate driver.Fate, err error) {
	x.flying = slices.Delete(x.flying, 0, 1)
	b.done(fate, err)
	x.p.batches.put(b)
}

// rejected ends a batch that the broker says it has not stored. Where an earlier attempt was not answered this says nothing about that one.
func (x *part) rejected(b *batch, fate driver.Fate) {
	if b.unsure {
		fate = driver.Unconfirmed
		x.renew()
	}
	x.drop(b, fate, b.err)
}

// lost deals with a broker that does not know the sequence: it has lost records, or what it knew of the producer. The part begins a new
// epoch. A batch that was surely never stored goes with it; of any other nobody can say.
func (x *part) lost(b *batch) bool {
	x.renew()
	b.epochs++
	if b.unsure || b.epochs > epochsTried {
		x.drop(b, driver.Unconfirmed, because(errUnknown, b.err))
	}
	return true
}

// renew begins the next epoch of the producer in this partition alone: a broker keeps epochs and sequences by partition.
func (x *part) renew() {
	if x.producer.epoch == math.MaxInt16 {
		x.p.self.forget(x.producer.id)
		x.known = false
		return
	}
	x.producer.epoch++
	x.sequence = 0
}

// split halves a batch that the broker rejects for one of its records, until that one is alone. Each half gets a sequence when it is sent.
func (x *part) split(b *batch, fate driver.Fate, e *encoder) bool {
	if len(b.entries) == 1 || b.unsure {
		x.rejected(b, fate)
		return true
	}
	half := len(b.entries) / 2
	first, err := x.repack(b, 0, half, e)
	second, err2 := x.repack(b, half, len(b.entries), e)
	if err != nil || err2 != nil {
		x.rejected(b, driver.Invalid) // never: the same records could be encoded before
		return true
	}
	x.flying = append([]*batch{first, second}, x.flying[1:]...)
	x.p.batches.put(b)
	return true
}

// repack makes a batch of a part of another's messages.
func (x *part) repack(b *batch, from, to int, e *encoder) (*batch, error) {
	some := x.p.batches.get()
	some.part, some.began, some.epochs, some.err = x, b.began, b.epochs, b.err
	some.entries, some.marks = append(some.entries, b.entries[from:to]...), append(some.marks, b.marks[from:to]...)
	e.begin(some.bytes, x.p.cluster.wall())
	for i := range some.entries {
		e.add(some.entries[i].Msg, some.marks[i], math.MaxInt)
	}
	var err error
	some.bytes, err = e.finish(producer{}, 0)
	return some, err
}

// deny ends all that waits: the broker refuses this user.
func (x *part) deny(err error) {
	for len(x.flying) > 0 {
		b := x.flying[0]
		b.err = err
		x.rejected(b, driver.Denied)
	}
	for _, it := range x.drain() {
		if it.Msg.Withdrawn() {
			it.Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		it.Done(driver.Denied, fail("publish", x.topic, err))
	}
}

// vanished ends all that waits for a topic that does not exist any more.
func (x *part) vanished() {
	for len(x.flying) > 0 {
		b := x.flying[0]
		if b.err == nil {
			b.err = driver.ErrUnknownTopic
		}
		x.rejected(b, driver.Unroutable)
	}
	for _, it := range x.drain() {
		if it.Msg.Withdrawn() {
			it.Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		it.Done(driver.Unroutable, fail("publish", x.topic, driver.ErrUnknownTopic))
	}
}

// drain takes out all that waits.
func (x *part) drain() []item {
	x.mu.Lock()
	defer x.mu.Unlock()
	waiting := x.waiting[x.head:]
	x.waiting, x.head, x.bytes = nil, 0, 0
	return waiting
}
