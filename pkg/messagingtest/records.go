package messagingtest

import (
	"slices"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Attempt is one attempt at an event, to compare.
type Attempt struct {
	// ID, Type and Key are the event's.
	ID, Type, Key string
	// Number is the delivery's Attempt, 1 the first time.
	Number int
	// Verdict is what the handler asked for. An attempt that was cut short by a shutdown or a lost source is a release.
	Verdict messaging.Verdict
	// Error is the error's text; empty when the event was finished. A call of a batch handler that failed as a whole shows with each event.
	Error string
}

// Letter is a dead letter, to compare.
type Letter[T any] struct {
	// Value is the event's data; the zero value when it is no T, as with ReasonDecode.
	Value T
	// Reason says why it is dead.
	Reason messaging.Reason
	// Attempts is how many attempts failed.
	Attempts int
	// Error is the last error's text.
	Error string
}

// Recorder is what a Broker and a Publisher have in common: events recorded by topic. It is implemented in this package only.
type Recorder interface {
	// Published returns the events stored under a topic, in the order of their answers, each id once. They are the caller's.
	Published(topic string) []envelope.Event
	recorder() TB
}

var (
	_ Recorder = (*Broker)(nil)
	_ Recorder = (*Publisher)(nil)
)

func (b *Broker) recorder() TB { return b.t }

// Published implements Recorder: what anybody has published through this broker and the broker has confirmed, dropped events included. ID,
// Time, CorrelationID and CausationID are as stored; Source is as it was given.
func (b *Broker) Published(topic string) []envelope.Event {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return b.journal.published[topic].copies()
}

// Handled returns the events that a group's handlers here have finished, in that order, each id once. The group of a broadcast is empty. They
// are the caller's.
func (b *Broker) Handled(topic, name string) []envelope.Event {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return b.journal.handled[group{topic, name}].copies()
}

// Attempts returns every attempt that has ended at the events of a group, in that order. The group of a broadcast is empty.
func (b *Broker) Attempts(topic, name string) []Attempt {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return slices.Clone(b.journal.attempts[group{topic, name}])
}

// Dead returns the dead letters of a group, oldest first, as Broker.DeadLetters does. The test is then taken to know of them: they do not
// fail it.
func (b *Broker) Dead(topic, name string) []*messaging.DeadLetter {
	b.t.Helper()
	return b.dead(topic, name, func(*messaging.DeadLetter) bool { return true })
}

func (b *Broker) dead(topic, name string, which func(*messaging.DeadLetter) bool) []*messaging.DeadLetter {
	b.t.Helper()
	var letters []*messaging.DeadLetter
	known := make(map[string]struct{})
	for l, err := range b.DeadLetters(b.t.Context(), topic, name) {
		if err != nil {
			b.t.Errorf("messagingtest: %v", err)
			break
		}
		if which(l) {
			letters = append(letters, l)
			known[l.ID] = struct{}{}
		}
	}
	b.journal.know(group{topic, name}, known)
	return letters
}

// ExpectDead fails the test unless the dead letters of a group have these reasons, oldest first, and no others are there.
func (b *Broker) ExpectDead(topic, name string, reasons ...messaging.Reason) {
	b.t.Helper()
	letters := b.Dead(topic, name)
	got := make([]messaging.Reason, 0, len(letters))
	for _, l := range letters {
		got = append(got, l.Reason)
	}
	if !slices.Equal(got, reasons) {
		b.t.Errorf("messagingtest: dead letters of %s/%s: %q, want %q", topic, name, got, reasons)
	}
}

// Published returns the data of a definition's events that were stored under a topic, in the order of their answers, each id once. Data that
// is no T fails the test.
func Published[T any](from Recorder, topic string, d messaging.Definition[T]) []T {
	t := from.recorder()
	t.Helper()
	return values(t, from.Published(topic), d)
}

// Handled returns the data of a definition's events that a group's handlers have finished, in that order, each id once. Data that is no T
// fails the test.
func Handled[T any](b *Broker, topic, group string, d messaging.Definition[T]) []T {
	b.t.Helper()
	return values(b.t, b.Handled(topic, group), d)
}

// Dead returns a group's dead letters of a definition's type, whatever their version, oldest first. The test is then taken to know of them.
func Dead[T any](b *Broker, topic, group string, d messaging.Definition[T]) []Letter[T] {
	b.t.Helper()
	var list []Letter[T]
	for _, l := range b.dead(topic, group, func(l *messaging.DeadLetter) bool { return l.Event.Type == d.Type() }) {
		v, err := d.Decode(&l.Event)
		if err != nil || !matches(&l.Event, d) {
			v = *new(T)
		}
		list = append(list, Letter[T]{Value: v, Reason: l.Reason, Attempts: l.Attempts, Error: l.Error})
	}
	return list
}

func matches[T any](e *envelope.Event, d messaging.Definition[T]) bool {
	return e.Type == d.Type() && envelope.CanonicalVersion(e.Version) == envelope.CanonicalVersion(d.Version())
}

func values[T any](t TB, list []envelope.Event, d messaging.Definition[T]) []T {
	t.Helper()
	var all []T
	for i := range list {
		if !matches(&list[i], d) {
			continue
		}
		v, err := d.Decode(&list[i])
		if err != nil {
			t.Errorf("messagingtest: event %s: %v", list[i].ID, err)
			continue
		}
		all = append(all, v)
	}
	return all
}
