package messaging_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

var errMisfit = errors.New("/a: expected a number")

// away is the error of a checker that can't tell.
type away struct{}

func (away) Error() string   { return "registry away" }
func (away) Temporary() bool { return true }

// framer is a checker that puts "<" before data that it takes. Data with "bad" it refuses, and any while it is away. A topic "loose" it lets
// pass when publishing.
type framer struct{ isAway *atomic.Bool }

func (f framer) CheckPublish(_ context.Context, topic string, e *envelope.Event) error {
	if topic != "loose" && bytes.Contains(e.Data, []byte("bad")) {
		return errMisfit
	}
	if f.isAway.Load() {
		return away{}
	}
	e.Data = append([]byte("<"), e.Data...)
	return nil
}

func (f framer) CheckReceive(_ context.Context, _ string, e *envelope.Event) error {
	if f.isAway.Load() {
		return away{}
	}
	data, ok := bytes.CutPrefix(e.Data, []byte("<"))
	if !ok || bytes.Contains(data, []byte("bad")) {
		return errMisfit
	}
	e.Data = data
	return nil
}

func TestChecker_RefusesWhatIsPublishedEventByEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var isAway atomic.Bool
		s := newShop(t, memory.Config{}, keep, messaging.WithChecker(framer{&isAway}))
		data := []byte("good")
		events := []envelope.Event{envelope.New("a", []byte("bad")), envelope.New("a", data), envelope.New("a", nil, envelope.Failed(errHandler))}
		err := s.Publish(t.Context(), "orders", events...)
		var failed *messaging.PublishError
		if !errors.As(err, &failed) || len(failed.Failed) != 2 || failed.Failed[0].Index != 0 || !errors.Is(failed.Failed[0].Err, errMisfit) {
			t.Fatal(err)
		}
		refused(t, "publishing what does not fit", err, messaging.ErrInvalid, errMisfit.Error())
		if !strings.Contains(failed.Failed[1].Err.Error(), errHandler.Error()) {
			t.Errorf("an event that can't be published for another reason: %v", failed.Failed[1].Err)
		}
		if string(data) != "good" || string(events[1].Data) != "good" {
			t.Errorf("the caller's event was changed: %s %s", data, events[1].Data)
		}
		done := make(chan error, 1)
		s.PublishAsync(t.Context(), "orders", events[0], func(err error) { done <- err })
		refused(t, "publishing later", <-done, messaging.ErrInvalid, errMisfit.Error())
		isAway.Store(true)
		refused(t, "while it can't be told", s.Publish(t.Context(), "orders", events[1]), messaging.ErrUnavailable, "registry away")
	})
}

func TestChecker_BuriesWhatArrivesBeforeAnyHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var isAway atomic.Bool
		s := newShop(t, memory.Config{}, messaging.WithChecker(framer{&isAway}))
		seesAll := messaging.Use(func(next messaging.Handler) messaging.Handler {
			return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
				s.saw("%s#%d", d.Data, d.Attempt)
				return next.Handle(ctx, d)
			})
		})
		s.subscribe(func(context.Context, *messaging.Delivery) error { return nil }, seesAll)
		plain, err := messaging.New(t.Context(), s.server.Connect())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close(context.Background())
		for _, text := range []string{"<bad", "no frame"} {
			if err := plain.Publish(t.Context(), "orders", envelope.New("order.placed", []byte(text))); err != nil {
				t.Fatal(err)
			}
		}
		s.put("good")
		s.want("good#1")
		letters := s.inOrder()
		if len(letters) != 2 {
			t.Fatalf("%d dead letters", len(letters))
		}
		for i, l := range letters {
			want := []string{"<bad", "no frame"}[i]
			if l.Reason != messaging.ReasonSchema || l.Error != errMisfit.Error() || l.Attempts != 0 || string(l.Event.Data) != want {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestChecker_KeepsEventsInTheirPlaceUntilItCanTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var isAway atomic.Bool
		s := newShop(t, memory.Config{}, messaging.WithChecker(framer{&isAway}))
		s.noteAll()
		s.put("k/1", "k/2")
		s.want("k/1#1", "k/2#1")
		plain, err := messaging.New(t.Context(), s.server.Connect())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close(context.Background())
		isAway.Store(true)
		for _, text := range []string{"<k/3", "<k/4"} {
			if err := plain.Publish(t.Context(), "orders", envelope.New("order.placed", []byte(text), envelope.Key("k"))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		s.want("k/1#1", "k/2#1")
		isAway.Store(false)
		time.Sleep(2 * time.Second)
		s.want("k/1#1", "k/2#1", "k/3#1", "k/4#1")
		if n := len(s.letters()); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

// noteAll notes every delivery.
func (s *shop) noteAll() {
	s.t.Helper()
	s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
		s.saw("%s#%d", d.Data, d.Attempt)
		return nil
	})
}

func TestChecker_ChecksHistoryToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var isAway atomic.Bool
		s := newShop(t, memory.Config{}, keep, messaging.WithChecker(framer{&isAway}))
		s.put("good")
		plain, err := messaging.New(t.Context(), s.server.Connect(), keep)
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close(context.Background())
		if err := plain.Publish(t.Context(), "orders", envelope.New("order.placed", []byte("<bad"))); err != nil {
			t.Fatal(err)
		}
		s.put("fine")
		got, _ := s.read(messaging.Oldest(), "")
		if len(got) != 3 || got[0] != "good" || !strings.Contains(got[1], errMisfit.Error()) || got[2] != "fine" {
			t.Errorf("%q", got)
		}
	})
}

func TestChecker_ChecksEachEventOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var isAway atomic.Bool
		s := newShop(t, memory.Config{}, messaging.WithChecker(framer{&isAway}))
		s.batches(fine, messaging.BatchOptions{Size: 3})
		plain, err := messaging.New(t.Context(), s.server.Connect())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close(context.Background())
		for _, text := range []string{"<1", "<bad", "<3"} {
			if err := plain.Publish(t.Context(), "orders", envelope.New("order.placed", []byte(text))); err != nil {
				t.Fatal(err)
			}
		}
		s.want("1#1 3#1")
		if l := s.letters(); len(l) != 1 || l[0].Reason != messaging.ReasonSchema {
			t.Errorf("%v", l)
		}
	})
}
