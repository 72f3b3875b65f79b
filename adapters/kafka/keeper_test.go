package kafka

import (
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// The broker that is asked is behind the one that has made the inbox's new partitions.
func TestKeeper_ReadsAllTiersOfAPartitionThatWasAdded(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	readsOf(t, f, 10, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		f.with(func(f *fake) { f.partitions, f.topics.short = 2, 12 })
		r.until(2 * lookPause)
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		u := sub.units[1]
		if u == nil || len(u.feeds) != 1+len(tiers) {
			r.t.Errorf("the new partition is read as %+v, want with %d tiers", u, len(tiers))
		}
		f.with(func(f *fake) {
			if f.topics.short > 0 || f.topics.grown == 0 {
				r.t.Errorf("%d answers of a broker that is behind are left, and %d times more were asked for", f.topics.short, f.topics.grown)
			}
		})
	})
}

// The group has rebalanced: another member found the partitions, and this one's broker is behind.
func TestKeeper_WaitsForTheTiersThatAnotherMemberHasMade(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	f.partitions = 2
	readsOf(t, f, 10, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		f.with(func(f *fake) { f.topics.short = 20 })
		f.expel()
		r.until(2 * lookPause)
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if u := sub.units[1]; u == nil || len(u.feeds) != 1+len(tiers) {
			r.t.Errorf("a partition is read as %+v, want with %d tiers", u, len(tiers))
		}
	})
}

func TestKeeper_TellsOnceThatPartitionsThatWereAddedAreNotRead(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	readsOf(t, f, 10, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		f.with(func(f *fake) { f.partitions, f.topics.short, f.topics.denied = 2, 1<<30, true })
		r.until(5 * lookPause)
		told := 0
		f.told.mu.Lock()
		for _, n := range f.told.all {
			if n.Kind == driver.Mismatch && denied(n.Err) {
				told++
			}
		}
		f.told.mu.Unlock()
		if told != 1 {
			r.t.Errorf("it was told %d times that partitions are not read, want once", told)
		}
		f.with(func(f *fake) { f.topics.short, f.topics.denied = 0, false })
		r.until(2 * lookPause)
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if sub.units[1] == nil {
			r.t.Error("the partition is not read once that is allowed")
		}
	})
}
