package sendqueue_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// unlimited is more room than any test fills.
const unlimited = 1 << 30

var to = driver.Address{Topic: "t", Group: "g"}

// fates is a Result that fails the test when a message gets a second fate.
type fates struct {
	t    testing.TB
	mu   sync.Mutex
	got  []driver.Fate
	errs []error
	left int
	all  chan struct{}
}

func newFates(t testing.TB, n int) *fates {
	return &fates{t: t, got: make([]driver.Fate, n), errs: make([]error, n), left: n, all: make(chan struct{})}
}

func (f *fates) Done(i int, fate driver.Fate, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.got[i] != 0 {
		f.t.Errorf("message %d is %v and then %v", i, f.got[i], fate)
	}
	f.got[i], f.errs[i] = fate, err
	if f.left--; f.left == 0 {
		close(f.all)
	}
}

// String lists the fates: "-" where there is none yet, the error where there is one.
func (f *fates) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := make([]string, len(f.got))
	for i, fate := range f.got {
		switch {
		case fate == 0:
			text[i] = "-"
		case f.errs[i] != nil:
			text[i] = fmt.Sprintf("%v (%v)", fate, f.errs[i])
		default:
			text[i] = fate.String()
		}
	}
	return fmt.Sprint(text)
}

func (f *fates) want(want ...string) {
	f.t.Helper()
	if got := f.String(); got != fmt.Sprint(want) {
		f.t.Errorf("fates are %v, want %v", got, want)
	}
}

// messages returns messages with these ids and no body.
func messages(ids ...string) []*driver.Message {
	msgs := make([]*driver.Message, len(ids))
	for i, id := range ids {
		msgs[i] = &driver.Message{ID: id}
	}
	return msgs
}

func idsOf(entries []sendqueue.Entry) []string {
	ids := []string{}
	for i := range entries {
		ids = append(ids, entries[i].Msg.ID)
	}
	return ids
}

func wantIDs(t *testing.T, entries []sendqueue.Entry, want ...string) {
	t.Helper()
	if got := idsOf(entries); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("took %v, want %v", got, want)
	}
}

func wantReady(t *testing.T, q *sendqueue.Queue, want bool) {
	t.Helper()
	got := false
	select {
	case <-q.Ready():
		got = true
	default:
	}
	if got != want {
		t.Errorf("Ready is %v, want %v", got, want)
	}
}
