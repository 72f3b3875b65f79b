package watermill_test

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

// The suite's TestReconnect compares what it has received with a list of what it has published, to which a goroutine of its own appends after
// Publish has returned, and does not wait for that: a message that arrives before is one too many. So messages are kept back there until their
// Publish has returned, and a moment longer.
const (
	listed   = 50 * time.Millisecond
	notMine  = 5 * time.Second // for what nobody has published here, or whose Publish failed
	lookEach = 5 * time.Millisecond
)

// settled knows when messages were published.
type settled struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *settled) since(id string) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[id]
	return time.Since(at), ok
}

// noting is a publisher that notes when Publish returned.
type noting struct {
	*heraldwatermill.Publisher
	s *settled
}

func (n noting) Publish(topic string, messages ...*message.Message) error {
	err := n.Publisher.Publish(topic, messages...)
	if err != nil {
		return err
	}
	n.s.mu.Lock()
	defer n.s.mu.Unlock()
	for _, m := range messages {
		n.s.at[m.UUID] = time.Now()
	}
	return nil
}

// waiting is a subscriber whose messages come when they are settled.
type waiting struct {
	*heraldwatermill.Subscriber
	s *settled
}

func (w waiting) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := w.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for m := range in {
			w.s.await(m)
			select {
			case out <- m:
			case <-m.Context().Done():
			}
		}
	}()
	return out, nil
}

func (s *settled) await(m *message.Message) {
	look := time.NewTicker(lookEach)
	defer look.Stop()
	for began := time.Now(); time.Since(began) < notMine; {
		if age, ok := s.since(m.UUID); ok && age >= listed {
			return
		}
		select {
		case <-look.C:
		case <-m.Context().Done():
			return
		}
	}
}
