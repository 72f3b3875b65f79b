package messagingtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// mostAttempts is how many attempts at one event a test may see. A handler that gives an event back for ever would else keep a bubble busy
// without end.
const mostAttempts = 10_000

// journal is what a broker's hooks have seen.
type journal struct {
	t       TB
	changed chan struct{} // capacity 1: something happened since somebody looked
	release chan struct{} // closed when the test is over

	mu        sync.Mutex
	moves     uint64          // counts what happened
	calls     int             // Publish calls under way
	topics    map[string]bool // known topics; true when something has subscribed
	published map[string]*events
	scheduled []time.Time // DeliverAt of what was stored
	attempts  map[group][]Attempt
	handled   map[group]*events
	running   map[*start]struct{}
	batch     map[context.Context]int // how many deliveries of a call have been seen
	tries     map[work]int
	waiting   map[work]retry
	letters   []letter
}

// group is a group of a topic; its name is empty for broadcasts.
type group struct{ topic, name string }

// String returns topic and group.
func (g group) String() string {
	if g.name == "" {
		return g.topic + " (broadcast)"
	}
	return g.topic + "/" + g.name
}

// work is one event for one group.
type work struct {
	group
	id string
}

// start is a handler's call under way.
type start struct {
	group
	id, typ string
	attempt int
	at      time.Time
}

// retry is an attempt to come.
type retry struct {
	typ     string
	attempt int
	due     time.Time
	inbox   bool
}

// letter is a dead letter and whether the test knows of it.
type letter struct {
	messaging.DeadLetter
	known bool
}

// events are recorded events, each id once.
type events struct {
	list []envelope.Event
	ids  map[string]struct{}
}

func (l *events) add(e *envelope.Event) {
	if _, ok := l.ids[e.ID]; ok {
		return
	}
	if l.ids == nil {
		l.ids = make(map[string]struct{})
	}
	l.ids[e.ID] = struct{}{}
	l.list = append(l.list, e.Clone())
}

// copies returns the events for the caller to keep.
func (l *events) copies() []envelope.Event {
	if l == nil {
		return nil
	}
	list := make([]envelope.Event, 0, len(l.list))
	for i := range l.list {
		list = append(list, l.list[i].Clone())
	}
	return list
}

// of returns the events under a key of m, made if need be.
func of[K comparable](m map[K]*events, key K) *events {
	if m[key] == nil {
		m[key] = &events{}
	}
	return m[key]
}

func newJournal(t TB) *journal {
	return &journal{
		t: t, changed: make(chan struct{}, 1), release: make(chan struct{}),
		topics: make(map[string]bool), published: make(map[string]*events), attempts: make(map[group][]Attempt),
		handled: make(map[group]*events), running: make(map[*start]struct{}), batch: make(map[context.Context]int),
		tries: make(map[work]int), waiting: make(map[work]retry),
	}
}

// move notes that something happened. j.mu is held.
func (j *journal) move() {
	j.moves++
	select {
	case j.changed <- struct{}{}:
	default:
	}
}

func (j *journal) subscribed(topic string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.topics[topic] = true
}

// meet notes a topic. j.mu is held.
func (j *journal) meet(topic string) {
	if _, ok := j.topics[topic]; !ok {
		j.topics[topic] = false
	}
}

func (j *journal) hasSubscribed(topic string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.topics[topic]
}

// letGo ends what the journal holds back.
func (j *journal) letGo() { close(j.release) }

// publishing begins to record a call of Publish and returns what ends it.
func (j *journal) publishing(ctx context.Context, topic string, list []envelope.Event) func(error) {
	for i := range list {
		list[i] = complete(ctx, list[i])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.meet(topic)
	j.calls++
	j.move()
	return func(err error) { j.hasPublished(topic, list, err) }
}

func (j *journal) hasPublished(topic string, list []envelope.Event, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls--
	j.move()
	var failed *messaging.PublishError
	if err != nil && !errors.As(err, &failed) {
		return
	}
	for i := range list {
		if failed != nil && slices.ContainsFunc(failed.Failed, func(f messaging.EventError) bool { return f.Index == i }) {
			continue
		}
		of(j.published, topic).add(&list[i])
		if !list[i].DeliverAt.IsZero() {
			j.scheduled = append(j.scheduled, list[i].DeliverAt)
		}
	}
}

// handling begins to record an attempt and returns what ends it.
func (j *journal) handling(ctx context.Context, d *messaging.Delivery) func(error) {
	g := group{d.Topic, d.Group}
	w := work{g, d.ID}
	s := &start{group: g, id: d.ID, typ: d.Type, attempt: d.Attempt, at: time.Now()}
	event := d.Event.Clone() // the handler may change its own
	j.mu.Lock()
	j.meet(d.Topic)
	index := j.batch[ctx]
	j.batch[ctx]++
	j.running[s] = struct{}{}
	delete(j.waiting, w)
	j.tries[w]++
	tries := j.tries[w]
	j.move()
	j.mu.Unlock()
	if tries == mostAttempts {
		j.t.Errorf("messagingtest: %s %s of %s was tried %d times; it is held back from now on", d.Type, d.ID, g, tries)
	}
	if tries >= mostAttempts {
		<-j.release
	}
	return func(err error) { j.hasHandled(ctx, s, index, &event, err) }
}

func (j *journal) hasHandled(ctx context.Context, s *start, index int, e *envelope.Event, err error) {
	verdict := messaging.VerdictOf(err)
	var batch *messaging.BatchError
	if errors.As(err, &batch) {
		err = batch.Failed[index]
		verdict = messaging.VerdictOf(err)
	}
	if cause := context.Cause(ctx); errors.Is(cause, messaging.ErrRevoked) || errors.Is(cause, messaging.ErrDraining) {
		err, verdict = cause, messaging.VerdictRelease // what it returned counts for nothing
	}
	a := Attempt{ID: e.ID, Type: e.Type, Key: e.Key, Number: s.attempt, Verdict: verdict}
	if err != nil {
		a.Error = err.Error()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, s)
	delete(j.batch, ctx)
	j.attempts[s.group] = append(j.attempts[s.group], a)
	if err == nil {
		of(j.handled, s.group).add(e)
	}
	j.move()
}

func (j *journal) willRetry(d *messaging.Delivery, in time.Duration, inbox bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting[work{group{d.Topic, d.Group}, d.ID}] = retry{d.Type, d.Attempt + 1, time.Now().Add(in), inbox}
	j.move()
}

// forget notes that no attempt follows. j.mu is held.
func (j *journal) forget(w work) {
	delete(j.waiting, w)
	j.move()
}

func (j *journal) discarded(d *messaging.Delivery) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forget(work{group{d.Topic, d.Group}, d.ID})
}

func (j *journal) died(l *messaging.DeadLetter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.letters = append(j.letters, letter{DeadLetter: *l})
	j.forget(work{group{l.Topic, l.Group}, l.Event.ID})
}

// know marks the letters of a group that have one of the ids.
func (j *journal) know(g group, ids map[string]struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.letters {
		l := &j.letters[i]
		if _, ok := ids[l.ID]; ok && l.Topic == g.topic && l.Group == g.name {
			l.known = true
		}
	}
}

// unexpected describes the letters that the test does not know of.
func (j *journal) unexpected() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for i := range j.letters {
		if l := &j.letters[i]; !l.known {
			list = append(list, fmt.Sprintf("event %s of %s/%s: %s after %d attempts: %s", l.Event.ID, l.Topic, l.Group, l.Reason, l.Attempts, l.Error))
		}
	}
	return list
}
