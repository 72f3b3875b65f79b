package rabbitmq

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// What the tests of this package look at from outside.
var (
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
	GatherPause  = gatherPause
	GatherCount  = gatherCount
	ChunkWait    = chunkWait
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

// Frames is what is written for a message, in frames of at most most bytes.
func Frames(exchange, key string, most int, m *driver.Message, stamp int64) []byte {
	return appendPublish(nil, 7, most, &way{exchange: exchange, key: key, mandatory: true}, m, stamp)
}

// Publishing is what amqp091 would call the message that is written in frames, with the body in one.
func Publishing(frames []byte) (p amqp.Publishing) {
	c := cursor[[]byte]{b: frames}
	next := func() cursor[[]byte] {
		c.number(3)
		payload := c.long()
		c.u8()
		return cursor[[]byte]{b: payload}
	}
	next()
	h := next()
	h.number(4)
	if h.number(8) > 0 {
		body := next()
		p.Body = body.b
	}
	flags := h.number(2)
	str := func(flag uint64) string {
		if flags&flag == 0 {
			return ""
		}
		return string(h.short())
	}
	p.ContentType = str(hasContentType)
	p.Headers, _ = h.field('F', 0).(amqp.Table)
	p.DeliveryMode = h.u8()
	p.Expiration, p.MessageId = str(hasExpiration), str(hasMessageID)
	if flags&hasTimestamp != 0 {
		p.Timestamp = time.Unix(int64(h.number(8)), 0) //nolint:gosec // a number with a sign
	}
	p.Type = str(hasType)
	if h.bad || c.bad || len(h.b) > 0 || len(c.b) > 0 {
		panic("the frames are not whole")
	}
	return p
}

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
	WriteFrames(p []byte) error
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
	r.s.markReturned(&returned{exchange, key, id, []byte(body)})
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

// Split is a splitter over a connection: a hold of the consumer "ours", the answers to what is published, and how many bytes are read ahead.
type Split struct {
	*splitter
	h *hold
	c *confirms
}

// NewSplit returns a splitter that takes out the deliveries for the consumer "ours".
func NewSplit(conn net.Conn, types ...string) *Split {
	sub := &subscription{d: new(Driver), wake: make(chan struct{}, 1)}
	sub.spec.Types = types
	h := &hold{tap: &tap{sub: sub}, tag: "ours", counts: true, source: driver.NewSource("queue"), settled: make(chan struct{}, 1)}
	s := &Split{newSplitter(conn), h, newConfirms()}
	s.take(h)
	s.confirm(s.c)
	return s
}

// Messages are the deliveries so far.
func (s *Split) Messages() []*driver.Message { return s.h.tap.sub.ready }

// Answers are the answers so far, and whether the broker has closed the channel.
func (s *Split) Answers() (told []string, closed bool) {
	for _, a := range s.c.take(nil) {
		if b := a.back; b != nil {
			told = append(told, fmt.Sprintf("back %s %s %s %s", b.exchange, b.key, b.id, b.body))
			continue
		}
		told = append(told, fmt.Sprintf("%d multiple %v nack %v", a.tag, a.multiple, a.nack))
	}
	return told, s.c.closed.Load()
}

// Prefetch is how many deliveries the consumer may have in hand.
func (s *Split) Prefetch(n int) { s.h.prefetch = n }

// Drop lets the deliveries of "ours" pass.
func (s *Split) Drop() { s.drop(s.h) }

// Method is a frame with a method.
func Method(channel uint16, method uint32, args ...byte) []byte {
	b, at := begin(nil, frameMethod, channel)
	return finish(append(binary.BigEndian.AppendUint32(b, method), args...), at)
}

// Deliver is a delivery as the broker sends it: to a consumer, from an exchange, with a routing key.
func Deliver(channel uint16, consumer string, tag uint64, exchange, key string, m *driver.Message) []byte {
	args := binary.BigEndian.AppendUint64(appendShort(nil, consumer), tag)
	args = appendShort(appendShort(append(args, 0), exchange), key)
	return append(Method(channel, methodDeliver, args...), rest(channel, m)...)
}

// Return is a message that comes back.
func Return(channel uint16, exchange, key string, m *driver.Message) []byte {
	args := appendShort([]byte{1, 56}, "NO_ROUTE")
	args = appendShort(appendShort(args, exchange), key)
	return append(Method(channel, methodReturn, args...), rest(channel, m)...)
}

// rest is the header and the body of a message, in frames of at most 100 bytes of body.
func rest(channel uint16, m *driver.Message) []byte {
	frames := appendPublish(nil, channel, 108, &way{}, m, 1)
	c := cursor[[]byte]{b: frames}
	c.number(3)
	c.long()
	c.u8()
	return c.b
}

// Numbers of methods.
const (
	MethodAck        = methodAck
	MethodNack       = methodNack
	MethodConfirming = methodConfirming
	MethodClose      = methodCloseByPeer
)

// Properties reads a content header from its flags on.
func Properties(text string) (m *driver.Message, whole bool) {
	r := reading{msg: &driver.Message{}}
	whole = r.properties(text)
	return r.msg, whole
}

// WriteFrames writes whole frames beside amqp091's.
func (b blockable) WriteFrames(p []byte) error { return b.writeFrames(p, new(atomic.Bool)) }

// Written is the frames that a driver of a topic's inbox writes for a message, over a connection that takes everything.
func Written(d *Driver, topic, group string, m *driver.Message) []byte {
	d.cfg = d.cfg.withDefaults()
	near, far := net.Pipe()
	wire := newCoalescer(near, time.Minute)
	defer func() { _, _ = wire.Close(), far.Close() }()
	wire.edge = edge{}
	d.publisher = newPublisher(d)
	to := driver.Address{Topic: topic, Group: group}
	s := &session{p: d.publisher, link: &link{wire: wire, frame: frameSize}, confirms: newConfirms(), most: 1 << 20, lanes: map[driver.Address]*lane{
		to: {route: &route{key: groupQueue(topic, group), topic: topic, group: group}},
	}}
	d.publisher.queue.Put(context.Background(), to, []*driver.Message{m}, nobody{})
	if err := s.write(); err != nil {
		panic(err)
	}
	got := make([]byte, 4096)
	n, _ := far.Read(got) // all of it is one write
	return got[:n]
}

// nobody does not ask what became of a message.
type nobody struct{}

func (nobody) Done(int, driver.Fate, error) {}

// Bound is when a member binds again, if something comes between one look and the next or not.
func Bound(comes []bool) (at []string) {
	p, now, came := pace{pause: rebindSoon}, time.Duration(0), uint64(0)
	for _, c := range comes {
		now += p.pause
		if c {
			came++
		}
		if p.next(came) {
			at = append(at, now.String())
		}
	}
	return at
}

// Publishes is a session that has written messages and reads what the broker answers.
type Publishes struct {
	s     *session
	fates []driver.Fate
}

// NewPublishes has written n messages, "1" to "n", with bounds for pipeline of them.
func NewPublishes(pipeline, n int) *Publishes {
	d := &Driver{cfg: Config{Pipeline: pipeline}.withDefaults()}
	d.publisher = newPublisher(d)
	p := &Publishes{fates: make([]driver.Fate, n)}
	msgs := make([]*driver.Message, n)
	for i := range msgs {
		msgs[i] = &driver.Message{ID: strconv.Itoa(i + 1)}
	}
	d.publisher.queue.Put(context.Background(), driver.Address{Topic: "orders"}, msgs, p)
	p.s = &session{
		p: d.publisher, confirms: newConfirms(), tag: 1, strays: make(map[uint64]*pending), lanes: make(map[driver.Address]*lane),
		link: &link{frame: frameSize}, mended: map[string]mend{"orders": {at: time.Now()}},
	}
	l := &lane{}
	for _, e := range d.publisher.queue.Take(nil, n, 1<<20) {
		_ = p.s.publish(l, &e, &way{exchange: "orders", key: "k"}, time.Now())
	}
	return p
}

// Done implements driver.Result.
func (p *Publishes) Done(i int, fate driver.Fate, _ error) { p.fates[i] = fate }

// Answer is one answer of the broker.
func (p *Publishes) Answer(tag uint64, multiple, nack bool) {
	p.s.confirms.arriving = append(p.s.confirms.arriving, answer{tag: tag, multiple: multiple, nack: nack})
}

// Return brings a message back.
func (p *Publishes) Return(id string) {
	p.s.confirms.arriving = append(p.s.confirms.arriving, answer{back: &returned{"orders", "k", id, nil}})
}

// Fates reads what was answered, and returns the fates so far and how many messages are kept in their order.
func (p *Publishes) Fates() (fates []driver.Fate, kept int) {
	p.s.confirms.handOver()
	p.s.collect()
	return p.fates, len(p.s.pending) - p.s.head
}

// GiveBack is what happens when the messages could not be written after all: it returns the ids in the queue.
func (p *Publishes) GiveBack() (ids []string) {
	p.s.giveBack()
	for _, e := range p.s.p.queue.Take(nil, math.MaxInt, math.MaxInt) {
		ids = append(ids, e.Msg.ID)
	}
	return ids
}

// ReadBody reads a body of a size, in pieces, and returns it with how many bytes were allocated for it.
func ReadBody(body []byte, piece int) (got []byte, allocated int) {
	c := &content{headed: true, left: uint64(len(body))}
	c.msg = &driver.Message{Body: make([]byte, 0, min(len(body), frameSize))}
	allocated = cap(c.msg.Body)
	for p := range slices.Chunk(body, piece) {
		before := cap(c.msg.Body)
		if _, err := c.read(frameBody, p); err != nil {
			panic(err)
		}
		if now := cap(c.msg.Body); now != before {
			allocated += now
		}
	}
	return c.msg.Body, allocated
}
