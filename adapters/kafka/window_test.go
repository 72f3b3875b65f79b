package kafka

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// reading is a subscription of the fake's group, inside a bubble.
type reading struct {
	t   *testing.T
	f   *fake
	d   *Driver
	sub driver.Subscription
}

// notices keeps what a subscription tells.
type notices struct {
	mu  sync.Mutex
	all []driver.Notice
}

func (n *notices) notify(one driver.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one)
}

// gaps returns the sizes of the gaps that were told.
func (n *notices) gaps() (sizes []int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.all {
		if one.Kind == driver.Gap {
			sizes = append(sizes, one.Count)
		}
	}
	return sizes
}

// reads runs a member whose one partition holds records.
func reads(t *testing.T, records, window int, run func(r *reading)) {
	t.Helper()
	spec := driver.Spec{Topic: fakeTopic, Group: "billing", Window: window, WindowBytes: 1 << 20}
	readsOf(t, newFake(1), records, Config{}, spec, run)
}

// readsOf is reads with a cluster, a Config and a Spec of the test's.
func readsOf(t *testing.T, f *fake, records int, cfg Config, spec driver.Spec, run func(r *reading)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.group = newFakeGroup()
		f.group.holds(t, 0, records)
		cfg.Brokers, cfg.Dial, spec.Notify = []string{"fake:9092"}, f.Dial, f.told.notify
		d, err := New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := d.Subscribe(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		run(&reading{t, f, d, sub})
		f.refuseCommits(0)
		f.back()
		if err := d.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		f.pumps.Wait()
	})
}

// receive returns what comes within a time.
func (r *reading) receive(limit time.Duration) []*driver.Message {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	msgs, err := r.sub.Receive(ctx, 1000, 1<<20)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		r.t.Fatal(err)
	}
	return append([]*driver.Message(nil), msgs...)
}

func (r *reading) ack(msgs ...*driver.Message) {
	outcomes := make([]driver.Outcome, len(msgs))
	for i, m := range msgs {
		outcomes[i] = driver.Outcome{Message: m}
	}
	r.sub.Settle(outcomes)
}

// until receives and acks, until nothing more comes for a while, and returns how many there were.
func (r *reading) until(calm time.Duration) (n int) {
	r.t.Helper()
	for msgs := r.receive(calm); len(msgs) > 0; msgs = r.receive(calm) {
		r.ack(msgs...)
		n += len(msgs)
	}
	return n
}

func TestWindow_CountsWhatIsDoneAndNotCommitted(t *testing.T) {
	t.Parallel()
	const records, window = 200, 10
	reads(t, records, window, func(r *reading) {
		r.f.refuseCommits(kafkago.GroupLoadInProgress)
		if n := r.until(time.Minute); n != window {
			t.Errorf("%d were handed out while no commit is stored, want the window of %d", n, window)
		}
		r.f.refuseCommits(0)
		if n := r.until(time.Minute); n != records-window {
			t.Errorf("%d came after that, want the other %d", n, records-window)
		}
		if got := r.f.position(0); got.offset != records {
			t.Errorf("the position is %+v, want %d", got, records)
		}
	})
}

func TestWindow_IsOpenAgainWhenTheBrokerIs(t *testing.T) {
	t.Parallel()
	const records, window = 200, 10
	reads(t, records, window, func(r *reading) {
		first := r.receive(time.Minute)
		r.f.crash()
		r.ack(first...)
		if n := len(first) + r.until(10*time.Second); n != window {
			t.Errorf("%d were handed out when the broker was away, want the window of %d", n, window)
		}
		r.f.back()
		if n := r.until(time.Minute); n != records-window {
			t.Errorf("%d came after that, want the other %d", n, records-window)
		}
	})
}

