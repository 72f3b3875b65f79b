package rabbitmq_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

var base = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func told(t *testing.T, what string, got, want rabbitmq.Told) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: told %+v, want %+v", what, got, want)
	}
}

func TestAFinishedRunIsAcknowledgedAtOnce(t *testing.T) {
	t.Parallel()
	a := rabbitmq.NewAcks(8, base)
	a.Take(base, 1, 2, 3, 4)
	a.Settle(driver.Ack, 2, 1)
	told(t, "a quarter of the window", a.Due(base, false), rabbitmq.Told{UpTo: 2, Acks: 2})
	a.Settle(driver.Ack, 3)
	told(t, "a shorter run waits", a.Due(base, false), rabbitmq.Told{Wait: rabbitmq.GatherFor})
	told(t, "but not for long", a.Due(base.Add(rabbitmq.GatherFor), false), rabbitmq.Told{UpTo: 3, Acks: 1})
	told(t, "nothing is told twice", a.Due(base.Add(time.Hour), true), rabbitmq.Told{})
}

func TestASlowHeadDoesNotHoldAcksBack(t *testing.T) {
	t.Parallel()
	a := rabbitmq.NewAcks(100, base)
	a.Take(base, 1, 2, 3, 4)
	a.Settle(driver.Ack, 3, 2)
	told(t, "while the head is young", a.Due(base.Add(rabbitmq.LateAfter/2), false), rabbitmq.Told{Wait: rabbitmq.LateAfter / 2})
	told(t, "once it is old", a.Due(base.Add(rabbitmq.LateAfter), false), rabbitmq.Told{Singles: []uint64{3, 2}, Acks: 2})
	a.Settle(driver.Ack, 1, 4)
	told(t, "the rest, counted once", a.Due(base.Add(rabbitmq.LateAfter), true), rabbitmq.Told{UpTo: 4, Acks: 2})
}

func TestHalfTheWindowBehindTheHeadIsAcknowledgedSingly(t *testing.T) {
	t.Parallel()
	a := rabbitmq.NewAcks(4, base)
	a.Take(base, 1, 2, 3, 4)
	a.Settle(driver.Ack, 3)
	a.Due(base, false)
	a.Settle(driver.Ack, 2)
	told(t, "half of it", a.Due(base, false), rabbitmq.Told{Singles: []uint64{3, 2}, Acks: 2})
}

// The broker refuses an acknowledgement whose own tag is settled already, even when it would settle others.
func TestARunIsAcknowledgedByATagThatIsStillOut(t *testing.T) {
	t.Parallel()
	a := rabbitmq.NewAcks(4, base)
	a.Take(base, 1, 2, 3, 4)
	a.Settle(driver.Ack, 1, 2)
	a.Settle(driver.Release, 3, 4)
	told(t, "released ones come last", a.Due(base, true), rabbitmq.Told{UpTo: 2, Nacks: []uint64{3, 4}, Acks: 2})
	a.Take(base, 5)
	a.Settle(driver.Release, 5)
	told(t, "released ones alone", a.Due(base, true), rabbitmq.Told{Nacks: []uint64{5}})
}

func TestAnOutcomeCountsOnce(t *testing.T) {
	t.Parallel()
	a := rabbitmq.NewAcks(4, base)
	a.Take(base, 1, 2)
	a.Settle(driver.Ack, 1, 1)
	a.Settle(driver.Release, 1)
	told(t, "the first verdict", a.Due(base, true), rabbitmq.Told{UpTo: 1, Acks: 1})
}

// A return names no tag: it belongs to the oldest message that is the same, and to no other.
func TestAReturnBelongsToOneMessage(t *testing.T) {
	t.Parallel()
	var r rabbitmq.Returned
	r.Sent("orders", "order.placed", "1", "a")
	r.Sent("orders", "order.placed", "2", "a")
	r.Sent("orders", "order.placed", "2", "b")
	r.Sent("orders", "order.placed", "2", "b")
	r.Sent("other", "order.placed", "2", "b")
	for i, want := range [][]int{{2}, {2, 3}, {2, 3}} {
		if got := r.Return("orders", "order.placed", "2", "b"); !reflect.DeepEqual(got, want) {
			t.Errorf("after return %d these came back: %v, want %v", i+1, got, want)
		}
	}
	if got, want := r.Return("orders", "order.placed", "1", "a"), []int{0, 2, 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("these came back: %v, want %v", got, want)
	}
}
