package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// outcomes collects what the done functions of asynchronous calls get, in their order.
type outcomes struct {
	mu  sync.Mutex
	got []string
}

// of returns a done function for one event.
func (o *outcomes) of(name string) func(error) {
	return func(err error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.got = append(o.got, name+": "+outcome(err))
	}
}

// outcome names the sentinel of an error.
func outcome(err error) string {
	if err == nil {
		return "stored"
	}
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return err.Error()
}

// want checks all outcomes so far.
func (o *outcomes) want(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.got, want) {
		t.Errorf("outcomes %q, want %q", o.got, want)
	}
}

// keyed returns an event with an id and a key.
func keyed(id, key string) envelope.Event {
	return envelope.New("order.placed", nil, envelope.ID(id), envelope.Key(key))
}

func TestPublishAsync_SendsInOrderAndTellsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		var o outcomes
		for i := range 4 {
			id := fmt.Sprint(i)
			b.PublishAsync(t.Context(), "orders", keyed(id, "k"), o.of(id))
		}
		o.want(t)
		sent := l.sent()
		for i, m := range sent {
			if m.ID != fmt.Sprint(i) {
				t.Errorf("message %d is %s", i, m.ID)
			}
			m.Claim()
		}
		sent[1].tell(driver.Denied, nil)
		sent[0].tell(driver.Stored, nil)
		sent[3].tell(driver.Stored, nil)
		o.want(t, "1: denied", "0: stored", "3: stored")
		time.Sleep(time.Hour) // past the time-out of the one that is left
		o.want(t, "1: denied", "0: stored", "3: stored", "2: unconfirmed")
		sent[2].tell(driver.Stored, nil)
		o.want(t, "1: denied", "0: stored", "3: stored", "2: unconfirmed")
		if want := (messaging.Stats{Published: 4, Unpublished: 2}); b.Stats() != want {
			t.Errorf("counted %+v, want %+v", b.Stats(), want)
		}
	})
}

func TestPublishAsync_DoneMayBeNil(t *testing.T) {
	t.Parallel()
	l := &line{answer: func(int, *driver.Message) (driver.Fate, error) { return driver.Denied, nil }}
	b := l.broker(t)
	b.PublishAsync(t.Context(), "orders", keyed("1", ""), nil)
	b.PublishAsync(t.Context(), "orders", envelope.Event{}, nil)
	if want := (messaging.Stats{Published: 2, Unpublished: 2}); b.Stats() != want {
		t.Errorf("counted %+v, want %+v", b.Stats(), want)
	}
}

func TestPublishAsync_RefusedBeforeSending(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored}
	b := l.broker(t)
	var o outcomes
	b.PublishAsync(t.Context(), "orders", envelope.Event{}, o.of("no type"))
	b.PublishAsync(t.Context(), "no topic", keyed("1", ""), o.of("no topic"))
	o.want(t, "no type: invalid", "no topic: invalid")
	if n := len(l.sent()); n != 0 {
		t.Errorf("%d messages sent", n)
	}
}

func TestPublishAsync_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		var o outcomes
		ctx, cancel := context.WithCancelCause(t.Context())
		var why error
		b.PublishAsync(ctx, "orders", keyed("1", ""), func(err error) { why = err; o.of("1")(err) })
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		b.PublishAsync(short, "orders", keyed("2", ""), o.of("2"))
		b.PublishAsync(t.Context(), "orders", keyed("3", ""), o.of("3"))
		cancel(errClient)
		synctest.Wait()
		o.want(t, "1: unavailable")
		if !errors.Is(why, errClient) {
			t.Errorf("%v hides the cause", why)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		o.want(t, "1: unavailable", "2: unavailable")
		for i, m := range l.sent() {
			if m.Claim() != (i == 2) {
				t.Errorf("message %d may be written: %v", i+1, i != 2)
			}
		}
		time.Sleep(29*time.Second - 1)
		o.want(t, "1: unavailable", "2: unavailable")
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		o.want(t, "1: unavailable", "2: unavailable", "3: unconfirmed")
	})
}

// counting is a context that counts the functions that wait for its end, which never comes.
type counting struct {
	context.Context
	done          chan struct{}
	waiting, ever atomic.Int64
}

// Done implements context.Context.
func (c *counting) Done() <-chan struct{} { return c.done }

// Value implements context.Context.
func (c *counting) Value(any) any { return nil }

// AfterFunc is what context.AfterFunc calls where a context has it.
func (c *counting) AfterFunc(func()) func() bool {
	c.waiting.Add(1)
	c.ever.Add(1)
	return func() bool { c.waiting.Add(-1); return true }
}

