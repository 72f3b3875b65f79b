package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
)

func TestRabbitMQ(t *testing.T) {
	b := brokers.Need(t, brokers.RabbitMQ)
	deaf := &deafness{topics: map[string]bool{}, deaf: map[string][]*hearing{}}
	h := harness(t, b, func(ctx context.Context, b *brokers.Broker, dial dial) (driver.Driver, error) {
		cfg, err := rabbitmq.ParseURL(b.URL())
		if err != nil {
			return nil, err
		}
		return deaf.open(ctx, cfg, dial)
	})
	h.FiltersUnknown = true // the broker lists no bindings
	h.Late = 2 * time.Second
	h.Unanswered = deaf.set
	h.Inject = func(ctx context.Context, topic string, headers []driver.Header, body []byte) error {
		return stranger(ctx, b, topic, headers, body)
	}
	if b.Origin() != "given" {
		h.Refuse = (&permissions{b: b}).refuse
	}
	drivertest.Run(t, h)
}

// stranger publishes with the bare client.
func stranger(ctx context.Context, b *brokers.Broker, topic string, headers []driver.Header, body []byte) error {
	conn, err := amqp.Dial(b.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	table := amqp.Table{}
	for _, h := range headers {
		table[h.Key] = h.Value
	}
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, topic, "", true, false, amqp.Publishing{Headers: table, Body: body})
	if err != nil {
		return err
	}
	if ok, err := confirm.WaitContext(ctx); err != nil || !ok {
		return fmt.Errorf("a stranger's message: confirmed %v: %w", ok, errors.Join(err))
	}
	return nil
}

// permissions takes the right to write to some topics from the suite's user.
type permissions struct {
	b *brokers.Broker

	mu     sync.Mutex
	topics []string
}

func (p *permissions) refuse(topic string, on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.topics = slices.DeleteFunc(p.topics, func(t string) bool { return t == topic })
	if on {
		p.topics = append(p.topics, topic)
	}
	write := ".*"
	if len(p.topics) > 0 {
		write = "^(?!(" + strings.Join(p.topics, "|") + ")$).*"
	}
	u, err := url.Parse(p.b.URL())
	if err != nil {
		return err
	}
	vhost := strings.Trim(u.Path, "/")
	if vhost == "" {
		vhost = "/"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = p.b.Exec(ctx, "rabbitmqctl", "set_permissions", "-p", vhost, u.User.Username(), ".*", write, ".*")
	return err
}

// deafness makes drivers deaf that publish to some topics: what the broker answers is lost, and with it the connection when it ends.
type deafness struct {
	mu     sync.Mutex
	topics map[string]bool
	deaf   map[string][]*hearing // by topic: sentences run side by side
}

func (d *deafness) set(topic string, on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.topics[topic] = on
	if on {
		return nil
	}
	for _, h := range d.deaf[topic] {
		h.set(false)
	}
	delete(d.deaf, topic)
	return nil
}

func (d *deafness) open(ctx context.Context, cfg rabbitmq.Config, dial dial) (driver.Driver, error) {
	h := &hearing{}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return h.listen(conn), nil
	}
	inner, err := rabbitmq.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	outer := &impaired{Driver: inner}
	outer.publisher = &impairedPublisher{Publisher: inner.Publisher(), all: d, h: h}
	return outer, nil
}

// hearing is whether a driver's connections hear the broker.
type hearing struct {
	mu     sync.Mutex
	deaf   chan struct{} // closed when it ends; nil while they hear
	spells int           // how often they were deaf until now
}

func (h *hearing) set(deaf bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if deaf && h.deaf == nil {
		h.deaf = make(chan struct{})
	}
	if !deaf && h.deaf != nil {
		close(h.deaf)
		h.deaf = nil
		h.spells++
	}
}

// listen returns a connection that hears until the driver turns deaf.
func (h *hearing) listen(conn net.Conn) *listening {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &listening{Conn: conn, h: h, spells: h.spells}
}

// lost reports whether a connection that was made after so many spells hears nothing any more, and when it may break: at once if over is nil.
func (h *hearing) lost(spells int) (over <-chan struct{}, lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.deaf, h.deaf != nil || h.spells > spells
}

// listening is a connection that loses what comes once it is deaf, however late that is, and breaks with it when the spell is over.
type listening struct {
	net.Conn
	h      *hearing
	spells int
}

func (l *listening) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	over, lost := l.h.lost(l.spells)
	if !lost || err != nil {
		return n, err
	}
	if over != nil {
		<-over
	}
	_ = l.Conn.Close()
	return 0, net.ErrClosed
}

// impaired is a driver that turns deaf when it publishes to a topic whose answers get lost.
type impaired struct {
	*rabbitmq.Driver
	publisher *impairedPublisher
}

func (i *impaired) Publisher() driver.Publisher { return i.publisher }

type impairedPublisher struct {
	driver.Publisher
	all *deafness
	h   *hearing
}

// Send turns deaf after a first message, by which the driver asks all that it asks before it publishes to a topic.
func (p *impairedPublisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	p.all.mu.Lock()
	deaf := p.all.topics[to.Topic]
	p.all.mu.Unlock()
	if deaf {
		heard := make(fated, 1)
		p.Publisher.Send(ctx, to, []*driver.Message{{ID: "before-" + msgs[0].ID, Type: "before"}}, heard)
		<-heard
		p.h.set(true)
		p.all.mu.Lock()
		p.all.deaf[to.Topic] = append(p.all.deaf[to.Topic], p.h)
		p.all.mu.Unlock()
	}
	p.Publisher.Send(ctx, to, msgs, r)
}

// fated is told that a message has its fate.
type fated chan struct{}

func (f fated) Done(int, driver.Fate, error) { f <- struct{}{} }
