package load

import (
	"context"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

// check is how often waits look.
const check = 20 * time.Millisecond

// Await waits until n more events were handled, for at most a minute.
func (l *Load) Await(n int) {
	l.t.Helper()
	if took, ok := l.within(time.Minute, n); !ok {
		l.t.Fatalf("load: %d more events were not handled within %v; %s", n, took, l.Report())
	}
}

// Recover waits until traffic flows again, which is fifty more events, and returns how long it took. The test fails if it takes longer than
// the goal.
func (l *Load) Recover(goal time.Duration) time.Duration {
	l.t.Helper()
	took, ok := l.within(max(goal, time.Minute), 50)
	if !ok {
		l.t.Fatalf("load: no traffic within %v; %s", took, l.Report())
	}
	if took > goal {
		l.t.Errorf("load: traffic flowed again after %v, want %v", took, goal)
	}
	return took
}

func (l *Load) within(limit time.Duration, n int) (took time.Duration, ok bool) {
	began, want := time.Now(), l.handled.Load()+int64(n)
	ticker := time.NewTicker(check)
	defer ticker.Stop()
	for l.handled.Load() < want {
		if time.Since(began) > limit {
			return time.Since(began), false
		}
		<-ticker.C
	}
	return time.Since(began), true
}

// Hurt runs a fault. What members hold, before and after it, may come again.
func (l *Load) Hurt(fault func()) {
	l.add(history.Op{Kind: history.Hurt})
	fault()
	l.add(history.Op{Kind: history.Hurt})
}

// Undo runs a fault that makes the broker forget what the group finishes while it lasts: all of that may come again beside what members held.
func (l *Load) Undo(fault func()) {
	l.add(history.Op{Kind: history.Hurt})
	l.add(history.Op{Kind: history.Undoing, Note: "forgotten"})
	fault()
	l.add(history.Op{Kind: history.Undone})
	l.add(history.Op{Kind: history.Hurt})
}

// Join lets one more member join the group.
func (l *Load) Join() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	l.joined++
	member := "m" + strconv.Itoa(l.cfg.Members+l.joined)
	l.open(ctx, member, nil)
	l.subscribe(ctx, l.brokers[len(l.brokers)-1], member)
}

// Leave closes the member that joined last.
func (l *Load) Leave() {
	l.t.Helper()
	last := len(l.brokers) - 1
	l.close(l.brokers[last])
	l.brokers = l.brokers[:last]
}

// Handled returns how many events were handled so far, duplicates included.
func (l *Load) Handled() int { return int(l.handled.Load()) }

// Notices returns what was told so far of one kind.
func (l *Load) Notices(kind driver.NoticeKind) []messaging.Notice {
	l.notices.Lock()
	defer l.notices.Unlock()
	var of []messaging.Notice
	for _, n := range l.seen {
		if n.Kind == kind {
			of = append(of, n)
		}
	}
	return of
}

// Brokers returns the publishers' broker and those of the members, in their order.
func (l *Load) Brokers() []*messaging.Broker { return l.brokers }

// grace is how long after it was hurt a member may still begin what it held then, and others have handled meanwhile: its handlers are not all under
// way yet, or the machine stands still between a handler's beginning and the record of it.
const grace = 5 * time.Second

// Report judges what has happened so far; what is on its way counts as lost.
func (l *Load) Report() history.Report {
	rules := history.Rules{
		Group: l.cfg.Group, Window: l.cfg.Window, Reach: 2 * l.cfg.Window, Grace: grace, Disordered: l.cfg.Members+l.joined > 1 && !l.cfg.Ordered,
	}
	return rules.Judge(l.log.Ops())
}

// Finish stops the publishers, waits for the last event, closes the brokers and judges the history. Violations fail the test; the report is
// logged and returned.
func (l *Load) Finish() history.Report {
	l.t.Helper()
	report := l.Drain()
	if !report.OK() {
		l.t.Errorf("load: %s", report)
	}
	l.t.Logf("load: %s", report)
	return report
}

// Drain is Finish for faults that destroy events or explain more than a window: the test judges the report.
func (l *Load) Drain() history.Report {
	l.t.Helper()
	l.stop()
	patience := time.AfterFunc(l.cfg.Drain, l.giveUp)
	l.writers.Wait()
	patience.Stop()
	ticker := time.NewTicker(check)
	defer ticker.Stop()
	for began := time.Now(); l.waiting.Load() > 0 && time.Since(began) < l.cfg.Drain; {
		<-ticker.C
	}
	for _, b := range l.brokers {
		l.close(b)
	}
	return l.Report()
}
