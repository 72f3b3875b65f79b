package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// readWindow is how many messages of a stream may be on their way to a reader.
const readWindow = 512

var _ driver.History = (*Driver)(nil)

// Read implements driver.History for logs, and for topics where Config.History keeps them. Positions are the stream's offsets.
func (d *Driver) Read(ctx context.Context, topic string, from driver.Start, to string) (driver.Reader, error) {
	r, err := d.read(ctx, topic, from, to, emptyWait)
	if err != nil {
		return nil, fail("read", topic, explain(err))
	}
	return r, nil
}

// read opens a reader; least is for lastOffset.
func (d *Driver) read(ctx context.Context, topic string, from driver.Start, to string, least time.Duration) (*reader, error) {
	r := &reader{d: d, stream: logStream(topic), topic: topic}
	if len(r.stream) > shortLimit {
		return nil, missing("log", topic)
	}
	offset, err := streamOffset(from)
	if err != nil {
		return nil, err
	}
	if err := d.ask(ctx, func(k *desk) error { return r.exists(k) }); err != nil {
		return nil, err
	}
	last, err := d.lastOffset(ctx, r.stream, least)
	if err != nil {
		return nil, err
	}
	r.end = last
	if to != "" {
		if r.end, err = parsePosition(to); err != nil || r.end > last {
			return nil, because(driver.ErrPosition, fmt.Errorf("to %q", to))
		}
	}
	if n, is := offset.(int64); is && n > last+1 {
		return nil, because(driver.ErrPosition, fmt.Errorf("after %q", from.Position))
	} else if is && n > r.end || last < 0 || from.Kind == driver.StartNewest {
		r.over = true
		return r, nil
	}
	return r, r.open(ctx, offset)
}

// exists tells a missing log from a topic that has no history.
func (r *reader) exists(k *desk) error {
	_, there, err := k.look(r.stream)
	if err != nil || there {
		return err
	}
	topic, err := k.hasExchange(r.topic)
	if err != nil {
		return err
	}
	if topic && r.d.cfg.History == 0 {
		return because(driver.ErrUnsupported, errors.New("the topic has no history: queues are no logs"))
	}
	return missing("log", r.topic)
}

// streamOffset is a start as a stream takes it.
func streamOffset(from driver.Start) (any, error) {
	switch from.Kind {
	case driver.StartNewest:
		return "next", nil
	case driver.StartTime:
		return from.Time, nil
	case driver.StartAfter:
		n, err := parsePosition(from.Position)
		if err != nil {
			return nil, because(driver.ErrPosition, fmt.Errorf("after %q", from.Position))
		}
		return n + 1, nil
	}
	return "first", nil
}

