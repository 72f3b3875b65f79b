package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// placed returns events of one type with these ids.
func placed(ids ...string) []envelope.Event {
	events := make([]envelope.Event, len(ids))
	for i, id := range ids {
		events[i] = envelope.New("order.placed", []byte(`{}`), envelope.ID(id))
	}
	return events
}

var errClient = errors.New("what the client said")

var everyFate = []struct {
	fate driver.Fate
	want string
}{
	{driver.Unroutable, "unrouted"},
	{driver.Invalid, "invalid"},
	{driver.TooLarge, "too large"},
	{driver.Denied, "denied"},
	{driver.Unavailable, "unavailable"},
	{driver.Unconfirmed, "unconfirmed"},
	{0, "unconfirmed"},
	{99, "unconfirmed"},
}

func TestPublish_EachFateIsItsSentinel(t *testing.T) {
	t.Parallel()
	for _, tc := range everyFate {
		l := &line{answer: func(int, *driver.Message) (driver.Fate, error) { return tc.fate, errClient }}
		err := l.broker(t).Publish(t.Context(), "orders", placed("1")...)
		isOnly(t, err, tc.want)
		if !errors.Is(err, errClient) {
			t.Errorf("%v hides the client's error", err)
		}
		if want := fmt.Sprintf("publish orders: %v: %v", sentinels[tc.want], errClient); err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

func TestPublish_NilOnlyWhenEveryEventIsStored(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored}
	b := l.broker(t)
	if err := b.Publish(t.Context(), "orders", placed("1", "2", "3")...); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), "orders"); err != nil {
		t.Errorf("nothing to publish: %v", err)
	}
	for _, tc := range everyFate {
		for bad := range 3 {
			l.answer = func(i int, _ *driver.Message) (driver.Fate, error) {
				if i == bad {
					return tc.fate, nil
				}
				return driver.Stored, nil
			}
			failed := failures(t, b.Publish(t.Context(), "orders", placed("1", "2", "3")...))
			want := []messaging.EventError{{Index: bad, ID: fmt.Sprint(bad + 1), Err: sentinels[tc.want]}}
			if !reflect.DeepEqual(failed, want) {
				t.Errorf("%v at %d: %v, want %v", tc.fate, bad, failed, want)
			}
		}
	}
}

func TestPublishError_IsOnlyWhatEveryFailedEventIs(t *testing.T) {
	t.Parallel()
	answers := []driver.Fate{driver.Unavailable, driver.Stored, driver.Unconfirmed, driver.Unavailable}
	l := &line{answer: func(i int, _ *driver.Message) (driver.Fate, error) { return answers[i], &cause{i} }}
	b := l.broker(t)
	err := b.Publish(t.Context(), "orders", placed("a", "b", "c", "d")...)
	isOnly(t, err, "")
	var c *cause
	if !errors.As(err, &c) || c.i != 0 {
		t.Errorf("As found %v, want the first failed event's cause", c)
	}
	if want := "publish orders: 3 of 4 events failed, first a: unavailable, not stored: cause 0"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	answers[2] = driver.Unavailable
	isOnly(t, b.Publish(t.Context(), "orders", placed("a", "b", "c", "d")...), "unavailable")
	if want := (messaging.Stats{Published: 8, Unpublished: 6}); b.Stats() != want {
		t.Errorf("counted %+v, want %+v", b.Stats(), want)
	}
}

type cause struct{ i int }

func (c *cause) Error() string { return fmt.Sprint("cause ", c.i) }

