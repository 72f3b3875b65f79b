package sendqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

func withCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}

// putting runs a Put beside the test and returns a channel that is closed when it returns.
func putting(ctx context.Context, q *sendqueue.Queue, msgs []*driver.Message, r driver.Result) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.Put(ctx, to, msgs, r)
	}()
	return done
}

func returned(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPutWaitsForCountAndBytes(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]*[2]int{"count": {2, unlimited}, "bytes": {unlimited, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := sendqueue.New(sendqueue.NewRoom(room[0], room[1]))
				r := newFates(t, 4)
				done := putting(t.Context(), q, messages("a", "bb", "cc", "d"), r)
				time.Sleep(time.Second)
				got := q.Take(nil, 9, unlimited)
				wantIDs(t, got, "a", "bb")
				time.Sleep(time.Second)
				if returned(done) || q.Len() != 0 {
					t.Fatal("what was taken and has no fate does not count")
				}
				got[1].Done(driver.Stored, nil)
				synctest.Wait()
				if returned(done) {
					t.Fatal("Put returned with no room for its last message")
				}
				got[0].Done(driver.Stored, nil)
				<-done
				wantIDs(t, q.Take(nil, 9, unlimited), "cc", "d")
				r.want("stored", "stored", "-", "-")
			})
		})
	}
}

func TestAnEmptyRoomTakesAnyOneMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(0, 3)
		a, b := sendqueue.New(room), sendqueue.New(room)
		a.Put(t.Context(), to, messages("larger than the room"), newFates(t, 1))
		done := putting(t.Context(), b, messages("b"), newFates(t, 1))
		synctest.Wait()
		if returned(done) {
			t.Fatal("two messages are in a room for none")
		}
		got := a.Take(nil, 1, 1)
		wantIDs(t, got, "larger than the room")
		got[0].Done(driver.Stored, nil)
		<-done
		wantIDs(t, b.Take(nil, 1, 1), "b")
	})
}

func TestRoomIsGivenInTheOrderOfTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(4, 10)
		a, b := sendqueue.New(room), sendqueue.New(room)
		a.Put(t.Context(), to, messages("first"), newFates(t, 1))
		large := putting(t.Context(), a, messages("too large for now"), newFates(t, 1))
		synctest.Wait()
		small := putting(t.Context(), b, messages("s"), newFates(t, 1))
		synctest.Wait()
		if returned(small) || returned(large) {
			t.Fatal("a later Put overtook one that waits")
		}
		first := a.Take(nil, 9, unlimited)
		first[0].Done(driver.Stored, nil)
		<-large
		synctest.Wait()
		if returned(small) {
			t.Fatal("the room is over-full")
		}
		second := a.Take(nil, 9, unlimited)
		second[0].Done(driver.Stored, nil)
		<-small
	})
}

func TestContextBoundsTheWaitForRoomOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sendqueue.New(sendqueue.NewRoom(2, unlimited))
		ctx, cancel := withCause(t)
		r := newFates(t, 3)
		done := putting(ctx, q, messages("a", "b", "c"), r)
		synctest.Wait()
		next := newFates(t, 1)
		behind := putting(t.Context(), q, messages("d"), next)
		synctest.Wait()
		cancel(errors.New("patience"))
		<-done
		r.want("-", "-", "unavailable (patience)")
		got := q.Take(nil, 9, unlimited)
		sendqueue.DoneAll(got, driver.Stored, nil)
		<-behind
		ended := newFates(t, 2)
		q.Put(ctx, to, messages("e", "f"), ended)
		ended.want("-", "unavailable (patience)")
		wantIDs(t, q.Take(nil, 9, unlimited), "d", "e")
	})
}

func TestALeavingWaiterMakesWayForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(9, 10)
		q, other := sendqueue.New(room), sendqueue.New(room)
		q.Put(t.Context(), to, messages("first"), newFates(t, 1))
		ctx, cancel := withCause(t)
		large := putting(ctx, q, messages("too large for now"), newFates(t, 1))
		synctest.Wait()
		small := putting(t.Context(), other, messages("s"), newFates(t, 1))
		synctest.Wait()
		cancel(nil)
		<-large
		<-small
		wantIDs(t, other.Take(nil, 9, unlimited), "s")
	})
}

