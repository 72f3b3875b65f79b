package rabbitmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Somebody removes every binding of a group, while its members are away. Its topic looks as if it had no group then; but it has one, so an
// event is neither refused as unroutable nor taken for one that nobody wants: it is refused once at most, and the group is bound again.
func TestAllBindingsRemoved(t *testing.T) {
	b := shared(t)
	for _, partitions := range []int{0, 3} {
		for _, who := range []string{"the publisher that knew it", "another publisher", "a publisher with history"} {
			t.Run(fmt.Sprintf("%s, partitions %d", who, partitions), func(t *testing.T) {
				topic, old := matrix.Topic(), connect(t, b)
				spec := driver.Spec{Topic: topic, Group: "away", Types: []string{"thing.*"}, Partitions: partitions, Window: 10, WindowBytes: 1 << 20}
				sub, err := old.Subscribe(t.Context(), spec)
				must(t, err)
				must(t, sub.Close(t.Context()))
				publisher := old
				switch who {
				case "another publisher":
					publisher = connect(t, b)
				case "a publisher with history":
					publisher = connect(t, b, func(c *rabbitmq.Config) { c.History = 1 << 40 })
				}
				if fate := send(t, old, topic, "1"); fate != driver.Stored {
					t.Fatalf("before: %v", fate)
				}
				unbind(t, b, topic, partitions)
				fate := send(t, publisher, topic, "2")
				if fate == driver.Unavailable {
					fate = send(t, publisher, topic, "2")
				}
				if fate != driver.Stored {
					t.Fatalf("after: %v, want stored at the second try at the latest", fate)
				}
				sub, err = old.Subscribe(t.Context(), spec)
				must(t, err)
				for _, want := range []string{"1", "2"} {
					if got := receive(t, sub); got.ID != want {
						t.Errorf("got %s, want %s", got.ID, want)
					}
				}
				must(t, sub.Close(t.Context()))
			})
		}
	}
}

// unbind removes all that leads to the group "away" by hand.
func unbind(t *testing.T, b *brokers.Broker, topic string, partitions int) {
	t.Helper()
	plain, queue := channel(t, b), driver.Name(driver.KindGroup, topic, "away")
	if partitions == 0 {
		must(t, plain.QueueUnbind(queue, "thing.*", topic, nil))
		must(t, plain.QueueUnbind(queue, "", topic, nil))
	} else {
		queue += "..0"
		slots := driver.Name("slots", topic, "away")
		must(t, plain.ExchangeUnbind(slots, "thing.*", topic, false, nil))
		must(t, plain.ExchangeUnbind(slots, "", topic, false, nil))
	}
	must(t, plain.QueueUnbind(queue, "herald group", driver.Name("groups", topic, ""), nil))
}

// The same, and the list of the topic's groups can't be read, since the connection that reads is away: the event is refused as unavailable until
// it can be told whether the topic has groups, and not called unroutable, by which its publisher would give up. Of a topic that never had a group
// it is known all the same.
func TestAllBindingsRemovedWhileNobodyCanTell(t *testing.T) {
	b := shared(t)
	for _, who := range []string{"the publisher that knew it", "another publisher", "a publisher with history"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			topic, old, reading := matrix.Topic(), connect(t, b), &gate{name: "herald consuming"}
			spec := driver.Spec{Topic: topic, Group: "away", Types: []string{"thing.*"}, Window: 10, WindowBytes: 1 << 20}
			sub, err := old.Subscribe(t.Context(), spec)
			must(t, err)
			must(t, sub.Close(t.Context()))
			publisher := connect(t, b, func(c *rabbitmq.Config) {
				if c.Dial = reading.dial; who == "a publisher with history" {
					c.History = 1 << 40
				}
			})
			if who == "the publisher that knew it" {
				if fate := send(t, publisher, topic, "1"); fate != driver.Stored {
					t.Fatalf("before: %v", fate)
				}
			}
			unbind(t, b, topic, 0)
			reading.shut()
			if fate := send(t, publisher, matrix.Topic(), "0"); fate != driver.Unroutable {
				t.Errorf("to a topic that never had a group: %v, want unroutable", fate)
			}
			for range 2 {
				if fate := send(t, publisher, topic, "2"); fate != driver.Unavailable {
					t.Fatalf("while nobody can tell: %v, want unavailable", fate)
				}
			}
			reading.open()
			fate := send(t, publisher, topic, "2")
			for began := time.Now(); fate == driver.Unavailable && time.Since(began) < patience; {
				fate = send(t, publisher, topic, "2")
			}
			if fate != driver.Stored {
				t.Fatalf("after: %v, want stored", fate)
			}
			sub, err = old.Subscribe(t.Context(), spec)
			must(t, err)
			wants := []string{"1", "2"}
			if who != "the publisher that knew it" {
				wants = wants[1:]
			}
			for _, want := range wants {
				if got := receive(t, sub); got.ID != want {
					t.Errorf("got %s, want %s", got.ID, want)
				}
			}
			must(t, sub.Close(t.Context()))
		})
	}
}

// Who may not read the list of the topic's groups is told what the broker says: nobody is there for the event. To ask again would change nothing.
func TestAllBindingsRemovedAndNoRightToLook(t *testing.T) {
	b := shared(t)
	topic, old := matrix.Topic(), connect(t, b)
	sub, err := old.Subscribe(t.Context(), driver.Spec{Topic: topic, Group: "away", Types: []string{"thing.*"}, Window: 10, WindowBytes: 1 << 20})
	must(t, err)
	must(t, sub.Close(t.Context()))
	user, d := half(t, b)
	ctl(t, b, "set_permissions", user, "", "^"+topic+"$", "")
	if fate := send(t, d, topic, "1"); fate != driver.Stored {
		t.Fatalf("before: %v", fate)
	}
	unbind(t, b, topic, 0)
	for range 2 {
		if fate := send(t, d, topic, "2"); fate != driver.Unroutable {
			t.Errorf("after: %v, want unroutable", fate)
		}
	}
}

// gate lets connections through but for those that tell a name, while it is shut.
type gate struct {
	name string

	mu     sync.Mutex
	closed bool
	named  []net.Conn
}

func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &gated{conn, g}, err
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, c := range g.named {
		_ = c.Close()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// told notes that a connection has told the name, and reports whether it may go on.
func (g *gate) told(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.named = append(g.named, c)
	return !g.closed
}

type gated struct {
	net.Conn
	g *gate
}

func (c *gated) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.g.name)) && !c.g.told(c.Conn) {
		return 0, errors.Join(net.ErrClosed, c.Conn.Close())
	}
	return c.Conn.Write(p)
}