func TestPublishAsync_LeavesItsContextAlone(t *testing.T) {
	t.Parallel()
	watched := &counting{Context: t.Context(), done: make(chan struct{})}
	l := &line{answer: stored}
	b := l.broker(t)
	for range 3 {
		b.PublishAsync(watched, "orders", keyed("answered at once", ""), nil)
	}
	if n := watched.ever.Load(); n != 0 {
		t.Errorf("%d watches for what was answered at once", n)
	}
	l.answer = nil
	b.PublishAsync(watched, "orders", keyed("answered later", ""), nil)
	if n := watched.waiting.Load(); n != 1 {
		t.Errorf("%d watches, want one", n)
	}
	sent := l.sent()
	sent[len(sent)-1].tell(driver.Stored, nil)
	if n := watched.waiting.Load(); n != 0 {
		t.Errorf("%d watches are left", n)
	}
}

func TestPublishAsync_HookSeesTheOutcome(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored}
	var o outcomes
	b := l.broker(t, messaging.WithHooks(messaging.Hooks{Publish: func(ctx context.Context, _ string, events []envelope.Event) (context.Context, func(error)) {
		events[0].Key = "changed"
		return ctx, o.of("hook")
	}}))
	b.PublishAsync(t.Context(), "orders", keyed("1", "k"), o.of("done"))
	b.PublishAsync(t.Context(), "orders", envelope.Event{}, nil)
	o.want(t, "hook: stored", "done: stored", "hook: invalid")
	if key := l.sent()[0].Key; key != "changed" {
		t.Errorf("sent with key %q", key)
	}
}

// Memory is bounded by the driver's queue: with it full the call waits for room, within its context.
func TestPublishAsync_WaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{Queue: 3})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error { s.saw("%s", d.ID); return nil })
		s.server.Disconnect()
		var o outcomes
		var begun atomic.Int64
		go func() {
			for i := range 5 {
				id := fmt.Sprint(i)
				s.PublishAsync(t.Context(), "orders", keyed(id, "k"), o.of(id))
				begun.Add(1)
			}
		}()
		time.Sleep(time.Second)
		if n := begun.Load(); n != 3 {
			t.Errorf("%d calls returned with room for 3", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.PublishAsync(ctx, "orders", keyed("late", "other"), o.of("late"))
		o.want(t, "late: unavailable")
		s.server.Reconnect()
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		s.want("0", "1", "2", "3", "4")
		o.want(t, "late: unavailable", "0: stored", "1: stored", "2: stored", "3: stored", "4: stored")
	})
}

func TestFlush_WaitsForWhatWasBegunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		p := b.Publisher()
		if err := p.Flush(t.Context()); err != nil {
			t.Errorf("nothing under way: %v", err)
		}
		var o outcomes
		p.PublishAsync(t.Context(), "orders", keyed("1", ""), o.of("1"))
		p.PublishAsync(t.Context(), "orders", keyed("2", ""), o.of("2"))
		flushed := func() <-chan error {
			c := make(chan error, 1)
			go func() { c <- p.Flush(t.Context()) }()
			synctest.Wait()
			return c
		}
		first := flushed()
		p.PublishAsync(t.Context(), "orders", keyed("3", ""), o.of("3"))
		second := flushed()
		state := func() (n int) { synctest.Wait(); return len(first) + 10*len(second) }
		sent := l.sent()
		for i, want := range []int{0, 1, 11} {
			sent[i].tell(driver.Stored, nil)
			if got := state(); got != want {
				t.Errorf("after %d fates: flushed %d, want %d", i+1, got, want)
			}
		}

		p.PublishAsync(t.Context(), "orders", keyed("4", ""), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Flush(ctx)
		want := &messaging.Error{Op: "flush", Broker: "line", Err: context.DeadlineExceeded}
		if !reflect.DeepEqual(err, error(want)) {
			t.Errorf("flush: %v, want %v", err, want)
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Errorf("the broker's own producer has nothing under way: %v", err)
		}
	})
}

// Fates, contexts and the calls themselves race; each done is called once, and the race detector watches.
func TestPublishAsync_FatesRaceWithContexts(t *testing.T) {
	t.Parallel()
	const rounds = 1000
	var racing sync.WaitGroup
	l := &line{}
	l.arrived = func(q *queued) {
		racing.Go(func() {
			if q.Claim() {
				q.tell(driver.Stored, nil)
			} else {
				q.tell(driver.Unavailable, driver.ErrWithdrawn)
			}
		})
	}
	p := l.broker(t).Publisher(messaging.Ordered())
	var done atomic.Int64
	for i := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		racing.Go(cancel)
		p.PublishAsync(ctx, "orders", keyed(fmt.Sprint(i), fmt.Sprint(i%7)), func(err error) {
			if err != nil && !errors.Is(err, messaging.ErrUnavailable) && !errors.Is(err, messaging.ErrUnconfirmed) {
				t.Error(err)
			}
			done.Add(1)
		})
		p.Resume("orders", fmt.Sprint(i%7))
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if n := done.Load(); n != rounds {
		t.Errorf("done was called %d times for %d events", n, rounds)
	}
	racing.Wait()
	if n := done.Load(); n != rounds {
		t.Errorf("done was called %d times for %d events, some of them late", n, rounds)
	}
}
