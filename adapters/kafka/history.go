package kafka

import (
	"context"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Read implements driver.History. The partitions are merged by the time at which records were written, then by partition; a position names
// a place in that order. Records of one partition stay in their order.
func (d *Driver) Read(ctx context.Context, topic string, from driver.Start, to string) (driver.Reader, error) {
	h := &history{d: d, topic: topicName(topic), conns: map[int32]*conn{}, source: driver.NewSource("history of " + topic)}
	err := retry(ctx, func() error { return h.open(ctx, from, to) })
	if err != nil {
		return nil, fail("read", topic, err)
	}
	return h, nil
}

// history is an open Reader.
type history struct {
	d       *Driver
	topic   string
	log     topicID // of the topic that was opened
	cursors []*cursor
	conns   map[int32]*conn
	source  *driver.Source
	reader  reader
	texts   []byte
	closed  bool
}

// cursor is the place in one partition.
type cursor struct {
	partition int
	next, end int64
	chunk     records
	head      record
	full      bool // head holds a record
}

// historyRun is how many messages Next returns at most.
const historyRun = 256

func (h *history) open(ctx context.Context, from driver.Start, to string) error {
	t, err := h.d.cluster.topicNow(ctx, h.topic)
	if err != nil {
		return err
	}
	n := len(t.leaders)
	begin, err := h.d.cluster.begin(ctx, h.topic, n, from)
	if err != nil {
		return err
	}
	var end []int64
	if to == "" {
		end, err = h.d.cluster.listOffsets(ctx, h.topic, every(n, atNewest))
	} else {
		end, err = h.d.cluster.behind(ctx, h.topic, n, to)
	}
	if err != nil {
		return err
	}
	h.log, h.cursors = t.id, h.cursors[:0]
	for i := range n {
		h.cursors = append(h.cursors, &cursor{partition: i, next: begin[i], end: end[i]})
	}
	return nil
}

// Next implements driver.Reader.
func (h *history) Next(ctx context.Context) ([]*driver.Message, error) {
	if h.closed {
		return nil, fail("read", h.topic, driver.ErrClosed)
	}
	slab := make([]driver.Message, historyRun)
	out := make([]*driver.Message, 0, historyRun)
	ends := make([]int, 0, historyRun)
	h.texts = h.texts[:0]
	for len(out) < historyRun {
		c, err := h.lowest(ctx, len(out) > 0)
		if err != nil {
			return nil, fail("read", h.topic, err)
		}
		if c == nil {
			break
		}
		m := &slab[len(out)]
		h.reader.fill(m, &c.head)
		m.Source = h.source
		h.texts = position(h.texts, c.partition, c.head.offset, c.head.time)
		ends = append(ends, len(h.texts))
		out = append(out, m)
		c.full = false
	}
	if len(out) == 0 {
		return nil, io.EOF
	}
	text, at := string(h.texts), 0
	for i, m := range out {
		m.Position = text[at:ends[i]]
		at = ends[i]
	}
	return out, nil
}

// lowest returns the cursor whose record comes next, nil at the end. With something in hand it does not wait for the network.
func (h *history) lowest(ctx context.Context, some bool) (*cursor, error) {
	var first *cursor
	for _, c := range h.cursors {
		for !c.full && !c.advance() && c.next < c.end {
			if some {
				return nil, nil //nolint:nilnil // enough for now
			}
			if err := h.fetch(ctx, c); err != nil {
				return nil, err
			}
		}
		if c.full && (first == nil || c.head.time < first.head.time) {
			first = c
		}
	}
	return first, nil
}

// advance reads the next record of what was fetched, unless it lies behind the end.
func (c *cursor) advance() bool {
	if c.next >= c.end || !c.chunk.read(&c.head) {
		c.next = max(c.next, c.chunk.next)
		return false
	}
	c.next = c.chunk.next
	c.full = c.head.offset < c.end
	if !c.full {
		c.next = c.end
	}
	return c.full
}

// fetch reads on in one partition, again and again until its leader answers.
func (h *history) fetch(ctx context.Context, c *cursor) error {
	pause := backoff.New(retryFirst, retryMost)
	for {
		g, err := h.ask(ctx, c)
		switch {
		case err == nil && is(g.err, kafkago.OffsetOutOfRange):
			return fmt.Errorf("%w: retention has overtaken the reader at offset %d of partition %d", driver.ErrPosition, c.next, c.partition)
		case err == nil && g.err == nil:
			data, _ := whole(g.data)
			if len(data) == 0 && g.stable >= c.end {
				c.next = c.end // nothing is left before the end
			}
			c.chunk = newRecords(data, c.next, g.aborted)
			return nil
		case err == nil:
			err = g.err
			_ = h.d.cluster.refresh(ctx, h.topic)
		}
		if t := h.d.cluster.known(h.topic); t != nil && t.id.anotherThan(h.log) {
			return fmt.Errorf("%w: the topic was deleted and made again", driver.ErrPosition)
		}
		if permanent(err) {
			return err
		}
		if pause.Wait(ctx) != nil {
			return ended(ctx, err)
		}
	}
}

func (h *history) ask(ctx context.Context, c *cursor) (*got, error) {
	leader := h.d.cluster.leader(h.topic, c.partition)
	if leader == noBroker {
		_ = h.d.cluster.refresh(ctx, h.topic)
		return nil, errNoLeader
	}
	line := h.conns[leader]
	if line == nil || line.dead() {
		h.d.cluster.hangUp(line)
		delete(h.conns, leader)
		var err error
		if line, err = h.d.cluster.dial(ctx, leader); err != nil {
			_ = h.d.cluster.refresh(ctx, h.topic)
			return nil, err
		}
		h.conns[leader] = line
	}
	answers, err := line.fetch(ctx, []want{{h.topic, c.partition, c.next, feedBytes, h.log}}, fetchWait, feedBytes)
	if err != nil {
		return nil, err
	}
	if len(answers) != 1 {
		return nil, errProtocol
	}
	return &answers[0], nil
}

// Close implements driver.Reader.
func (h *history) Close(context.Context) error {
	h.closed = true
	for _, c := range h.conns {
		h.d.cluster.hangUp(c)
	}
	clear(h.conns)
	h.source.Lose()
	return nil
}
