package messagingtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// Idle blocks until all that was published is finished for every group: handled, discarded, or a stored dead letter, with what the handlers
// published in turn, what waits in inboxes, and what is to be delivered later. It looks at the topics that this broker has published or
// subscribed to; events of other brokers on the same server count there, too.
//
// In a bubble it lets the clock jump to what is due next, so that time.Now is the moment when the last of it was finished. Outside it waits
// in real time, and it can't see an event that no reader of a broadcast has begun to handle. When its bound is over (see Within), or when all
// that is left is due after it, Idle fails the test at once and says what is left.
func (b *Broker) Idle() {
	b.t.Helper()
	began := time.Now()
	for {
		if b.bubble {
			synctest.Wait()
		}
		left, err := b.left()
		if err != nil {
			b.t.Fatalf("messagingtest: idle: %v", err)
		}
		if left.none() {
			return
		}
		passed := time.Since(began)
		if passed >= b.within {
			b.t.Fatalf("messagingtest: not idle after %v:\n%s", b.within, left)
		}
		if !b.bubble && left.after(began.Add(b.within)) {
			b.t.Fatalf("messagingtest: not idle within %v, and time is real here; use Run, or shorter delays:\n%s", b.within, left)
		}
		b.pause(min(max(passed/10, time.Millisecond), b.within-passed))
	}
}

// pause waits until something happens, and d at most.
func (b *Broker) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-b.journal.changed:
	case <-timer.C:
	}
}

// left is what is not finished.
type left struct {
	groups    []messaging.GroupInfo // those with events
	running   []start
	waiting   map[work]retry
	scheduled []time.Time
	calls     int
	away      error // the broker is disconnected
	moving    bool  // things happened while they were counted
	now       time.Time
}

// left counts what is not finished. That nothing happens meanwhile makes the counts of several topics true together: a handler that finishes
// an event in one topic has published to the other before.
func (b *Broker) left() (left, error) {
	before := b.journal.snapshot()
	if err := b.Live(); err != nil {
		return before, err
	}
	if err := b.Ready(); errors.Is(err, messaging.ErrUnavailable) {
		before.away = err
		return before, nil
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), b.within)
	defer cancel()
	topics, moves := b.journal.known()
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		groups, err := b.Groups(ctx, topic)
		if err != nil && topics[topic] {
			return before, err
		}
		for _, g := range groups { // none for a topic that was published to and does not exist: its events were refused or dropped
			if g.Lag.Count+g.Lag.Later > 0 {
				before.groups = append(before.groups, g)
			}
		}
	}
	_, after := b.journal.known()
	before.moving = after != moves
	return before, nil
}

// known returns the topics and the count of what happened.
func (j *journal) known() (topics map[string]bool, moves uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.topics), j.moves
}

// snapshot returns what the journal itself knows to be unfinished.
func (j *journal) snapshot() left {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := left{waiting: make(map[work]retry), calls: j.calls, now: time.Now()}
	for s := range j.running {
		l.running = append(l.running, *s)
	}
	for w, r := range j.waiting {
		if w.name != "" || l.now.Before(r.due.Add(time.Second)) { // a broadcast that was closed tries no more
			l.waiting[w] = r
		}
	}
	for _, at := range j.scheduled {
		if l.now.Before(at) {
			l.scheduled = append(l.scheduled, at)
		}
	}
	return l
}

// none reports whether all is finished.
func (l left) none() bool {
	broadcast := func(w work) bool { return w.name == "" }
	return len(l.groups)+len(l.running)+len(l.scheduled)+l.calls == 0 && l.away == nil && !l.moving &&
		!slices.ContainsFunc(slices.Collect(maps.Keys(l.waiting)), broadcast)
}

// after reports whether all that is left is known to be due after the time.
func (l left) after(end time.Time) bool {
	if len(l.running)+l.calls > 0 || l.away != nil || l.moving {
		return false
	}
	inboxes := int64(0)
	for _, g := range l.groups {
		if g.Lag.Count > 0 {
			return false
		}
		inboxes += g.Lag.Later
	}
	for _, r := range l.waiting {
		if !r.inbox || !r.due.After(end) {
			return false
		}
	}
	early := func(at time.Time) bool { return !at.After(end) }
	return inboxes == int64(len(l.waiting)) && !slices.ContainsFunc(l.scheduled, early)
}

// String lists what is left, a line for each.
func (l left) String() string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, "  "+fmt.Sprintf(format, args...)) }
	if l.away != nil {
		add("the broker is away: %v", l.away)
	}
	if l.calls > 0 {
		add("calls of Publish under way: %d", l.calls)
	}
	for _, g := range l.groups {
		note := ""
		if g.Members == 0 {
			note = "; nobody is subscribed"
		}
		add("%s/%s: %d not finished, %d in the inbox%s", g.Topic, g.Name, g.Lag.Count, g.Lag.Later, note)
	}
	for _, s := range l.running {
		add("%s: the handler of %s %s, attempt %d, runs for %v", s.group, s.typ, s.id, s.attempt, l.now.Sub(s.at))
	}
	for w, r := range l.waiting {
		add("%s: %s %s waits %v for attempt %d", w.group, r.typ, w.id, r.due.Sub(l.now), r.attempt)
	}
	if len(l.scheduled) > 0 {
		add("events to be delivered later: %d, the first in %v", len(l.scheduled), slices.MinFunc(l.scheduled, time.Time.Compare).Sub(l.now))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
