package kafka

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// later gives messages in hand to the mover, one after the other, each once the one before was sent, and returns how long that took.
func (r *reading) later(msgs []*driver.Message) time.Duration {
	r.t.Helper()
	sub, _ := r.sub.(*subscription)
	began := time.Now()
	for _, m := range msgs {
		before := len(r.f.seen())
		m.NotBefore = time.Now().Add(time.Hour)
		f, _ := m.Ref.(*feed)
		sub.mover.add(f, m)
		for wait := 0; len(r.f.seen()) == before && wait < 5000; wait++ {
			<-time.After(time.Millisecond)
		}
		synctest.Wait()
	}
	return time.Since(began)
}

func TestMover_PausesOnlyAfterAFailure(t *testing.T) {
	t.Parallel()
	const records = 100
	reads(t, records, records, func(r *reading) {
		if took := r.later(r.receive(time.Minute)); took > time.Second {
			r.t.Errorf("%d that are due later took %v, with a broker that answers at once", records, took)
		}
		if n := len(r.f.seen()); n != records {
			r.t.Errorf("%d were copied, want %d", n, records)
		}
	})
}

func TestMover_TriesAgainWithPausesWhatIsNotStored(t *testing.T) {
	t.Parallel()
	reads(t, 10, 10, func(r *reading) {
		msgs := r.receive(time.Minute)
		const refused = 20
		denial := make([]verdict, refused)
		for i := range denial {
			denial[i].code = 29
		}
		r.f.with(func(f *fake) { f.answer = script(denial...) })
		began := time.Now()
		r.later(msgs[:1])
		for len(r.f.seen()) <= refused {
			<-time.After(10 * time.Millisecond)
		}
		if took := time.Since(began); took < refused*retryMost/8 || took > refused*retryMost {
			r.t.Errorf("%d tries took %v", refused, took)
		}
		<-time.After(10 * time.Second)
		if n := len(r.f.seen()); n != refused+1 {
			r.t.Errorf("it was sent %d times, want %d: the last was stored", n, refused+1)
		}
		if took := r.later(msgs[1:]); took > time.Second {
			r.t.Errorf("when that is over, %d more took %v", len(msgs)-1, took)
		}
	})
}

// What could not be copied before its partition was lost is copied by whoever has that now.
func TestMover_LeavesToOthersWhatIsLost(t *testing.T) {
	t.Parallel()
	reads(t, 10, 10, func(r *reading) {
		msgs := r.receive(time.Minute)
		r.f.with(func(f *fake) { f.answer = func(attempt) verdict { return verdict{code: 29} } })
		r.later(msgs[:3])
		r.f.expel()
		<-time.After(5 * time.Second)
		before := len(r.f.seen())
		<-time.After(time.Minute)
		sub, _ := r.sub.(*subscription)
		sub.mover.mu.Lock()
		defer sub.mover.mu.Unlock()
		if after := len(r.f.seen()); after != before || sub.mover.count != 0 {
			r.t.Errorf("%d were copied after the partition was lost, and %d still count", after-before, sub.mover.count)
		}
	})
}
