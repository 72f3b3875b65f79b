package rabbitmq_test

import (
	"slices"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

const (
	open        = driver.Fate(0)
	stored      = driver.Stored
	unconfirmed = driver.Unconfirmed
	unroutable  = driver.Unroutable
)

func TestAnswersBelongToTheirMessages(t *testing.T) {
	t.Parallel()
	p := rabbitmq.NewPublishes(100, 8)
	p.Answer(3, false, false)
	p.Return("5")
	p.Answer(5, false, false)
	p.Answer(6, false, true)
	p.Answer(6, false, false) // never twice
	p.Answer(9, false, false) // nor for what was never written
	if got, _ := p.Fates(); !slices.Equal(got, []driver.Fate{open, open, stored, open, unroutable, unconfirmed, open, open}) {
		t.Errorf("one by one: %v", got)
	}
	p.Answer(7, true, false)
	got, kept := p.Fates()
	if !slices.Equal(got, []driver.Fate{stored, stored, stored, stored, unroutable, unconfirmed, stored, open}) || kept != 1 {
		t.Errorf("up to the seventh: %v, %d kept", got, kept)
	}
}

// What is never answered, as by a queue without a leader, does not keep what others have answered.
func TestUnansweredMessagesPileUpNothing(t *testing.T) {
	t.Parallel()
	const n = 1000
	p := rabbitmq.NewPublishes(10, n)
	want := make([]driver.Fate, n)
	for tag := uint64(1); tag <= n; tag++ {
		if tag%100 != 7 { // ten have no answer
			p.Answer(tag, false, false)
			want[tag-1] = stored
		}
	}
	got, kept := p.Fates()
	if !slices.Equal(got, want) || kept > 20 {
		t.Errorf("%d messages are kept in order, want 20 at most; fates are as they should be: %v", kept, slices.Equal(got, want))
	}
	p.Answer(907, false, true)
	p.Answer(507, true, false)
	p.Answer(n, true, false)
	for i := range want {
		want[i] = stored
	}
	want[906] = unconfirmed
	if got, kept := p.Fates(); !slices.Equal(got, want) || kept != 0 {
		t.Errorf("in the end %d are kept; fates are as they should be: %v", kept, slices.Equal(got, want))
	}
}

// Frames that could not be written at all go back to the queue in their order, and have no fate.
func TestWhatWasNeverWrittenGoesBack(t *testing.T) {
	t.Parallel()
	p := rabbitmq.NewPublishes(10, 3)
	if got := p.GiveBack(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("in the queue are %v", got)
	}
	if got, kept := p.Fates(); !slices.Equal(got, []driver.Fate{open, open, open}) || kept != 0 {
		t.Errorf("fates are %v, %d are kept", got, kept)
	}
}
