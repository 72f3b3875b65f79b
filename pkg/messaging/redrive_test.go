package messaging_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// morgue is a shop whose billing group has refused what was put, until healed is set.
func morgue(t *testing.T, cfg memory.Config, texts ...string) (*shop, *bool) {
	t.Helper()
	s := newShop(t, cfg)
	healed := new(bool)
	s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
		if !*healed {
			return errHandler
		}
		s.saw("%s#%d %s", d.Data, d.Attempt, d.Redrive)
		return nil
	}, once, messaging.Concurrency(1))
	s.put(texts...)
	synctest.Wait()
	return s, healed
}

// redrive asks and checks the report.
func (s *shop) redrive(req messaging.RedriveRequest, sent, skipped int) {
	s.t.Helper()
	report, err := s.Redrive(s.t.Context(), "orders", "billing", req)
	if want := (messaging.RedriveReport{ID: req.ID, Sent: sent, Skipped: skipped}); err != nil || report != want {
		s.t.Errorf("re-drive %s: %+v, %v, want %+v", req.ID, report, err, want)
	}
}

func TestRedrive_OncePerRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a", "b")
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r1"}, 2, 0)
		s.want("a#1 r1", "b#1 r1") // attempts begin anew
		s.redrive(messaging.RedriveRequest{ID: "r1"}, 0, 2)
		s.redrive(messaging.RedriveRequest{ID: "r2"}, 0, 0) // nothing is left of those that were never re-driven
		s.want("a#1 r1", "b#1 r1")
		all := func(*messaging.DeadLetter) bool { return true }
		s.redrive(messaging.RedriveRequest{ID: "r2", Select: all}, 2, 0)
		s.redrive(messaging.RedriveRequest{ID: "r1", Select: all}, 0, 2) // also once another request came after it
		s.redrive(messaging.RedriveRequest{ID: "r2", Select: all}, 0, 2)
		s.want("a#1 r1", "b#1 r1", "a#1 r2", "b#1 r2")
		for _, l := range s.letters() {
			if l.Redriven != "r2" || l.Discarded {
				t.Errorf("letter %s: re-driven by %q, discarded %v", l.Event.Data, l.Redriven, l.Discarded)
			}
		}
		report, err := s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{})
		if err != nil || report.ID == "" || report.Sent+report.Skipped != 0 {
			t.Errorf("a request without an id: %+v, %v", report, err)
		}
	})
}

func TestRedrive_RecordsOutliveTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a", "b", "c")
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r1", Limit: 1}, 1, 0)
		other, err := messaging.New(t.Context(), s.server.Connect())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close(t.Context())
		report, err := other.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{ID: "r1"})
		if want := (messaging.RedriveReport{ID: "r1", Sent: 2, Skipped: 1}); err != nil || report != want {
			t.Errorf("%+v, %v, want %+v", report, err, want)
		}
		s.want("a#1 r1", "b#1 r1", "c#1 r1")
	})
}

func TestRedrive_SelectLimitDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a", "b", "c", "d", "e")
		*healed = true
		is := func(texts string) func(*messaging.DeadLetter) bool {
			return func(l *messaging.DeadLetter) bool {
				return len(texts) > 0 && reflect.DeepEqual(l.Event.Data, []byte(texts))
			}
		}
		s.redrive(messaging.RedriveRequest{ID: "one", Select: is("c")}, 1, 0)
		s.redrive(messaging.RedriveRequest{ID: "drop", Select: is("d"), Discard: true}, 1, 0)
		s.redrive(messaging.RedriveRequest{ID: "drop", Select: is("d"), Discard: true}, 0, 1)
		s.redrive(messaging.RedriveRequest{ID: "back", Select: is("d")}, 0, 0) // given up for good
		s.redrive(messaging.RedriveRequest{ID: "two", Limit: 2}, 2, 0)
		s.redrive(messaging.RedriveRequest{ID: "two", Limit: 2}, 0, 2) // the limit is the request's, not the call's
		s.want("c#1 one", "a#1 two", "b#1 two")
		var got []string
		for _, l := range s.letters() {
			state := string(l.Event.Data) + " " + l.Redriven
			if l.Discarded {
				state += "discarded"
			}
			got = append(got, state)
		}
		if want := []string{"a two", "b two", "c one", "d discarded", "e "}; !reflect.DeepEqual(got, want) {
			t.Errorf("letters %q, want %q", got, want)
		}
	})
}