func parsePosition(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// lastOffset returns the offset of a stream's newest message, -1 when it is empty: nothing came, within least or longer. A replica that is behind
// tells less than its leader would.
func (d *Driver) lastOffset(ctx context.Context, stream string, least time.Duration) (int64, error) {
	last := int64(-1)
	err := d.ask(ctx, func(k *desk) (err error) {
		last, err = k.lastOffset(ctx, stream, least)
		return err
	})
	if err != nil {
		return -1, err // last may still be written to
	}
	return last, nil
}

// How long a stream's newest chunk is waited for: of one that counts messages, or where emptiness has consequences that nothing mends, and at least
// of one that counts none, since the count is some seconds old. A broker that is busy, as its answers before tell, is waited for slowness times as
// long as these took.
const (
	fullWait  = 2 * time.Second
	emptyWait = 100 * time.Millisecond
	slowness  = 10
)

// chunkWait is how long to wait, least or longer, where the broker counts so many messages and took so long to answer.
func chunkWait(messages int, took, least time.Duration) time.Duration {
	if messages > 0 {
		return fullWait // it ends without a message where retention took what was counted
	}
	return min(fullWait, max(least, slowness*took))
}

// lastOffset begins to read at the newest chunk, and ends when it has come. The broker sends it in one go, but not at once: with much to do it
// answers a cancel first, as if the stream were empty.
func (d *desk) lastOffset(ctx context.Context, stream string, least time.Duration) (int64, error) {
	last, began := int64(-1), time.Now()
	q, _, err := d.look(stream)
	if err != nil {
		return last, err
	}
	ch, err := d.channel()
	if err != nil {
		return last, err
	}
	tag := rand.Text()
	deliveries, err := consumeStream(ch, stream, tag, "last", maxPrefetch)
	if err != nil {
		return last, err
	}
	patience := time.NewTimer(chunkWait(q.Messages, time.Since(began), least))
	defer patience.Stop()
	select {
	case m, ok := <-deliveries:
		if ok {
			last = offsetOf(&m)
		}
	case <-patience.C:
	case <-ctx.Done():
		return last, context.Cause(ctx)
	}
	if err := ch.Cancel(tag, false); err != nil {
		return last, err
	}
	for m := range deliveries {
		last = offsetOf(&m)
	}
	return last, nil
}

// consumeStream reads a stream from an offset on. Streams want a prefetch and acknowledgements, which only ask for more.
func consumeStream(ch *amqp.Channel, stream, tag string, offset any, prefetch int) (<-chan amqp.Delivery, error) {
	if err := ch.Qos(prefetch, 0, false); err != nil {
		return nil, err
	}
	return ch.Consume(stream, tag, false, false, false, false, amqp.Table{"x-stream-offset": offset})
}

func offsetOf(d *amqp.Delivery) int64 {
	n, _ := d.Headers["x-stream-offset"].(int64)
	return n
}

// reader is an open stream. A lost connection is made up for by reading on behind what was handed out.
type reader struct {
	d      *Driver
	topic  string
	stream string
	end    int64 // the last offset to hand out
	next   any   // where to go on
	since  time.Time
	over   bool

	ch         *amqp.Channel
	deliveries <-chan amqp.Delivery
	batch      []*driver.Message
	unacked    uint64
}

func (r *reader) open(ctx context.Context, offset any) error {
	r.next = offset
	if t, is := offset.(time.Time); is {
		r.since = t
	}
	l, err := r.d.consuming.await(ctx)
	if err != nil {
		return err
	}
	if r.ch, err = l.conn.Channel(); err != nil {
		return err
	}
	r.deliveries, err = consumeStream(r.ch, r.stream, rand.Text(), offset, readWindow)
	return err
}

// Next implements driver.Reader.
func (r *reader) Next(ctx context.Context) ([]*driver.Message, error) {
	r.batch = nil // what was handed out last is the caller's until now
	for len(r.batch) == 0 {
		if r.over {
			return nil, io.EOF
		}
		if ctx.Err() != nil {
			return nil, fail("read", r.topic, context.Cause(ctx))
		}
		if err := r.fill(ctx); err != nil {
			return nil, fail("read", r.topic, err)
		}
	}
	return r.batch, nil
}

// fill waits for a message and takes those behind it.
func (r *reader) fill(ctx context.Context) error {
	select {
	case d, ok := <-r.deliveries:
		if !ok {
			return r.open(ctx, r.next)
		}
		r.take(&d)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for len(r.batch) < readWindow/2 && !r.over {
		select {
		case d, ok := <-r.deliveries:
			if ok {
				r.take(&d)
				continue
			}
		default:
		}
		break
	}
	if r.unacked > 0 {
		_ = r.ch.Ack(r.unacked, true) // a lost channel is opened again
		r.unacked = 0
	}
	return nil
}

// take keeps a message that is wanted: streams begin with a whole chunk, which may reach back before the start.
func (r *reader) take(d *amqp.Delivery) {
	r.unacked = d.DeliveryTag
	n := offsetOf(d)
	if from, is := r.next.(int64); is && n < from {
		return
	}
	if n >= r.end {
		r.over = true
	}
	if n > r.end {
		return
	}
	r.next = n + 1
	if !r.since.IsZero() && sent(d) < r.since.UnixMilli() {
		return
	}
	m := decode(d)
	m.Source, m.Position = driver.NewSource(r.stream), strconv.FormatInt(n, 10)
	r.batch = append(r.batch, m)
}

// Close implements driver.Reader.
func (r *reader) Close(context.Context) error {
	if r.ch != nil {
		_ = r.ch.Close() // an error means that it is closed
	}
	r.over = true
	return nil
}