func TestPublish_RefusesBeforeSending(t *testing.T) {
	t.Parallel()
	limits := envelope.Limits{Message: 1000, HeaderBytes: 100, HeaderCount: 2}
	l := &line{answer: stored}
	b := l.broker(t, messaging.WithConfig(messaging.Config{Limits: limits}))
	event := func(opts ...envelope.Option) envelope.Event {
		return envelope.New("order.placed", []byte(`{}`), opts...)
	}
	unmarshalable := messaging.Define[chan int]("order.placed", "").New(nil)
	for name, tc := range map[string]struct {
		event      envelope.Event
		want, text string
	}{
		"type":         {envelope.New("order placed", nil), "invalid", "type"},
		"no type":      {envelope.New("", nil), "invalid", "type"},
		"data":         {envelope.New("order.placed", make([]byte, 1001)), "too large", "1000"},
		"header bytes": {event(envelope.WithHeader("shop", strings.Repeat("x", 100))), "too large", "100"},
		"header count": {event(envelope.WithHeader("a", ""), envelope.WithHeader("b", ""), envelope.WithHeader("c", "")), "too large", "2"},
		"reserved":     {event(envelope.WithHeader("herald-attempts", "1")), "invalid", "not reserved"},
		"marshalling":  {unmarshalable, "invalid", "unsupported type: chan int"},
		"delivered at": {event(envelope.DeliverAt(time.Now())), "invalid", "deliverAt: delay: " + messaging.ErrUnsupported.Error()},
	} {
		before := len(l.sent())
		err := b.Publish(t.Context(), "orders", event(envelope.ID("good")), tc.event, event())
		isOnly(t, err, tc.want)
		failed := failures(t, err)
		if len(failed) != 1 || failed[0].Index != 1 || failed[0].ID != tc.event.ID || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(l.sent()) - before; n != 2 {
			t.Errorf("%s: %d messages sent, want the two good ones", name, n)
		}
		isOnly(t, b.Publish(t.Context(), "orders", tc.event), tc.want)
	}
	before := len(l.sent())
	for _, topic := range []string{"", "a..b", "orders/eu", strings.Repeat("x", 101)} {
		err := b.Publish(t.Context(), topic, event(), event())
		if isOnly(t, err, "invalid"); len(failures(t, err)) != 2 {
			t.Errorf("topic %q: %v", topic, err)
		}
	}
	if n := len(l.sent()) - before; n != 0 {
		t.Errorf("%d messages sent to bad topics", n)
	}
}

func TestPublish_DeliverAtGoesToBrokersThatCan(t *testing.T) {
	t.Parallel()
	can := map[driver.Feature]driver.Capability{driver.FeatureDelay: {Level: driver.Emulated}}
	l := &line{answer: stored, caps: driver.Capabilities{Features: can}}
	at := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	if err := l.broker(t).Publish(t.Context(), "orders", envelope.New("order.placed", nil, envelope.DeliverAt(at))); err != nil {
		t.Fatal(err)
	}
	if got := l.sent()[0].NotBefore; !got.Equal(at) {
		t.Errorf("not before %v, want %v", got, at)
	}
}

func TestPublish_KeepsRoomBelowTheBrokersLargestMessage(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored, caps: driver.Capabilities{MaxMessage: 148_000}}
	b := l.broker(t)
	e := envelope.New("order.placed", nil)
	e.Data = make([]byte, 100_000-e.Size())
	if err := b.Publish(t.Context(), "orders", e); err != nil {
		t.Errorf("100,000 bytes as written: %v", err)
	}
	e.Data = append(e.Data, 0)
	err := b.Publish(t.Context(), "orders", e)
	if isOnly(t, err, "too large"); !strings.Contains(err.Error(), "100001 bytes as written, the limit is 100000") {
		t.Errorf("one more: %v", err)
	}
	_, err = messaging.New(t.Context(), l, messaging.WithConfig(messaging.Config{Limits: envelope.Limits{Message: 100_001}}))
	if !errors.Is(err, messaging.ErrUnsupported) {
		t.Errorf("a limit that the broker can't hold: %v", err)
	}
}

func TestPublish_LeavesLargeMessagesToTopicsThatMayTakeThem(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored, caps: driver.Capabilities{MaxMessage: 148_000, MaxTopicMessage: 448_000}}
	b := l.broker(t, messaging.WithConfig(messaging.Config{Limits: envelope.Limits{Message: 400_000}}))
	e := envelope.New("order.placed", nil)
	e.Data = make([]byte, 400_000-e.Size())
	if err := b.Publish(t.Context(), "orders", e); err != nil {
		t.Errorf("400,000 bytes as written: %v", err)
	}
	_, err := messaging.New(t.Context(), l, messaging.WithConfig(messaging.Config{Limits: envelope.Limits{Message: 400_001}}))
	if !errors.Is(err, messaging.ErrUnsupported) || !strings.Contains(err.Error(), "the broker takes 448000") {
		t.Errorf("a limit that no topic can hold: %v", err)
	}
}

func TestPublish_FillsInACopyOfTheEvent(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored}
	b := l.broker(t, messaging.WithService("shop"))
	bare := envelope.Event{Type: "order.placed", Data: []byte("data"), Headers: envelope.Headers{{Key: "a", Value: "b"}}}
	own := envelope.New("order.placed", []byte("own"), envelope.Source("till"), envelope.Key("k"))
	events := []envelope.Event{bare, own}
	before := []envelope.Event{bare.Clone(), own.Clone()}
	for range 2 {
		if err := b.Publish(t.Context(), "orders", events...); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(events, before) {
		t.Errorf("the caller's events are now %+v, were %+v", events, before)
	}
	sent := l.sent()
	for i, m := range sent {
		if m.ID == "" || m.Time.IsZero() {
			t.Errorf("message %d has id %q and time %v", i, m.ID, m.Time)
		}
	}
	if sent[0].ID == sent[2].ID || sent[1].ID != own.ID || sent[3].ID != own.ID {
		t.Errorf("ids %s %s %s %s, own %s", sent[0].ID, sent[1].ID, sent[2].ID, sent[3].ID, own.ID)
	}
	if m := sent[1]; !m.Time.Equal(own.Time) || m.Slot != driver.Slot("k") || m.Key != "k" || m.to.Topic != "orders" {
		t.Errorf("message %+v", m)
	}
}

