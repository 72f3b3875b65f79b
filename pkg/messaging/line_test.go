package messaging_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// line is a driver whose publisher only queues: the test claims messages and tells their fates. With answer set, it tells them at once.
type line struct {
	caps   driver.Capabilities
	answer func(i int, m *driver.Message) (driver.Fate, error)
	// arrived, when set, is called with each message instead of queueing it.
	arrived func(*queued)

	mu    sync.Mutex
	queue []*queued
}

// queued is a message of a Send.
type queued struct {
	*driver.Message
	to   driver.Address
	i    int
	done func(i int, fate driver.Fate, err error)
}

func (q *queued) tell(fate driver.Fate, err error) { q.done(q.i, fate, err) }

// stored answers every message so.
func stored(int, *driver.Message) (driver.Fate, error) { return driver.Stored, nil }

func (l *line) Capabilities() driver.Capabilities {
	caps := l.caps
	caps.Broker = "line"
	return caps
}
func (l *line) Publisher() driver.Publisher { return linePublisher{l} }
func (l *line) Close(context.Context) error { return nil }
func (l *line) Subscribe(context.Context, driver.Spec) (driver.Subscription, error) {
	return nil, driver.ErrUnsupported
}

// linePublisher is apart from line because both have a Close.
type linePublisher struct{ *line }

func (p linePublisher) Send(_ context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	p.mu.Lock()
	for i, m := range msgs {
		if p.answer != nil { // then it is the caller's again before anybody looks
			kept := *m
			kept.Headers = slices.Clone(m.Headers)
			m = &kept
		}
		q := &queued{Message: m, to: to, i: i, done: r.Done}
		if p.arrived != nil {
			p.arrived(q)
			continue
		}
		p.queue = append(p.queue, q)
	}
	p.mu.Unlock()
	if p.answer == nil {
		return
	}
	for i, m := range msgs {
		if !m.Claim() {
			r.Done(i, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		fate, err := p.answer(i, m)
		r.Done(i, fate, err)
	}
}

// sent returns the messages so far.
func (l *line) sent() []*queued {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*queued(nil), l.queue...)
}

// broker opens a broker over the line.
func (l *line) broker(t testing.TB, opts ...messaging.Option) *messaging.Broker {
	t.Helper()
	b, err := messaging.New(t.Context(), l, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// sentinels are all the errors to branch on after a Publish.
var sentinels = map[string]error{
	"invalid": messaging.ErrInvalid, "too large": messaging.ErrTooLarge, "denied": messaging.ErrDenied,
	"unavailable": messaging.ErrUnavailable, "unconfirmed": messaging.ErrUnconfirmed, "unrouted": messaging.ErrUnrouted,
}

// isOnly checks that err is that sentinel and no other.
func isOnly(t *testing.T, err error, want string) {
	t.Helper()
	for name, sentinel := range sentinels {
		if got := errors.Is(err, sentinel); got != (name == want) {
			t.Errorf("%v: is %s: %v, want it to be %s alone", err, name, got, want)
		}
	}
}

// failures returns what the PublishError in err names.
func failures(t *testing.T, err error) []messaging.EventError {
	t.Helper()
	var failed *messaging.PublishError
	if !errors.As(err, &failed) {
		t.Errorf("%v is no PublishError", err)
		return nil
	}
	return failed.Failed
}
