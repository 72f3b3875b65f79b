package drivertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// fixture is what one sentence works with: names of its own, drivers that are closed at the end, and fates that are audited after that.
// Methods that fail the test at once are for the sentence's own goroutine.
type fixture struct {
	T
	h      Harness
	caps   driver.Capabilities
	prefix string
	serial atomic.Int64

	mu   sync.Mutex
	sent []*results
}

var errPatience = errors.New("patience is over")

func newFixture(t T, h Harness, p probe) *fixture {
	f := &fixture{T: t, h: h, caps: p.caps, prefix: "dt-" + strings.ToLower(rand.Text()[:10])}
	t.Cleanup(func() { // the first cleanup runs last: every driver is closed by then
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, r := range f.sent {
			r.audit(t)
		}
	})
	return f
}

// has tells whether a feature is there.
func (f *fixture) has(name driver.Feature) bool { return f.caps.Features[name].Level != driver.Refused }

// within returns a context for something that must happen.
func (f *fixture) within() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(f.Context()), f.h.Patience, errPatience)
}

// name returns a name that nobody else has.
func (f *fixture) name(kind string) string {
	return f.prefix + "-" + kind + strconv.FormatInt(f.serial.Add(1), 10)
}

// to is the address of a topic. Where there are no groups, nothing is routed, and only what readers see counts.
func (f *fixture) to(topic string) driver.Address {
	if !f.has(driver.FeatureGroups) {
		return driver.Address{Topic: topic, Unrouted: driver.Drop}
	}
	return driver.Address{Topic: topic}
}

// open opens a connection that is closed at the end.
func (f *fixture) open() driver.Driver {
	f.Helper()
	ctx, cancel := f.within()
	defer cancel()
	d, err := f.h.Open(ctx)
	if err != nil {
		f.Fatalf("open: %v", err)
	}
	f.Cleanup(func() {
		ctx, cancel := f.within()
		defer cancel()
		if err := d.Close(ctx); err != nil {
			f.Logf("close at the end: %v", err)
		}
	})
	return d
}

// shut closes a driver and demands that it succeeds.
func (f *fixture) shut(d driver.Driver) {
	f.Helper()
	ctx, cancel := f.within()
	defer cancel()
	if err := d.Close(ctx); err != nil {
		f.Errorf("Close: %v", err)
	}
}

// event returns a message that nobody else has, with each attribute set.
func (f *fixture) event(key string) *driver.Message {
	n := f.serial.Add(1)
	return &driver.Message{
		ID: fmt.Sprintf("%s-%06d", f.prefix, n), Type: "order.placed", Key: key, ContentType: "application/json",
		Time: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n)), Slot: driver.Slot(key),
		Headers: []driver.Header{{Key: "n", Value: strconv.FormatInt(n, 10)}, {Key: "tenant", Value: "acme"}},
		Body:    fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

// events returns n messages of one key.
func (f *fixture) events(n int, key string) []*driver.Message {
	msgs := make([]*driver.Message, n)
	for i := range msgs {
		msgs[i] = f.event(key)
	}
	return msgs
}

// track makes results that are audited at the end.
func (f *fixture) track(n int) *results {
	r := newResults(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, r)
	return r
}

// send calls Send and returns without waiting for fates. It is safe to call from any goroutine.
func (f *fixture) send(d driver.Driver, to driver.Address, msgs ...*driver.Message) *results {
	r := f.track(len(msgs))
	ctx, cancel := f.within()
	defer cancel()
	d.Publisher().Send(ctx, to, msgs, r)
	return r
}

// wait waits until each message has its fate.
func (f *fixture) wait(r *results) {
	f.Helper()
	if !r.within(f.h.Patience) {
		f.Fatalf("%d messages have no fate after %v", r.unknown(), f.h.Patience)
	}
}

// want waits for fates and demands that all are the same.
func (f *fixture) want(r *results, fate driver.Fate) {
	f.Helper()
	f.wait(r)
	for i := range r.calls {
		if got, err := r.at(i); got != fate {
			f.Fatalf("message %d of %d is %v (%v), want %v", i, len(r.calls), got, err, fate)
		}
	}
}

// publish sends and demands that all is stored.
func (f *fixture) publish(d driver.Driver, to driver.Address, msgs ...*driver.Message) {
	f.Helper()
	f.want(f.send(d, to, msgs...), driver.Stored)
}

// pause lets time pass, for starts by time and for watching that nothing happens.
func (f *fixture) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.Context().Done():
	}
}

// eventually waits until ok says yes, asking again and again, and fails with what it last said.
func (f *fixture) eventually(ok func() (bool, string)) {
	f.Helper()
	deadline := time.Now().Add(f.h.Patience)
	for {
		done, state := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("after %v: %s", f.h.Patience, state)
		}
		f.pause(5 * time.Millisecond)
	}
}

// disconnect takes the broker away; at the end it is there again.
func (f *fixture) disconnect() {
	f.Helper()
	f.Cleanup(func() {
		if err := f.h.Reconnect(); err != nil {
			f.Errorf("harness: reconnect at the end: %v", err)
		}
	})
	f.must(f.h.Disconnect())
}

// must stops the test when the harness fails.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("harness: %v", err)
	}
}
