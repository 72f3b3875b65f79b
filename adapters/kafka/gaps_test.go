package kafka

import (
	"slices"
	"testing"
	"time"
)

// staleAgain closes the subscription, makes the topic again with other records behind the group's back, and subscribes again.
func (r *reading) staleAgain(records int, change func(f *fake)) {
	r.t.Helper()
	r.until(time.Minute)
	stale := r.f.position(0)
	if err := r.sub.Close(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.f.replace(r.t, records)
	r.f.with(func(f *fake) {
		f.group.stored[target{fakeTopic, 0}] = stale
		change(f)
	})
	spec := billing(1000)
	spec.Notify = r.f.told.notify
	var err error
	if r.sub, err = r.d.Subscribe(r.t.Context(), spec); err != nil {
		r.t.Fatal(err)
	}
}

func TestGap_IsToldOnceHoweverOftenThePartitionMustBeBegun(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		r.staleAgain(after, func(f *fake) { f.group.blind = 5 })
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.f.with(func(f *fake) {
			if f.group.blind > 0 {
				r.t.Errorf("%d questions to the wrong leader are left", f.group.blind)
			}
		})
		r.lost(-1)
	})
}

// Nothing has come into the new log, and the partition is begun again.
func TestGap_IsNotToldAgainByWhoBeginsThePartitionNext(t *testing.T) {
	t.Parallel()
	readsOf(t, newFakeWithIDs(), 100, Config{}, billing(1000), func(r *reading) {
		r.staleAgain(0, func(*fake) {})
		r.until(time.Second)
		r.stands(0)
		for range 3 {
			r.f.expel()
			r.until(5 * time.Second)
		}
		r.lost(-1)
	})
}

// Members tell of what is theirs: others of what they begin.
func TestGap_IsToldOfThePartitionsThatAreBegun(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	f.partitions = 3
	readsOf(t, f, 10, Config{}, billing(1000), func(r *reading) {
		sub, _ := r.sub.(*subscription)
		old, _ := encodeAhead(10, nil, aheadBytes, topicID{1})
		found := map[string][]committed{fakeTopic: {{10, old}, {10, old}, {10, old}}}
		logs := map[string]topicID{fakeTopic: f.topics.id(fakeTopic)}
		gaps, err := sub.disown(r.t.Context(), []*unit{{number: 2}, {number: 1}, {number: 3}}, found, logs)
		want := []string{fakeTopic + ": the topic was deleted and made again, going on at the oldest that is held in partitions [1 2]"}
		if err != nil || !slices.Equal(gaps, want) {
			r.t.Errorf("told is %q, %v, want %q", gaps, err, want)
		}
		if got := found[fakeTopic]; !slices.Equal(got, []committed{{10, old}, {offset: -1}, {offset: -1}}) {
			r.t.Errorf("the positions are %+v", got)
		}
	})
}
