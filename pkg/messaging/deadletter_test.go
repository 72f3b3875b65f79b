package messaging_test

import (
	"context"
	"fmt"
	"io"
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

// once is the policy without retries.
var once = messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}, Later: []time.Duration{}})

// declining refuses everything.
func declining(context.Context, *messaging.Delivery) error { return errHandler }

// stored returns what a log holds, as it is stored.
func (s *shop) stored(topic string) []*driver.Message {
	s.t.Helper()
	synctest.Wait()
	d := s.server.Connect()
	h, ok := d.(driver.History)
	if !ok {
		s.t.Fatal("the driver has no history")
	}
	r, err := h.Read(s.t.Context(), topic, driver.Start{}, "")
	if err != nil {
		s.t.Fatal(err)
	}
	var all []*driver.Message
	for {
		msgs, err := r.Next(s.t.Context())
		if err == io.EOF { //nolint:errorlint // the contract's own
			break
		}
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range msgs {
			kept := *m
			kept.Headers, kept.Body = append([]driver.Header(nil), m.Headers...), append([]byte(nil), m.Body...)
			all = append(all, &kept)
		}
	}
	if err := d.Close(s.t.Context()); err != nil {
		s.t.Error(err)
	}
	return all
}

// wire prints a message as it is stored, but for what differs from build to build.
func wire(topic string, m *driver.Message) string {
	var t strings.Builder
	fmt.Fprintf(&t, "topic %s\nid %s\ntype %s\nkey %s\nslot %d\ncontent type %s\ntime %s\n", topic, m.ID, m.Type, m.Key, m.Slot, m.ContentType,
		m.Time.UTC().Format(time.RFC3339Nano))
	for _, h := range m.Headers {
		switch h.Key {
		case "herald-dead-build": // absent where the toolchain tells none
		case "herald-dead-stack":
			fmt.Fprintf(&t, "header %s: ...\n", h.Key)
		default:
			fmt.Fprintf(&t, "header %s: %s\n", h.Key, h.Value)
		}
	}
	fmt.Fprintf(&t, "body %q\n\n", m.Body)
	return t.String()
}

// odd is an event with something of everything.
func odd() envelope.Event {
	at := time.Date(2000, 1, 1, 0, 0, 0, 123456789, time.UTC)
	return envelope.New("order.placed", []byte("{ \"n\" :\t1 }\n"), envelope.ID("event-1"), envelope.Key("customer-7"), envelope.Version("3"),
		envelope.Source("till"), envelope.Correlation("basket"), envelope.Causation("click"), envelope.At(at), envelope.Schema("urn:order"),
		envelope.ContentType("application/json"), envelope.ReplyTo("answers"), envelope.ExpiresAt(at.AddDate(1, 0, 0)),
		envelope.WithHeader("shop", "berlin"), envelope.WithHeader("empty", ""), envelope.WithHeader("content-language", "user's own"))
}

func TestDeadLetter_WireForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithService("billing-service"))
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			if d.Foreign {
				panic("foreign")
			}
			return errHandler
		}, once)
		if err := s.Publish(t.Context(), "orders", odd()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // so that the letters have an order
		s.inject(driver.Address{Topic: "orders"}, &driver.Message{ID: "f-1", ContentType: "text/plain", Body: []byte("foreign"), Headers: []driver.Header{{Key: "X-Any", Value: "v"}}})
		synctest.Wait()
		report, err := s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{ID: "request-1", By: "ops", Limit: 1, Discard: true})
		if want := (messaging.RedriveReport{ID: "request-1", Sent: 1}); err != nil || report != want {
			t.Fatalf("%+v, %v", report, err)
		}
		if _, err := s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{ID: "request-2", Limit: 1}); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, kind := range []driver.Kind{driver.KindDead, driver.KindRedrive} {
			topic := driver.Name(kind, "orders", "billing")
			for _, m := range s.stored(topic) {
				got.WriteString(wire(topic, m))
			}
		}
		golden(t, "deadletter.txt", got.String())
	})
}

