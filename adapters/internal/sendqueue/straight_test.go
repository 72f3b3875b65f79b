package sendqueue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// last keeps the one fate that it is told.
type last struct {
	i    int
	fate driver.Fate
	n    int
}

func (l *last) Done(i int, fate driver.Fate, _ error) { l.i, l.fate, l.n = i, fate, l.n+1 }

func TestStraightTakesAMessagePastAnEmptyQueue(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(2, 100))
	to, m, r := driver.Address{Topic: "orders"}, &driver.Message{Body: []byte("x")}, &last{}
	e, ok := q.Straight(to, m, r)
	if !ok || e.To != to || e.Msg != m || q.Len() != 0 {
		t.Fatalf("%+v, %v, with %d queued", e, ok, q.Len())
	}
	select {
	case <-q.Ready():
		t.Error("the consumer is woken")
	default:
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Idle(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("idle with a message under way: %v", err)
	}
	e.Done(driver.Stored, nil)
	if *r != (last{0, driver.Stored, 1}) {
		t.Errorf("told %+v", *r)
	}
	if err := q.Idle(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStraightDoesNothingWhereAMessageWouldWait(t *testing.T) {
	t.Parallel()
	m := &driver.Message{Body: []byte("x")}
	for name, prepare := range map[string]func(q *sendqueue.Queue){
		"something is queued": func(q *sendqueue.Queue) { q.Put(t.Context(), driver.Address{}, []*driver.Message{{}}, &last{}) },
		"there is no room":    func(q *sendqueue.Queue) { q.Straight(driver.Address{}, &driver.Message{}, &last{}) },
		"the broker is away":  func(q *sendqueue.Queue) { q.Offline(nil) },
		"it is closed":        func(q *sendqueue.Queue) { q.Close() },
	} {
		q := sendqueue.New(sendqueue.NewRoom(1, 100))
		prepare(q)
		r := &last{}
		if e, ok := q.Straight(driver.Address{}, m, r); ok || e.Msg != nil || r.n > 0 {
			t.Errorf("%s: %+v, %v, told %d times", name, e, ok, r.n)
		}
	}
}

func TestWhatWentStraightCanBePutBack(t *testing.T) {
	t.Parallel()
	q := sendqueue.New(sendqueue.NewRoom(2, 100))
	first, second := &driver.Message{ID: "1"}, &driver.Message{ID: "2"}
	e, _ := q.Straight(driver.Address{}, first, &last{})
	q.Put(t.Context(), driver.Address{}, []*driver.Message{second}, &last{})
	q.Unread([]sendqueue.Entry{e})
	got := q.Take(nil, 10, 100)
	if len(got) != 2 || got[0].Msg != first || got[1].Msg != second {
		t.Errorf("taken: %+v", got)
	}
}