func TestWithdrawnMessagesFreeTheirRoomWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(200, unlimited)
		q, other := sendqueue.New(room), sendqueue.New(room)
		q.Offline(errors.New("cut"))
		r, msgs := newFates(t, 200), messages(make([]string, 200)...)
		q.Put(t.Context(), to, msgs, r)
		var waiting [3]<-chan struct{}
		for i := range waiting {
			waiting[i] = putting(t.Context(), other, messages("w"), newFates(t, 1))
			synctest.Wait()
		}
		for range 3 { // one after the other, so that the duty to look is handed over
			time.Sleep(time.Minute)
			begin := time.Now()
			for i := range 200 {
				if msgs[i].Withdraw() {
					break
				}
			}
			select {
			case <-waiting[0]:
				waiting[0], waiting[1], waiting[2] = waiting[1], waiting[2], nil
			case <-time.After(time.Second):
				t.Fatal("the room of a withdrawn message stays taken")
			}
			if took := time.Since(begin); took > 50*time.Millisecond {
				t.Errorf("freeing took %v", took)
			}
		}
		w := "unavailable (withdrawn before it was written)"
		want := []string{w, w, w}
		for range 197 {
			want = append(want, "-")
		}
		r.want(want...)
		if q.Len() != 197 || other.Len() != 3 {
			t.Errorf("%d and %d are queued, want 197 and 3", q.Len(), other.Len())
		}
	})
}

func TestWithdrawnRoomIsFreeForOneThatWouldNotWait(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(2, unlimited))
	msgs, r := messages("a", "b"), newFates(t, 2)
	q.Put(t.Context(), to, msgs, r)
	msgs[0].Withdraw()
	ctx, cancel := withCause(t)
	cancel(errors.New("patience"))
	q.Put(ctx, to, messages("c"), newFates(t, 1))
	r.want("unavailable (withdrawn before it was written)", "-")
	wantIDs(t, q.Take(nil, 9, unlimited), "b", "c")
}

func TestCloseAndOfflineReachThoseThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(1, unlimited)
		q, other := sendqueue.New(room), sendqueue.New(room)
		other.Put(t.Context(), to, messages("o"), newFates(t, 1))
		hasty, patient, behind := messages("h", "i"), messages("p", "q"), messages("b")
		hasty[0].FailFast, hasty[1].FailFast = true, true
		h, p, b := newFates(t, 2), newFates(t, 2), newFates(t, 1)
		patientDone := putting(t.Context(), q, patient, p) // the first to wait is the one that looks around by itself
		synctest.Wait()
		hastyDone := putting(t.Context(), q, hasty, h)
		synctest.Wait()
		behindDone := putting(t.Context(), other, behind, b)
		synctest.Wait()
		q.Offline(nil)
		<-hastyDone
		h.want("unavailable (not connected)", "unavailable (not connected)")
		q.Close()
		<-patientDone
		p.want("unavailable (closed)", "unavailable (closed)")
		taken := other.Take(nil, 1, 1)
		taken[0].Done(driver.Stored, nil)
		<-behindDone
		b.want("-")
	})
}

func TestOnlineAgainBeforeAWaiterLooked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sendqueue.New(sendqueue.NewRoom(1, unlimited))
		for range 100 { // the waiter and the test run beside each other
			q.Put(t.Context(), to, messages("a"), newFates(t, 1))
			hasty := messages("h")
			hasty[0].FailFast = true
			r := newFates(t, 1)
			done := putting(t.Context(), q, hasty, r)
			synctest.Wait()
			q.Offline(nil)
			sendqueue.DoneAll(q.Take(nil, 1, 1), driver.Stored, nil)
			q.Online()
			<-done
			sendqueue.DoneAll(q.Take(nil, 1, 1), driver.Stored, nil)
			<-r.all
		}
	})
}