func TestDeadLetter_KeepsTheEventWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			time.Sleep(time.Second)
			return fmt.Errorf("charging %s: %w", d.ID, errHandler)
		}, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{}}))
		e := odd()
		if err := s.Publish(t.Context(), "orders", e); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		letters := s.letters()
		if len(letters) != 1 {
			t.Fatalf("%d dead letters", len(letters))
		}
		l := letters[0]
		if !reflect.DeepEqual(l.Event, e) {
			t.Errorf("kept %+v, want %+v", l.Event, e)
		}
		type told struct {
			Topic, Group, Error, ID, Redriven string
			Reason                            messaging.Reason
			Attempts                          int
			First, Last                       time.Time
			Discarded                         bool
		}
		got := told{l.Topic, l.Group, l.Error, l.ID, l.Redriven, l.Reason, l.Attempts, l.FirstFailed, l.LastFailed, l.Discarded}
		want := told{
			Topic: "orders", Group: "billing", Error: "charging event-1: card declined", ID: envelope.DeriveID("billing", "event-1"),
			Reason: messaging.ReasonExhausted, Attempts: 2, First: start.Add(time.Second).UTC(), Last: start.Add(2 * time.Second).UTC(),
		}
		if got != want || l.Position == "" || l.At == "" {
			t.Errorf("told %+v, want %+v", got, want)
		}
		l.Event.Data[0], l.Event.Headers[0].Value = 'X', "X"
		if again := s.letters()[0].Event; !reflect.DeepEqual(again, e) {
			t.Errorf("a reader has changed the letter to %+v", again)
		}
	})
}

// Foreign and malformed messages are kept as they came: body, attributes, headers.
func TestDeadLetter_KeepsWhatIsNoEvent(t *testing.T) {
	for name, m := range map[string]*driver.Message{
		"foreign":   {ID: "f-1", Key: "k", Type: "their type", ContentType: "text/plain", Body: []byte("\x00\xff body"), Headers: []driver.Header{{Key: "Their-Header", Value: ""}}},
		"malformed": {ID: "m-1", Type: "order.placed", Body: []byte("broken"), Headers: []driver.Header{{Key: "herald", Value: "99"}, {Key: "a", Value: "b"}}},
		"document":  {ContentType: envelope.ContentTypeEvent, Body: []byte(`{"herald":1,`)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, memory.Config{})
			s.subscribe(declining, once)
			sent := *m
			s.inject(driver.Address{Topic: "orders"}, &sent)
			first := s.letters()
			if len(first) != 1 || string(first[0].Event.Data) != string(m.Body) || m.ID != "" && first[0].Event.ID != m.ID {
				t.Fatalf("%s: dead letters %+v", name, first)
			}
			// Sent back it is as it came, so it dies again in the same way.
			if _, err := s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{}); err != nil {
				t.Fatal(err)
			}
			again := s.stored(driver.Name(driver.KindDead, "orders", "billing"))
			if len(again) != 2 {
				t.Fatalf("%s: %d dead letters after the re-drive", name, len(again))
			}
			if a, b := originals(again[0]), originals(again[1]); !reflect.DeepEqual(a, b) || string(again[0].Body) != string(again[1].Body) {
				t.Errorf("%s: the re-driven original is %q, was %q", name, b, a)
			}
			for _, h := range m.Headers {
				if v, ok := again[0].Lookup("orig-" + h.Key); !ok || v != h.Value {
					t.Errorf("%s: header %s is %q, %v", name, h.Key, v, ok)
				}
			}
		})
	}
}

// originals returns what a stored dead letter keeps of its original.
func originals(m *driver.Message) (kept []driver.Header) {
	for _, h := range m.Headers {
		if strings.HasPrefix(h.Key, "orig-") {
			kept = append(kept, h)
		}
	}
	return kept
}
