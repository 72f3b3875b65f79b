package backoff_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// ceilings returns the largest of many pauses, for each of the first n places after a Reset.
func ceilings(t *testing.T, b *backoff.Backoff, least time.Duration, n int) []time.Duration {
	t.Helper()
	most := make([]time.Duration, n)
	for range 2000 {
		b.Reset()
		for i := range most {
			pause := b.Next()
			if pause < least {
				t.Fatalf("pause %d is %v, below %v", i, pause, least)
			}
			most[i] = max(most[i], pause)
		}
	}
	return most
}

func TestPausesLieBelowACeilingThatDoubles(t *testing.T) {
	t.Parallel()
	const least, most = 100 * time.Millisecond, time.Second
	got := ceilings(t, backoff.New(least, most), least, 5)
	for i, ceiling := range []time.Duration{2 * least, 4 * least, 8 * least, most, most} {
		if got[i] > ceiling || got[i] < ceiling*9/10 {
			t.Errorf("of many pauses %d the largest is %v, want just below %v", i, got[i], ceiling)
		}
	}
}

func TestPausesAreSpread(t *testing.T) {
	t.Parallel()
	b := backoff.New(time.Millisecond, time.Second)
	for range 20 {
		b.Next()
	}
	low := 0
	for range 1000 {
		if b.Next() < 500*time.Millisecond {
			low++
		}
	}
	if low < 400 || low > 600 {
		t.Errorf("%d of 1000 pauses lie in the lower half", low)
	}
}

func TestOddBoundsNeverSpinAndNeverOverflow(t *testing.T) {
	t.Parallel()
	for _, b := range []*backoff.Backoff{
		backoff.New(0, 0), backoff.New(-time.Second, -time.Hour), backoff.New(time.Second, time.Millisecond),
		backoff.New(time.Hour, math.MaxInt64),
	} {
		for range 100 {
			if pause := b.Next(); pause < time.Millisecond {
				t.Fatalf("a pause of %v", pause)
			}
		}
	}
}

func TestWaitSleepsOrEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backoff.New(time.Second, time.Second)
		begin := time.Now()
		if err := b.Wait(t.Context()); err != nil || time.Since(begin) != time.Second {
			t.Errorf("Wait took %v and returned %v", time.Since(begin), err)
		}
		why := errors.New("closing")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second/2, func() { cancel(why) })
		begin = time.Now()
		if err := b.Wait(ctx); !errors.Is(err, why) || time.Since(begin) != time.Second/2 {
			t.Errorf("Wait took %v and returned %v", time.Since(begin), err)
		}
		if err := b.Wait(ctx); !errors.Is(err, why) || time.Since(begin) != time.Second/2 {
			t.Errorf("Wait with an ended context took %v and returned %v", time.Since(begin), err)
		}
	})
}