func TestPublish_DefaultSourceIsTheService(t *testing.T) {
	t.Parallel()
	l := &line{}
	var sources []string
	l.answer = func(_ int, m *driver.Message) (driver.Fate, error) {
		s, _ := m.Lookup(envelope.HeaderSource)
		sources = append(sources, s)
		return driver.Stored, nil
	}
	b := l.broker(t, messaging.WithService("shop"))
	if err := b.Publish(t.Context(), "orders", envelope.New("a", nil), envelope.New("a", nil, envelope.Source("till"))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"shop", "till"}; !reflect.DeepEqual(sources, want) {
		t.Errorf("sources %q, want %q", sources, want)
	}
}

func TestPublish_InheritsFromTheHandlersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return s.Publish(ctx, "payments", envelope.New("payment.taken", nil, envelope.Key(d.ID)),
				envelope.New("payment.taken", nil, envelope.Key(d.ID), envelope.Correlation("own"), envelope.Causation("too")))
		})
		first := envelope.New("order.placed", nil, envelope.ID("first"))
		second := envelope.New("order.placed", nil, envelope.ID("second"), envelope.Correlation("basket"))
		if err := s.Publish(t.Context(), "orders", first, second); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := map[string][]string{}
		for d, err := range s.Read(t.Context(), "payments", messaging.Start{}, "") {
			if err != nil {
				t.Fatal(err)
			}
			got[d.Key] = append(got[d.Key], d.CorrelationID+"/"+d.CausationID)
		}
		want := map[string][]string{"first": {"first/first", "own/too"}, "second": {"basket/second", "own/too"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("correlation/causation %v, want %v", got, want)
		}
	})
}

func TestPublish_UnroutedPolicies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy messaging.Unrouted
		want   string
		kept   int
	}{{messaging.RefuseUnrouted, "unrouted", 0}, {messaging.KeepUnrouted, "", 1}, {messaging.DropUnrouted, "", 0}} {
		b := open(t, messaging.WithConfig(messaging.Config{Unrouted: tc.policy, Topics: []messaging.Topic{{Name: "orders"}}}))
		err := b.Publish(t.Context(), "orders", placed("1")...)
		if isOnly(t, err, tc.want); tc.want == "" && err != nil {
			t.Errorf("policy %d: %v", tc.policy, err)
		}
		n := 0
		for _, err := range b.Read(t.Context(), "orders", messaging.Start{}, "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != tc.kept {
			t.Errorf("policy %d: %d events kept, want %d", tc.policy, n, tc.kept)
		}
	}
}

func TestPublish_HookSeesEventsAndOutcome(t *testing.T) {
	t.Parallel()
	type key struct{}
	l := &line{answer: stored}
	var outcomes []error
	b := l.broker(t, messaging.WithHooks(messaging.Hooks{Publish: func(ctx context.Context, topic string, events []envelope.Event) (context.Context, func(error)) {
		if topic != "orders" || ctx.Value(key{}) != "caller" {
			t.Errorf("the hook got topic %s and %v", topic, ctx)
		}
		events[0].TraceParent = "00-trace"
		if events[0].ID == "silent" {
			return ctx, nil
		}
		ctx, cancel := context.WithCancelCause(ctx)
		if events[0].ID == "stopped" {
			cancel(errClient)
		}
		return ctx, func(err error) { cancel(nil); outcomes = append(outcomes, err) }
	}}))
	ctx := context.WithValue(t.Context(), key{}, "caller")
	events := placed("1")
	if err := b.Publish(ctx, "orders", events...); err != nil {
		t.Fatal(err)
	}
	if trace, _ := l.sent()[0].Lookup(envelope.HeaderTraceParent); trace != "00-trace" || events[0].TraceParent != "" {
		t.Errorf("sent with trace %q; the caller's event has %q", trace, events[0].TraceParent)
	}
	if err := b.Publish(ctx, "orders", placed("silent")...); err != nil {
		t.Fatal(err)
	}
	err := b.Publish(ctx, "orders", placed("stopped")...)
	if isOnly(t, err, "unavailable"); !errors.Is(err, errClient) {
		t.Errorf("the hook's context is not used: %v", err)
	}
	if want := []error{nil, err}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("outcomes %v, want %v", outcomes, want)
	}
}
