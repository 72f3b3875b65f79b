package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

func TestTimeout_EndsTheContextOfItsTypesWithTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewTimeout(middleware.TimeoutConfig{After: time.Second, Types: []string{"report.*", "mail.sent"}}))
		start := time.Now()
		s.subscribe("orders", limit, func(ctx context.Context, d *messaging.Delivery) error {
			<-ctx.Done()
			s.saw("%s %v %v", d.Type, time.Since(start), context.Cause(ctx))
			return nil // still counts as done
		}, messaging.HandlerTimeout(5*time.Second), messaging.Concurrency(1))
		for _, typ := range []string{"report.made", "mail.sent", "mail.read"} {
			if err := s.Publish(t.Context(), "orders", envelope.New(typ, nil, envelope.Key("a"))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		s.want("report.made 1s handler timed out", "mail.sent 2s handler timed out", "mail.read 7s handler timed out")
		if st := s.Stats(); st.Failed != 0 || st.Handled != 3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestTimeout_ErrorAfterItIsAFailedAttemptAndSnoozeIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewTimeout(middleware.TimeoutConfig{After: time.Second}))
		calls := 0
		s.subscribe("orders", limit, func(ctx context.Context, d *messaging.Delivery) error {
			s.saw("attempt %d", d.Attempt)
			<-ctx.Done()
			if calls++; calls == 1 {
				return messaging.Snooze(time.Second)
			}
			return ctx.Err()
		}, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{}}))
		s.put("orders", 1, "a")
		time.Sleep(time.Minute)
		s.want("attempt 1", "attempt 1", "attempt 2")
		for letter, err := range s.DeadLetters(t.Context(), "orders", "billing") {
			if err != nil || letter.Error != "handler timed out after 1s: context deadline exceeded" || letter.Attempts != 2 {
				t.Errorf("%v %+v", err, letter)
			}
		}
		if st := s.Stats(); st.Failed != 2 || st.Dead != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestTimeout_LeavesOtherErrorsAndLongerLimitsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := must(middleware.NewTimeout(middleware.TimeoutConfig{After: time.Second}))
		if err := limit(returning(errDown)).Handle(t.Context(), delivery("order.placed")); err == nil || err.Error() != errDown.Error() {
			t.Errorf("in time: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_ = limit(messaging.HandlerFunc(func(got context.Context, _ *messaging.Delivery) error {
			if got != ctx {
				t.Error("a limit that changes nothing made a context")
			}
			return nil
		})).Handle(ctx, delivery("order.placed"))
		late := messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
			<-ctx.Done()
			return messaging.Permanent(errDown)
		})
		err := limit(late).Handle(t.Context(), delivery("order.placed"))
		if !errors.Is(err, messaging.ErrHandlerTimeout) || !errors.Is(err, errDown) || messaging.VerdictOf(err) != messaging.VerdictPermanent {
			t.Errorf("late: %v", err)
		}
		snooze := messaging.Snooze(time.Minute)
		err = limit(messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
			<-ctx.Done()
			return snooze
		})).Handle(t.Context(), delivery("order.placed"))
		if !errors.Is(err, snooze) || errors.Is(err, messaging.ErrHandlerTimeout) {
			t.Errorf("snoozed late: %v", err)
		}
		drained, end := context.WithCancelCause(t.Context())
		end(messaging.ErrDraining)
		if err := limit(late).Handle(drained, delivery("order.placed")); errors.Is(err, messaging.ErrHandlerTimeout) {
			t.Errorf("drained: %v", err)
		}
	})
}

func TestNewTimeout_RefusesWhatMakesNoSense(t *testing.T) {
	for _, cfg := range []middleware.TimeoutConfig{
		{},
		{After: -1},
		{After: 1, Types: []string{"report.*", ""}},
		{After: 1, Types: []string{"report*"}},
	} {
		if m, err := middleware.NewTimeout(cfg); !errors.Is(err, messaging.ErrInvalid) || m != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
