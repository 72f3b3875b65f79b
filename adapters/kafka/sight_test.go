package kafka

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// tierFeed returns a feed of a group's first tier that waits, alone in its subscription.
func tierFeed() *feed {
	s := &subscription{spec: driver.Spec{Window: 100, WindowBytes: 16 << 20}, units: map[int]*unit{}}
	s.units[0] = &unit{s: s}
	return &feed{unit: s.units[0], tier: 1}
}

// A backlog is read in pieces. What lies in the later ones has waited since the log's end was seen behind it, and not since it was fetched.
func TestSight_ABacklogWaitsFromWhenItsEndWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := tierFeed()
		wrong := time.Now().Add(-time.Hour) // the reader's clock, which tells nothing
		f.headTime = time.Now().UnixMilli()
		f.reached(100)
		time.Sleep(2 * time.Second)
		f.reached(150)
		f.reached(150)
		time.Sleep(time.Second)
		for _, c := range []struct {
			offset int64
			want   time.Duration
		}{{0, 3 * time.Second}, {99, 3 * time.Second}, {100, time.Second}, {149, time.Second}, {150, 0}} {
			if got := f.waited(c.offset, time.Now(), wrong); got != c.want {
				t.Errorf("offset %d has waited for %v, want %v", c.offset, got, c.want)
			}
		}
	})
}

// A clock that is ahead is not believed beyond when the log still ended before the record; and is where nothing was seen of that.
func TestSight_AClockIsBelievedAsFarAsItCanBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := tierFeed()
		f.headTime = time.Now().UnixMilli()
		f.reached(10)
		time.Sleep(5 * time.Second)
		f.reached(20)
		time.Sleep(time.Second)
		now := time.Now()
		for _, c := range []struct {
			name   string
			offset int64
			told   time.Duration // by the clocks
			want   time.Duration
		}{
			{"an hour, of what was there from the first", 9, time.Hour, time.Hour},
			{"an hour, of what came after the first look", 10, time.Hour, time.Second},
			{"what can be", 10, 6 * time.Second, 6 * time.Second},
			{"less than it was seen for", 10, time.Millisecond, time.Second},
		} {
			if got := f.waited(c.offset, now, time.UnixMilli(f.headTime).Add(c.told)); got != c.want {
				t.Errorf("%s: it has waited for %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// What is kept of the log's end does not grow with a backlog, and a log that begins anew is another one.
func TestSight_IsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := tierFeed()
		for end := range int64(10_000) {
			f.reached(end)
			time.Sleep(time.Millisecond)
		}
		if n := len(f.sights); n > sightsMost {
			t.Errorf("%d are kept, want at most %d", n, sightsMost)
		}
		after, before := f.written(5000, time.Now())
		if after.IsZero() || !after.Before(before) || before.Sub(after) > time.Second {
			t.Errorf("written between %v and %v, want within some seconds", after, before)
		}
		f.reached(3)
		if len(f.sights) != 1 || f.sights[0].end != 3 {
			t.Errorf("of a shorter log %v is kept", f.sights)
		}
	})
}

// A tier whose messages are overdue is read in growing pieces, one that has to wait in small ones.
func TestPortion_OfATierGrowsWhileItIsOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := tierFeed()
		s := f.unit.s
		for _, want := range []int{32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 1 << 20} {
			f.overdue(true)
			if got := s.portion(f); got != want {
				t.Fatalf("%d bytes are asked for, want %d", got, want)
			}
		}
		m, now := &driver.Message{NotBefore: time.Now().Add(time.Second)}, time.Now()
		f.headTime = now.UnixMilli()
		if _, later := f.putOff(m, now, now); !later {
			t.Fatal("the head is due")
		}
		f.overdue(true)
		if got := s.portion(f); got != laterBytes {
			t.Errorf("after a head that had to wait %d bytes are asked for, want %d", got, laterBytes)
		}
		f.overdue(true)
		f.overdue(false)
		if got := s.portion(f); got != laterBytes {
			t.Errorf("at the end %d bytes are asked for, want %d", got, laterBytes)
		}
	})
}