// What is lost with a partition is no more of the window.
func TestWindow_IsOpenAgainAfterAnExpulsion(t *testing.T) {
	t.Parallel()
	const records, window = 200, 10
	reads(t, records, window, func(r *reading) {
		r.f.refuseCommits(kafkago.GroupLoadInProgress)
		r.until(time.Minute)
		r.f.expel()
		if n := r.until(time.Minute); n != window {
			t.Errorf("%d came again after an expulsion, want the window of %d", n, window)
		}
		r.f.refuseCommits(0)
		if n := r.until(time.Minute); n != records-window {
			t.Errorf("%d came when commits are stored, want the other %d", n, records-window)
		}
	})
}

// Half of a window does not wait for the pause between two commits.
func TestCommit_HurriesWhenHalfOfTheWindowWaitsForIt(t *testing.T) {
	t.Parallel()
	const records, window = 400, 4
	reads(t, records, window, func(r *reading) {
		began := time.Now()
		for n := 0; n < records; {
			msgs := r.receive(time.Minute)
			r.ack(msgs...)
			n += len(msgs)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%d events with a window of %d took %v beside the broker's own time", records, window, took)
		}
	})
}

// What is finished behind a stuck record travels beside its position, which has an end; then the partition rests until the record is done.
func TestWindow_RestsBeforeACommitCannotTellWhatIsDone(t *testing.T) {
	t.Parallel()
	const records, window = 20_000, 1000
	reads(t, records, window, func(r *reading) {
		first := r.receive(time.Minute)
		r.ack(first[1:]...)
		n := len(first) + r.until(time.Minute)
		if least := aheadBytes * bitsKept; n < least || n > least+window {
			t.Errorf("%d came behind a stuck one, want about %d", n, least)
		}
		p := r.f.position(0)
		if done := finishedOf(p.offset, p.ahead); p.offset != 0 || len(done) != n-1 {
			t.Errorf("the commit tells %d of %d that are done behind %d", len(done), n-1, p.offset)
		}
		r.ack(first[0])
		if rest := r.until(time.Minute); n+rest != records {
			t.Errorf("%d came after that, want %d", rest, records-n)
		}
	})
}

// A broker that is away is dialled as often as one loop with growing pauses would, whatever waits for it, and although a proxy before it accepts
// every connection.
// A topic that was deleted and made again has the offsets of what is still in hand once more.
func TestReset_WaitsForWhatIsInHandOfALogThatBeganAnew(t *testing.T) {
	t.Parallel()
	const before, after = 100, 60
	reads(t, before, before, func(r *reading) {
		old := r.receive(time.Minute)
		for len(old) < before {
			old = append(old, r.receive(time.Minute)...)
		}
		r.ack(old[before/2:]...) // the first half is still in hand
		r.f.beginAnew(r.t, after)
		if n := r.until(time.Minute); n != 0 {
			t.Errorf("%d of the new log were handed out beside what is in hand of the old one", n)
		}
		r.ack(old[:before/2]...)
		if n := r.until(time.Minute); n != after {
			t.Errorf("%d of the new log came, want %d", n, after)
		}
		if got := r.f.position(0); got.offset != after || got.ahead != "" {
			t.Errorf("the position is %+v, want %d", got, after)
		}
	})
}

func TestDials_DoNotDependOnHowMuchWaits(t *testing.T) {
	t.Parallel()
	const away = 75 * time.Second
	reads(t, 10, 10, func(r *reading) {
		r.until(time.Second)
		fates := (&bench{r.t, r.f, r.d}).send("a", "b")
		synctest.Wait()
		r.f.dialled()
		r.f.crash()
		r.until(away)
		// The pauses double from retryFirst to retryMost and lie anywhere below, half of that on average.
		if n, most := r.f.dialled(), 10+3*int(away/retryMost); n < 10 || n > most {
			t.Errorf("a broker that is away for %v was dialled %d times, want at most %d", away, n, most)
		}
		(&bench{r.t, r.f, r.d}).send("c")
		r.f.back()
		r.until(2 * retryMost)
		if n := r.f.dialled(); n > 40 {
			t.Errorf("the broker is back, and was dialled %d times", n)
		}
		synctest.Wait()
		if fates.of("a") != driver.Stored {
			t.Errorf("what was published is %v", fates.of("a"))
		}
	})
}
