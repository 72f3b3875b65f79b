package messaging_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestPull_YieldsInOrderAndFollowsVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.put("a/1", "a/2", "a/3")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for d, err := range s.Pull(ctx, "orders", messaging.Group("billing")) {
			if err != nil {
				t.Fatal(err)
			}
			s.saw("%s#%d", d.Data, d.Attempt)
			if string(d.Data) == "a/2" && d.Attempt == 1 {
				d.Fail(errHandler)
				d.Ack() // only the first counts
				continue
			}
			d.Ack()
		}
		s.want("a/1#1", "a/2#1", "a/2#2", "a/3#1")
		if s.lag() != 0 || s.Stats().Handled != 3 {
			t.Errorf("lag %d, %+v", s.lag(), s.Stats())
		}
	})
}

func TestPull_LeavingReleasesAndLogsWhatIsUnsettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}),
			messaging.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		s.put("1", "2", "3", "4")
		var second *messaging.Pulled
		for d, err := range s.Pull(t.Context(), "orders", messaging.Group("billing"), messaging.Concurrency(2)) {
			if err != nil {
				t.Fatal(err)
			}
			s.saw("%s", d.Data)
			if len(s.seen) == 2 {
				second = d
				break
			}
			d.Ack()
		}
		second.Ack() // too late
		if err := second.Context().Err(); err == nil {
			t.Error("the context of a released delivery goes on")
		}
		if got := s.lag(); got != 3 {
			t.Errorf("lag %d, want 3", got)
		}
		if n := strings.Count(log.String(), "never settled"); n != 1 {
			t.Errorf("%d log lines for one forgotten delivery: %s", n, log.String())
		}
		if st := s.Stats(); st.Failed != 0 || st.Later != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestPull_UnsettledTooLongIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.put("1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		opts := []messaging.SubscribeOption{messaging.Group("billing"), messaging.HandlerTimeout(time.Second)}
		for d, err := range s.Pull(ctx, "orders", opts...) {
			if err != nil {
				t.Fatal(err)
			}
			s.saw("%s#%d", d.Data, d.Attempt)
			if d.Attempt == 3 {
				d.Ack()
			}
			time.Sleep(5 * time.Second) // what waits to be pulled does not time out
		}
		s.want("1#1", "1#2", "1#3")
	})
}

func TestPull_YieldsWhyItCantBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		n := 0
		for d, err := range s.Pull(t.Context(), "orders") {
			if n++; d != nil || !errors.Is(err, messaging.ErrInvalid) {
				t.Errorf("%v, %v", d, err)
			}
		}
		if n != 1 {
			t.Errorf("%d iterations", n)
		}
	})
}

func TestTransform_PublishesTheSameEventsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.server.Refuse("mails", true)
		ctx := t.Context()
		h := messaging.Transform(s.Publisher(messaging.FailFast()), "mails", func(_ context.Context, d *messaging.Delivery) ([]envelope.Event, error) {
			s.saw("%s#%d", d.Data, d.Attempt)
			if string(d.Data) == "quiet" {
				return nil, nil
			}
			if d.Attempt == 2 {
				s.server.Refuse("mails", false)
			}
			return []envelope.Event{envelope.New("mail.wanted", nil), envelope.New("mail.wanted", nil)}, nil
		})
		if _, err := s.Subscribe(ctx, "orders", h, messaging.Group("billing"), messaging.Concurrency(1)); err != nil {
			t.Fatal(err)
		}
		order := envelope.New("order.placed", []byte("x"))
		for range 2 { // as if it were delivered twice
			if err := s.Publish(ctx, "orders", order); err != nil {
				t.Fatal(err)
			}
		}
		s.put("quiet")
		time.Sleep(time.Second)
		var ids []string
		for d, err := range s.Read(ctx, "mails", messaging.Start{}, "") {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, d.ID)
			if d.CausationID != order.ID || d.CorrelationID != order.ID {
				t.Errorf("caused by %q, correlated to %q, want %q", d.CausationID, d.CorrelationID, order.ID)
			}
		}
		if len(ids) != 4 || ids[0] == ids[1] || !slices.Equal(ids[:2], ids[2:]) {
			t.Errorf("ids %q", ids)
		}
	})
}
