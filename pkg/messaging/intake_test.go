package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// raw stores a message as somebody else's program would.
func (s *shop) raw(m *driver.Message) {
	s.t.Helper()
	d := s.server.Connect()
	defer d.Close(s.t.Context())
	r := make(fates, 1)
	d.Publisher().Send(s.t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{m}, r)
	if f := <-r; f != driver.Stored {
		s.t.Fatalf("raw message: %v", f)
	}
}

type fates chan driver.Fate

func (f fates) Done(_ int, fate driver.Fate, _ error) { f <- fate }

func (s *shop) note(_ context.Context, d *messaging.Delivery) error {
	s.saw("%s %s", d.Type, d.Data)
	return nil
}

func TestIntake_BrokenEnvelopesNeverReachAHandler(t *testing.T) {
	marked := []driver.Header{{Key: envelope.HeaderMark, Value: envelope.Mark}}
	for name, m := range map[string]*driver.Message{
		"no id":          {Type: "order.placed", Headers: marked, Body: []byte("x")},
		"bad type":       {ID: "1", Type: "no spaces please", Headers: marked},
		"unknown mark":   {ID: "1", Type: "a", Headers: []driver.Header{{Key: envelope.HeaderMark, Value: "99"}}},
		"duplicate":      {ContentType: envelope.ContentTypeEvent, Body: []byte(`{"herald":1,"eventId":"1","type":"a","type":"b"}`)},
		"nesting":        {ContentType: envelope.ContentTypeEvent, Body: []byte(`{"herald":1,"eventId":"1","type":"a","data":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `}`)},
		"broken UTF-8":   {ContentType: envelope.ContentTypeEvent, Body: []byte("{\"herald\":1,\"eventId\":\"1\",\"type\":\"a\",\"source\":\"\xff\"}")},
		"trailing":       {ContentType: envelope.ContentTypeEvent, Body: []byte(`{"herald":1,"eventId":"1","type":"a"} x`)},
		"too many":       {ID: "1", Type: "a", Headers: append(slices.Clone(marked), manyHeaders(200)...)},
		"oversized":      {ID: "1", Type: "a", Headers: marked, Body: make([]byte, 2_000_000)},
		"no JSON at all": {ContentType: envelope.ContentTypeEvent, Body: []byte("\x00\x01")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, memory.Config{})
				s.subscribe(s.note)
				body := string(m.Body)
				s.raw(m)
				s.put("good")
				s.want("order.placed good")
				letters := s.letters()
				if len(letters) != 1 || letters[0].Reason != messaging.ReasonMalformed || letters[0].Attempts != 0 ||
					letters[0].Error == "" || string(letters[0].Event.Data) != body {
					t.Fatalf("dead letters %+v", letters)
				}
			})
		})
	}
}

func manyHeaders(n int) []driver.Header {
	var h []driver.Header
	for i := range n {
		h = append(h, driver.Header{Key: fmt.Sprintf("k%d", i), Value: "v"})
	}
	return h
}

func TestIntake_ForeignAndBareMessagesAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s %s %q foreign=%v random=%v", d.ID, d.Type, d.Data, d.Foreign, d.RandomID)
			return nil
		}, messaging.Concurrency(1))
		s.raw(&driver.Message{ID: "m-1", Body: []byte("plain")})
		s.raw(&driver.Message{Body: []byte("no id")})
		s.raw(&driver.Message{Body: []byte(`{"eventId":"evt_1","eventType":"OrderCreated","data":{"a":1}}`)})
		s.want(
			`m-1 herald.foreign "plain" foreign=true random=false`,
			`2 herald.foreign "no id" foreign=true random=false`,
			`evt_1 OrderCreated "{\"a\":1}" foreign=false random=false`,
		)
	})
}

func TestIntake_BareEnvelopesKeepTheOrderOfTheirKeyAndTheFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s starts", d.ID)
			time.Sleep(time.Second)
			s.saw("%s ends", d.ID)
			return nil
		}, messaging.Types("order.*"))
		for _, id := range []string{"1", "2"} {
			s.raw(&driver.Message{Body: fmt.Appendf(nil, `{"eventId":%q,"type":"order.placed","key":"k"}`, id)})
		}
		s.raw(&driver.Message{Body: []byte(`{"eventId":"3","type":"payment.taken"}`)})
		time.Sleep(time.Minute)
		s.want("1 starts", "1 ends", "2 starts", "2 ends")
		if st := s.Stats(); st.Handled != 3 && st.Skipped != 1 {
			t.Errorf("%+v", st)
		}
		if s.lag() != 0 {
			t.Error("a skipped event was not settled")
		}
	})
}

func TestIntake_AttemptHeadersAreTrustedFromTheInboxAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%d %q %v", d.Attempt, d.Redrive, d.FirstFailed.IsZero())
			return nil
		})
		s.raw(&driver.Message{ID: "1", Type: "a", Headers: []driver.Header{
			{Key: envelope.HeaderMark, Value: envelope.Mark},
			{Key: "herald-attempts", Value: "99"},
			{Key: "herald-redrive", Value: "evil"},
			{Key: "herald-later", Value: "99"},
			{Key: "herald-first-failed", Value: "2020-01-01T00:00:00Z"},
		}})
		s.want(`1 "" true`)
	})
}

func TestIntake_ExpiredIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		if err := s.Publish(t.Context(), "orders", envelope.New("order.placed", nil)); !errors.Is(err, messaging.ErrUnrouted) {
			t.Fatalf("published without a group: %v", err)
		}
		block := make(chan struct{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			<-block
			return s.note(t.Context(), d)
		}, messaging.Concurrency(1))
		s.put("first")
		late := envelope.New("order.placed", []byte("late"), envelope.ExpiresAt(time.Now().Add(time.Second)))
		if err := s.Publish(t.Context(), "orders", late); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		close(block)
		s.want("order.placed first")
		if letters := s.letters(); len(letters) != 1 || letters[0].Reason != messaging.ReasonExpired || letters[0].Event.ID != late.ID {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestIntake_TypeWithoutARouteGoesRoundThenDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		r := messaging.Route(messaging.OnType("order.placed", messaging.HandlerFunc(s.note)))
		if _, err := s.Subscribe(t.Context(), "orders", r, messaging.Group("billing"), messaging.Types("order.*")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := s.Publish(t.Context(), "orders", envelope.New("order.cancelled", []byte("nobody"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		if letters := s.letters(); len(letters) != 0 {
			t.Fatalf("dead after %v: %+v", time.Since(start), letters)
		}
		time.Sleep(3 * time.Minute)
		letters := s.letters()
		if len(letters) != 1 || letters[0].Reason != messaging.ReasonUnhandled || letters[0].Attempts != 0 {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestIntake_PoisonIsQuarantined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		quarantine := messaging.Quarantine(3)
		for range 3 { // three members take it and die without a word
			sub := s.subscribe(func(ctx context.Context, _ *messaging.Delivery) error {
				<-ctx.Done()
				return nil
			}, quarantine, messaging.HandlerTimeout(-1))
			if s.Stats().Published == 0 {
				s.put("poison")
			}
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := sub.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
		s.subscribe(s.note, quarantine)
		s.put("good")
		s.want("order.placed good")
		if letters := s.letters(); len(letters) != 1 || letters[0].Reason != messaging.ReasonPoison {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestBroadcast_EachReaderSeesAllFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var discarded atomic.Int64
		s := newShop(t, memory.Config{}, messaging.WithHooks(messaging.Hooks{Discard: func(*messaging.Delivery, error) { discarded.Add(1) }}),
			messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.put("before")
		for range 2 {
			_, err := s.Subscribe(t.Context(), "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
				s.saw("%s#%d", d.Data, d.Attempt)
				return errHandler
			}), messaging.Broadcast(), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{time.Second}}))
			if err != nil {
				t.Fatal(err)
			}
		}
		s.put("after")
		time.Sleep(time.Hour)
		s.want("after#1", "after#1", "after#2", "after#2")
		if discarded.Load() != 2 || s.Stats().Discarded != 2 || s.Stats().Dead != 0 {
			t.Errorf("discarded %d, %+v", discarded.Load(), s.Stats())
		}
	})
}

func TestSubscribe_SaysThatAnExistingPositionWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := newShop(t, memory.Config{}, messaging.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		sub := s.subscribe(s.note)
		s.put("first")
		s.want("order.placed first")
		if err := sub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.subscribe(s.note, messaging.From(messaging.Oldest()))
		s.put("second")
		s.want("order.placed first", "order.placed second")
		if !strings.Contains(log.String(), "From is not followed") {
			t.Errorf("log %q", log.String())
		}
	})
}
