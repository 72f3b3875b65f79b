package drivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// bytesEnough is a maxBytes that never binds.
const bytesEnough = 64 << 20

// member is one subscription in a test.
type member struct {
	driver.Subscription
	f *fixture
}

// spec is what most subscriptions ask for.
func (f *fixture) spec(topic, group string) driver.Spec {
	return driver.Spec{Topic: topic, Group: group, Window: 256, WindowBytes: 32 << 20, Member: f.name("m")}
}

// join subscribes. The subscription is closed at the end with its driver.
func (f *fixture) join(d driver.Driver, spec driver.Spec) *member {
	f.Helper()
	ctx, cancel := f.within()
	defer cancel()
	sub, err := d.Subscribe(ctx, spec)
	if err != nil {
		f.Fatalf("Subscribe(%s, %q): %v", spec.Topic, spec.Group, err)
	}
	return &member{Subscription: sub, f: f}
}

// reader is a subscription that sees what is published from now on: a group of its own where there are groups, else a broadcast.
func (f *fixture) reader(d driver.Driver, topic string) *member {
	f.Helper()
	return f.join(d, f.readerSpec(topic))
}

func (f *fixture) readerSpec(topic string) driver.Spec {
	spec := f.spec(topic, "")
	if f.has(driver.FeatureGroups) {
		spec.Group = f.name("g")
	} else {
		spec.Broadcast = true
	}
	return spec
}

// refused demands that Subscribe fails with the error.
func (f *fixture) refused(d driver.Driver, spec driver.Spec, want error) {
	f.Helper()
	ctx, cancel := f.within()
	defer cancel()
	sub, err := d.Subscribe(ctx, spec)
	if !errors.Is(err, want) {
		f.Errorf("Subscribe(%+v) = %v, want an error that wraps %q", describe(spec), err, want)
	}
	if err == nil {
		_ = sub.Close(ctx)
	}
}

// describe is what a failure shows of a spec.
func describe(s driver.Spec) string {
	return fmt.Sprintf("topic %s group %q broadcast %v types %v start %+v partitions %d", s.Topic, s.Group, s.Broadcast, s.Types, s.Start, s.Partitions)
}

// collect receives until there are n messages or the time is over. It is safe to call from any goroutine.
func (m *member) collect(n int, d time.Duration) ([]*driver.Message, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(m.f.Context()), d, errPatience)
	defer cancel()
	var got []*driver.Message
	for len(got) < n {
		batch, err := m.Receive(ctx, n-len(got), bytesEnough)
		if err != nil {
			return got, err
		}
		if len(batch) == 0 || len(batch) > n-len(got) {
			return got, fmt.Errorf("a Receive returned %d messages, want 1 to %d", len(batch), n-len(got))
		}
		got = append(got, batch...)
	}
	return got, nil
}

// take receives n messages and holds them.
func (m *member) take(n int) []*driver.Message {
	m.f.Helper()
	got, err := m.collect(n, m.f.h.Patience)
	if err != nil {
		m.f.Fatalf("received %d of %d messages: %v", len(got), n, err)
	}
	return got
}

// drain receives n messages, settles each batch at once, and returns what was carried.
func (m *member) drain(n int) []carried {
	m.f.Helper()
	got, err := m.drainWithin(n, m.f.h.Patience)
	if err != nil {
		m.f.Fatalf("received %d of %d messages: %v", len(got), n, err)
	}
	return got
}

// drainWithin is drain for any goroutine: patience starts again with each batch.
func (m *member) drainWithin(n int, patience time.Duration) ([]carried, error) {
	var got []carried
	for len(got) < n {
		batch, err := m.receive(patience, n-len(got))
		if err != nil {
			return got, err
		}
		for _, msg := range batch {
			got = append(got, carry(msg))
		}
		m.settle(driver.Ack, batch...)
	}
	return got, nil
}

// receive is one Receive with a time limit.
func (m *member) receive(d time.Duration, most int) ([]*driver.Message, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(m.f.Context()), d, errPatience)
	defer cancel()
	return m.Receive(ctx, most, bytesEnough)
}

// pump receives and acks until ctx ends, showing each message first. It returns nil when ctx ended it.
func (m *member) pump(ctx context.Context, each func(msg *driver.Message)) error {
	for {
		batch, err := m.Receive(ctx, 16, bytesEnough)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, msg := range batch {
			each(msg)
		}
		m.settle(driver.Ack, batch...)
	}
}

// quiet demands that nothing arrives for a while.
func (m *member) quiet() {
	m.f.Helper()
	batch, err := m.receive(m.f.h.Quiet, 64)
	if err == nil {
		m.f.Errorf("received %v, want nothing", ids(batch))
		return
	}
	if !errors.Is(err, errPatience) {
		m.f.Errorf("Receive: %v, want to wait until its context ends", err)
	}
}

// settle gives each message the same verdict.
func (m *member) settle(v driver.Verdict, msgs ...*driver.Message) {
	outcomes := make([]driver.Outcome, len(msgs))
	for i, msg := range msgs {
		outcomes[i] = driver.Outcome{Message: msg, Verdict: v}
	}
	m.Settle(outcomes)
}

// leave closes the subscription.
func (m *member) leave() {
	m.f.Helper()
	ctx, cancel := m.f.within()
	defer cancel()
	if err := m.Close(ctx); err != nil {
		m.f.Errorf("Close of the subscription: %v", err)
	}
}