func TestRedrive_ReachesItsGroupAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{})
		h := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error { s.saw("audit %s", d.Data); return nil })
		if _, err := s.Subscribe(t.Context(), "orders", h, messaging.Group("audit")); err != nil {
			t.Fatal(err)
		}
		s.put("a")
		s.want("audit a")
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r"}, 1, 0)
		s.want("audit a", "a#1 r")
		n := 0
		for range s.DeadLetters(t.Context(), "orders", "audit") {
			n++
		}
		if n != 0 {
			t.Errorf("a group that had no dead letter yields %d", n)
		}
	})
}

func TestRedrive_DyingAgainMakesANewLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a")
		s.redrive(messaging.RedriveRequest{ID: "r1"}, 1, 0)
		letters := s.letters()
		if len(letters) != 2 || letters[0].Redriven != "r1" || letters[1].Redriven != "" || letters[1].Attempts != 1 ||
			letters[0].At == letters[1].At || !reflect.DeepEqual(letters[0].Event, letters[1].Event) || letters[0].Position != letters[1].Position {
			t.Fatalf("letters %+v", letters)
		}
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r2"}, 1, 0) // the new one alone
		s.want("a#1 r2")
	})
}

func TestRedrive_StopsAtTheFirstErrorAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a", "b")
		*healed = true
		s.server.Refuse("orders", true)
		report, err := s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{ID: "r"})
		if want := (messaging.RedriveReport{ID: "r"}); report != want {
			t.Errorf("%+v, want %+v", report, want)
		}
		refused(t, "a refusing broker", err, messaging.ErrUnavailable, "redrive orders: letter ")
		s.server.Refuse("orders", false)

		// A copy without its record goes back once more, under the same event id.
		log := driver.Name(driver.KindRedrive, "orders", "billing")
		s.server.Refuse(log, true)
		_, err = s.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{ID: "r"})
		refused(t, "a refusing log", err, messaging.ErrUnavailable)
		s.server.Refuse(log, false)
		s.redrive(messaging.RedriveRequest{ID: "r"}, 2, 0)
		s.want("a#1 r", "a#1 r", "b#1 r")
	})
}

func TestRedrive_WaitsWithinThePublishTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := morgue(t, memory.Config{}, "a")
		list := s.letters()
		if len(list) != 1 {
			t.Fatal("no letter")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errClient)
		if _, err := s.Redrive(ctx, "orders", "billing", messaging.RedriveRequest{}); !errors.Is(err, errClient) {
			t.Errorf("an ended context: %v", err)
		}
	})
}

func TestRedrive_SelectCantChangeWhatIsSentBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a")
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r", Select: func(l *messaging.DeadLetter) bool { l.Event.Data[0] = 'X'; return true }}, 1, 0)
		s.want("a#1 r")
	})
}

// Neither log is a topic that only Herald could write to.
func TestRedrive_ForeignMessagesInItsLogsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{}, "a")
		for _, kind := range []driver.Kind{driver.KindDead, driver.KindRedrive} {
			s.inject(driver.Address{Topic: driver.Name(kind, "orders", "billing"), Log: true, Unrouted: driver.Keep}, &driver.Message{ID: "x", Body: []byte("hello")})
		}
		*healed = true
		s.redrive(messaging.RedriveRequest{ID: "r"}, 1, 0)
		s.want("a#1 r")
	})
}

func TestRedrive_WorksOnBrokersWithoutHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, healed := morgue(t, memory.Config{Like: memory.LikeRabbitMQ}, "a")
		*healed = true
		time.Sleep(time.Hour)
		s.redrive(messaging.RedriveRequest{ID: "r"}, 1, 0)
		s.want("a#1 r")
	})
	b := (&line{}).broker(t)
	for _, err := range b.DeadLetters(t.Context(), "orders", "billing") {
		refused(t, "a driver without logs", err, messaging.ErrUnsupported, "dead letters orders: ")
	}
	_, err := b.Redrive(t.Context(), "orders", "billing", messaging.RedriveRequest{})
	refused(t, "a driver without logs", err, messaging.ErrUnsupported, "redrive orders: ")
}
