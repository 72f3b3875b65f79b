package messaging_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// inject sends messages as they are, as a program without Herald would.
func (s *shop) inject(to driver.Address, msgs ...*driver.Message) {
	s.t.Helper()
	d := s.server.Connect()
	told := make(chan error, len(msgs))
	d.Publisher().Send(s.t.Context(), to, msgs, answers(told))
	for range msgs {
		if err := <-told; err != nil {
			s.t.Fatal(err)
		}
	}
	if err := d.Close(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

type answers chan error

// Done implements driver.Result.
func (a answers) Done(_ int, fate driver.Fate, err error) {
	if fate != driver.Stored && err == nil {
		err = errors.New(fate.String())
	}
	a <- err
}

// read collects data and errors of a topic's history.
func (s *shop) read(from messaging.Start, to string) (got []string, positions []string) {
	s.t.Helper()
	for d, err := range s.Read(s.t.Context(), "orders", from, to) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got, positions = append(got, string(d.Data)), append(positions, d.Position)
	}
	return got, positions
}

var keep = messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted})

func TestRead_YieldsHistoryBetweenPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, keep)
		s.put("1", "2")
		time.Sleep(time.Minute)
		middle := time.Now()
		s.put("3", "4")
		all, at := s.read(messaging.Start{}, "")
		if want := []string{"1", "2", "3", "4"}; !slices.Equal(all, want) {
			t.Fatalf("read %q, want %q", all, want)
		}
		for _, tc := range []struct {
			from messaging.Start
			to   string
			want []string
		}{
			{messaging.Oldest(), at[1], []string{"1", "2"}},
			{messaging.After(at[0]), "", []string{"2", "3", "4"}},
			{messaging.After(at[0]), at[2], []string{"2", "3"}},
			{messaging.At(middle), "", []string{"3", "4"}},
			{messaging.Newest(), "", nil},
		} {
			if got, _ := s.read(tc.from, tc.to); !slices.Equal(got, tc.want) {
				t.Errorf("from %+v to %q: %q, want %q", tc.from, tc.to, got, tc.want)
			}
		}
		if groups, err := s.Groups(t.Context(), "orders"); err != nil || len(groups) != 0 {
			t.Errorf("reading has made groups %+v, %v", groups, err)
		}
	})
}

func TestRead_DeliveriesAreTheReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, keep)
		e := envelope.New("order.placed", []byte("data"), envelope.Key("k"), envelope.WithHeader("shop", "berlin"))
		if err := s.Publish(t.Context(), "orders", e); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for d, err := range s.Read(t.Context(), "orders", messaging.Start{}, "") {
				if err != nil {
					t.Fatal(err)
				}
				want := messaging.Delivery{Event: e, Topic: "orders", Attempt: 1, Position: d.Position}
				if !reflect.DeepEqual(*d, want) || d.Position == "" {
					t.Errorf("read %+v, want %+v", *d, want)
				}
				d.Data[0], d.Headers[0].Value = 'X', "X"
			}
		}
	})
}

func TestRead_BrokenEnvelopeIsOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, keep)
		s.put("1")
		s.inject(driver.Address{Topic: "orders", Unrouted: driver.Keep},
			&driver.Message{ID: "x", Body: []byte("broken"), Headers: []driver.Header{{Key: "herald", Value: "1"}}},
			&driver.Message{ID: "f", Body: []byte("foreign")}, &driver.Message{Body: []byte("nameless")})
		s.put("2")
		var got []string
		for d, err := range s.Read(t.Context(), "orders", messaging.Start{}, "") {
			switch {
			case errors.Is(err, envelope.ErrMalformed):
				got = append(got, "malformed")
			case err != nil:
				t.Fatal(err)
			case d.Foreign:
				got = append(got, string(d.Data)+" foreign")
			default:
				got = append(got, string(d.Data))
			}
		}
		if want := []string{"1", "malformed", "foreign foreign", "nameless foreign", "2"}; !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
	})
}

func TestRead_EndsWithItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, keep)
		once := func(what string, b *messaging.Broker, ctx context.Context, from messaging.Start, to string, want error) {
			t.Helper()
			n := 0
			for d, err := range b.Read(ctx, "orders", from, to) {
				n++
				if refused(t, what, err, want, "read orders: "); d != nil {
					t.Errorf("%s: a delivery came with the error", what)
				}
			}
			if n != 1 {
				t.Errorf("%s: yielded %d times", what, n)
			}
		}
		once("an unknown topic", s.Broker, t.Context(), messaging.Start{}, "", driver.ErrUnknownTopic)
		s.put("1", "2", "3")
		once("a bad position", s.Broker, t.Context(), messaging.After("no position"), "", driver.ErrPosition)
		once("a bad end", s.Broker, t.Context(), messaging.Start{}, "no position", driver.ErrPosition)
		once("no history", (&line{caps: native()}).broker(t), t.Context(), messaging.Start{}, "", messaging.ErrUnsupported)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errClient)
		once("an ended context", s.Broker, ctx, messaging.Start{}, "", errClient)
		n := 0
		for range s.Read(t.Context(), "orders", messaging.Start{}, "") {
			n++
			break
		}
		if n != 1 {
			t.Errorf("read %d after a break", n)
		}
	})
}
