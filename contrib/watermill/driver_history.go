package heraldwatermill

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
)

// endMark is the metadata of a message that a reading writes behind what it reads.
const endMark = "herald-end"

// Read implements driver.History for plain logs, such as dead letters; the history of topics is refused. A reading is a group of its own,
// whose name nobody uses again, and its end is a mark that it publishes: positions count the messages before.
func (d *Driver) Read(ctx context.Context, topic string, from driver.Start, to string) (driver.Reader, error) {
	if !d.config.Groups || d.groups.has(topic, "") {
		return nil, fmt.Errorf("read %s: %w: topics are no logs", topic, driver.ErrUnsupported)
	}
	r := &logReader{topic: topic, name: d.config.topicOf(driver.Address{Topic: topic, Log: true}), mark: rand.Text()}
	if err := r.bound(from, to); err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	sub, err := d.config.Subscriber("herald-reader-" + strings.ToLower(r.mark))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	r.sub = sub
	if err := r.open(ctx, d.config.Publisher); err != nil {
		_ = r.Close(ctx)
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	return r, nil
}

// logReader is one reading of a log. It is used by one goroutine at a time.
type logReader struct {
	topic    string
	name     string // Watermill's
	mark     string
	sub      message.Subscriber
	in       <-chan *message.Message
	cancel   context.CancelFunc
	seen     int
	skip     int
	last     int // 0 is the mark
	over     bool
	closed   bool
	closeErr error
}

// bound reads where the reading begins and ends.
func (r *logReader) bound(from driver.Start, to string) (err error) {
	switch from.Kind {
	case driver.StartDefault, driver.StartOldest:
	case driver.StartAfter:
		if r.skip, err = strconv.Atoi(from.Position); err != nil || r.skip < 1 {
			return driver.ErrPosition
		}
	default:
		return driver.ErrUnsupported
	}
	if to == "" {
		return nil
	}
	if r.last, err = strconv.Atoi(to); err != nil || r.last < 1 {
		return driver.ErrPosition
	}
	return nil
}

func (r *logReader) open(ctx context.Context, publisher message.Publisher) error {
	if i, ok := r.sub.(message.SubscribeInitializer); ok {
		if err := i.SubscribeInitialize(r.name); err != nil {
			return err
		}
	}
	mark := message.NewMessage(strings.ToLower(r.mark), nil)
	mark.Metadata.Set(endMark, r.mark)
	if err := publisher.Publish(r.name, mark); err != nil {
		return err
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	in, err := r.sub.Subscribe(lasting, r.name)
	r.in = in
	return err
}

// Next implements driver.Reader.
func (r *logReader) Next(ctx context.Context) ([]*driver.Message, error) {
	for !r.over {
		select {
		case msg, open := <-r.in:
			if !open {
				return nil, errChannelClosed
			}
			msg.Ack()
			if m := r.read(msg); m != nil {
				return []*driver.Message{m}, nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if r.last > r.seen {
		return nil, driver.ErrPosition
	}
	return nil, io.EOF
}

// read takes one message in; nil when it is not to be handed out.
func (r *logReader) read(msg *message.Message) *driver.Message {
	for key, value := range msg.Metadata {
		if strings.EqualFold(key, endMark) {
			r.over = value == r.mark
			return nil
		}
	}
	r.seen++
	if r.seen <= r.skip {
		return nil
	}
	r.over = r.seen == r.last
	m := decode(msg, driver.NewSource(r.topic))
	m.Position = strconv.Itoa(r.seen)
	return m
}

// Close implements driver.Reader.
func (r *logReader) Close(context.Context) error {
	if r.closed {
		return r.closeErr
	}
	r.closed = true
	if r.cancel != nil {
		r.cancel()
	}
	r.closeErr = r.sub.Close()
	return r.closeErr
}
