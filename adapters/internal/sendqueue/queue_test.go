package sendqueue_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

func TestMessagesComeOutInOrderWithTheirAddress(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 200)
	var want []string
	for i := range 100 {
		a, b := fmt.Sprint(i, "a"), fmt.Sprint(i, "b")
		q.Put(t.Context(), to, messages(a, b), r)
		r.got = r.got[:200]
		want = append(want, a, b)
	}
	wantReady(t, q, true)
	got := q.Take(nil, unlimited, unlimited)
	wantIDs(t, got, want...)
	for i := range got {
		if got[i].To != to {
			t.Errorf("entry %d goes to %v, want %v", i, got[i].To, to)
		}
	}
	if q.Len() != 0 {
		t.Errorf("Len is %d after all was taken", q.Len())
	}
}

func TestTakeIsBoundedByCountAndBytesAndAppends(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	q.Put(t.Context(), to, messages("a", "bb", "ccc", "dddd", "e"), newFates(t, 5))
	wantReady(t, q, true)
	got := q.Take(nil, 1, unlimited)
	wantIDs(t, got, "a")
	wantReady(t, q, true) // something is left
	got = q.Take(got, 5, 5)
	wantIDs(t, got, "a", "bb", "ccc")
	got = q.Take(got[:0], 5, 1) // larger than what is asked for, and alone
	wantIDs(t, got, "dddd")
	got = q.Take(got[:0], 0, unlimited)
	wantIDs(t, got)
	wantReady(t, q, true)
	got = q.Take(got[:0], 5, 5)
	wantIDs(t, got, "e")
	wantReady(t, q, false)
}

func TestDoneReportsOnce(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 3)
	q.Put(t.Context(), to, messages("a", "b", "c"), r)
	got := q.Take(nil, 3, unlimited)
	got[1].Done(driver.Denied, errors.New("no"))
	got[1].Done(driver.Stored, nil)
	r.want("-", "denied (no)", "-")
	sendqueue.DoneAll(got, driver.Stored, nil)
	sendqueue.DoneAll(got, driver.Unconfirmed, nil)
	r.want("stored", "denied (no)", "stored")
	var none sendqueue.Entry
	none.Done(driver.Stored, nil)
}

func TestUnreadPutsBackAtTheHead(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 5)
	q.Put(t.Context(), to, messages("a", "b", "c", "d", "e"), r)
	got := q.Take(nil, 4, unlimited)
	got[1].Done(driver.Stored, nil)
	<-q.Ready()
	q.Unread(got)
	wantReady(t, q, true)
	wantIDs(t, q.Take(nil, 5, unlimited), "a", "c", "d", "e")
}

func TestUnreadOfManyKeepsOrder(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprint(i))
	}
	q.Put(t.Context(), to, messages(want...), newFates(t, 1000))
	for n := 1; n < 1000; n += 97 {
		q.Unread(q.Take(nil, n, unlimited))
	}
	wantIDs(t, q.Take(nil, 1000, unlimited), want...)
}

func TestWithdrawnMessagesGetTheirFateOnTheWay(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 4)
	msgs := messages("a", "b", "c", "d")
	q.Put(t.Context(), to, msgs, r)
	msgs[0].Withdraw()
	msgs[2].Withdraw()
	got := q.Take(nil, 2, unlimited)
	wantIDs(t, got, "b", "d")
	if !msgs[1].Withdraw() {
		t.Error("Take claims")
	}
	w := "unavailable (withdrawn before it was written)"
	r.want(w, "-", w, "-")
}

func TestOfflineFailsWhatDoesNotWait(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 5)
	msgs := messages("a", "b", "c", "d", "e")
	msgs[1].FailFast, msgs[2].FailFast, msgs[4].FailFast = true, true, true
	q.Put(t.Context(), to, msgs, r)
	msgs[2].Withdraw()
	taken := q.Take(nil, 2, unlimited)
	q.Offline(errors.New("cut"))
	r.want("-", "-", "unavailable (withdrawn before it was written)", "-", "unavailable (not connected: cut)")
	if !errors.Is(r.errs[4], driver.ErrDisconnected) {
		t.Errorf("%v does not wrap ErrDisconnected", r.errs[4])
	}
	q.Unread(taken)
	r.want("-", "unavailable (not connected: cut)", "unavailable (withdrawn before it was written)", "-",
		"unavailable (not connected: cut)")

	q.Offline(nil)
	late := messages("x", "y", "z")
	late[0].FailFast, late[2].FailFast = true, true
	r2 := newFates(t, 3)
	q.Put(t.Context(), to, late, r2)
	r2.want("unavailable (not connected)", "-", "unavailable (not connected)")
	q.Online()
	last := messages("last")
	last[0].FailFast = true
	q.Put(t.Context(), to, last, newFates(t, 1))
	wantIDs(t, q.Take(nil, 9, unlimited), "a", "d", "y", "last")
}

func TestClosedQueueRefusesAndGivesUpWhatItHolds(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
	r := newFates(t, 4)
	msgs := messages("a", "b", "c", "d")
	q.Put(t.Context(), to, msgs, r)
	q.Close()
	q.Close()
	late := newFates(t, 2)
	q.Put(t.Context(), to, messages("x", "y"), late)
	late.want("unavailable (closed)", "unavailable (closed)")
	taken := q.Take(nil, 2, unlimited)
	wantIDs(t, taken, "a", "b")
	q.Unread(taken[1:])
	msgs[2].Withdraw()
	q.Fail(errors.New("given up"))
	r.want("-", "unavailable (given up)", "unavailable (withdrawn before it was written)", "unavailable (given up)")
	if q.Len() != 0 {
		t.Errorf("Len is %d after Fail", q.Len())
	}
}

func TestIdleWaitsForEveryFate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sendqueue.New(sendqueue.NewRoom(unlimited, unlimited))
		if err := q.Idle(t.Context()); err != nil {
			t.Errorf("Idle of an empty queue: %v", err)
		}
		q.Put(t.Context(), to, messages("a", "b"), newFates(t, 2))
		taken := q.Take(nil, 1, unlimited)
		idle := make(chan error, 2)
		for range 2 {
			go func() { idle <- q.Idle(t.Context()) }()
		}
		ended, cancel := withCause(t)
		cancel(errors.New("patience"))
		if err := q.Idle(ended); err == nil || err.Error() != "patience" {
			t.Errorf("Idle with an ended context: %v", err)
		}
		taken[0].Done(driver.Stored, nil)
		synctest.Wait()
		if len(idle) != 0 {
			t.Error("Idle returned before the last fate")
		}
		q.Fail(errors.New("no"))
		synctest.Wait()
		if len(idle) != 2 || <-idle != nil || <-idle != nil {
			t.Error("Idle did not return nil after the last fate")
		}
	})
}
