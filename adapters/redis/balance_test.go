package redis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// look is what a keeper finds, and what handlers are told.
type look struct {
	gone  bool
	again time.Duration
	state driver.SourceState
}

func lookAt(o redis.Owner, src *driver.Source) look {
	gone, again := o.Look()
	return look{gone, again, src.State()}
}

func received(t *testing.T, o redis.Owner, n int) []*driver.Message {
	t.Helper()
	msgs, err := o.Subscription().Receive(t.Context(), n, 1<<20)
	if err != nil || len(msgs) != n {
		t.Fatalf("received %d, %v", len(msgs), err)
	}
	return msgs
}

func settle(o redis.Owner, v driver.Verdict, msgs ...*driver.Message) {
	for _, m := range msgs {
		o.Subscription().Settle([]driver.Outcome{{Message: m, Verdict: v}})
	}
}

const grace = redis.OwnerSession / 3

// What has not been started is released when a partition is handed over; that must not take the time from a handler that is at work.
func TestHandover_LeavesHandlersTheirGrace_WhenTheRestIsReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := redis.NewOwner(3)
		msgs, src := received(t, o, 3), o.Source()
		o.Cede()
		settle(o, driver.Release, msgs[1:]...)
		time.Sleep(time.Second)
		if got, want := lookAt(o, src), (look{again: grace - time.Second, state: driver.Ending}); got != want {
			t.Errorf("a handler is at work, and the keeper finds %+v, want %+v", got, want)
		}
		settle(o, driver.Release, msgs[0])
		if got, want := lookAt(o, src), (look{gone: true, state: driver.Ending}); got != want {
			t.Errorf("all has been let go of, and the keeper finds %+v, want %+v", got, want)
		}
	})
}

// A member that is being stopped lets its handlers finish, too.
func TestStop_KeepsThePartition_WhenTheRestIsReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := redis.NewOwner(3)
		msgs, src := received(t, o, 3), o.Source()
		o.Subscription().Stop()
		o.Cede() // as the next round does
		settle(o, driver.Release, msgs[1:]...)
		time.Sleep(time.Hour)
		if got := lookAt(o, src); got.gone || got.state == driver.Gone {
			t.Errorf("a handler is at work, and the keeper finds %+v", got)
		}
		settle(o, driver.Release, msgs[0])
		if got := lookAt(o, src); !got.gone {
			t.Errorf("all has been let go of, and the keeper finds %+v", got)
		}
	})
}

// When the grace is over the handler's context ends. The partition is another member's only when it has returned, or has had as long again.
func TestHandover_WaitsForARevokedHandler(t *testing.T) {
	t.Parallel()
	for _, settles := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := redis.NewOwner(2)
			msgs, src := received(t, o, 2), o.Source()
			o.Cede()
			time.Sleep(grace)
			if got, want := lookAt(o, src), (look{again: grace, state: driver.Gone}); got != want {
				t.Errorf("the grace is over, and the keeper finds %+v, want %+v", got, want)
			}
			settle(o, driver.Ack, msgs[0], msgs[0])
			time.Sleep(time.Second)
			if got, want := lookAt(o, src), (look{again: grace - time.Second, state: driver.Gone}); got != want {
				t.Errorf("one handler of two has returned, and the keeper finds %+v, want %+v", got, want)
			}
			if settles {
				settle(o, driver.Release, msgs[1])
			} else {
				time.Sleep(grace - time.Second)
			}
			if got, want := lookAt(o, src), (look{gone: true, state: driver.Gone}); got != want {
				t.Errorf("handlers have returned: %v, and the keeper finds %+v, want %+v", settles, got, want)
			}
		})
	}
}

// A partition that is handed over after its session was lost waits for what the lost session's handlers have in hand, as long as for any.
func TestHandover_WaitsForHandlersOfTheLostSession(t *testing.T) {
	t.Parallel()
	for _, settles := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := redis.NewOwner(1)
			msgs := received(t, o, 1)
			o.Again()
			src := o.Source()
			o.Cede()
			if got, want := lookAt(o, src), (look{again: grace, state: driver.Ending}); got != want {
				t.Errorf("a handler is at work, and the keeper finds %+v, want %+v", got, want)
			}
			if settles {
				settle(o, driver.Release, msgs[0])
			} else {
				time.Sleep(grace)
			}
			if got, want := lookAt(o, src), (look{gone: true, state: driver.Ending}); got != want {
				t.Errorf("handlers have returned: %v, and the keeper finds %+v, want %+v", settles, got, want)
			}
		})
	}
}
