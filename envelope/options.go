package envelope

import (
	"slices"
	"time"
)

// Option sets one thing of a new event; see [New]. Options are safe to keep
// and to use for many events.
type Option func(*Event)

// ID sets the event's id instead of a new UUIDv7. An empty id is ignored.
func ID(id string) Option { return func(e *Event) { e.ID = id } }

// Version sets the version of the data's schema. The default is "1".
func Version(v string) Option { return func(e *Event) { e.Version = v } }

// Source sets the name of the publishing service. When it is empty,
// publishing fills in the configured service name.
func Source(s string) Option { return func(e *Event) { e.Source = s } }

// Key sets the key by which events are kept in order. The default is none.
func Key(k string) Option { return func(e *Event) { e.Key = k } }

// At sets the time when the event happened, in UTC. The default is now.
func At(t time.Time) Option { return func(e *Event) { e.Time = utc(t) } }

// Correlation sets the correlation id. When it is empty, publishing from a
// handler inherits it through the context; see [Event.Inherit].
func Correlation(id string) Option { return func(e *Event) { e.CorrelationID = id } }

// Causation sets the id of the event that led to this one. When it is empty,
// publishing from a handler inherits it through the context.
func Causation(id string) Option { return func(e *Event) { e.CausationID = id } }

// ContentType sets the media type of the data. The default, "", means JSON.
func ContentType(t string) Option { return func(e *Event) { e.ContentType = t } }

// Schema sets the reference to the schema of the data. The default is none.
func Schema(s string) Option { return func(e *Event) { e.Schema = s } }

// ReplyTo sets the topic where an answer is expected. The default is none.
func ReplyTo(topic string) Option { return func(e *Event) { e.ReplyTo = topic } }

// ExpiresAt sets when the event is no longer worth handling. The default, the
// zero time, means never.
func ExpiresAt(t time.Time) Option { return func(e *Event) { e.ExpiresAt = utc(t) } }

// DeliverAt sets the earliest time at which the event may be handled. The
// default, the zero time, means at once.
func DeliverAt(t time.Time) Option { return func(e *Event) { e.DeliverAt = utc(t) } }

// WithHeader adds a user header, or replaces the value of the one with the
// same key. It never writes into headers that another event may share.
func WithHeader(key, value string) Option {
	return func(e *Event) {
		for i := range e.Headers {
			if e.Headers[i].Key == key {
				e.Headers = slices.Clone(e.Headers)
				e.Headers[i].Value = value
				return
			}
		}
		e.Headers = append(slices.Clip(e.Headers), Header{Key: key, Value: value})
	}
}

// DerivedFrom makes the event a consequence of parent with an id that is the
// same each time a handler runs for that parent:
//
//   - ID is DeriveID(parent.ID, name), with the event's type for the name
//     unless one is given; several names form a path, each derived from the
//     one before;
//   - CausationID is parent.ID;
//   - CorrelationID is the parent's, or parent.ID where it has none.
//
// A handler that publishes two events of one type from one parent must name
// them, else they have the same id. What ID, Causation and Correlation set
// wins over it in any order.
func DerivedFrom(parent Event, name ...string) Option {
	id, correlation := parent.ID, parent.CorrelationID
	if correlation == "" {
		correlation = id
	}
	return func(e *Event) {
		if e.ID == "" {
			e.ID = derivePath(id, e.Type, name)
		}
		if e.CausationID == "" {
			e.CausationID = id
		}
		if e.CorrelationID == "" {
			e.CorrelationID = correlation
		}
	}
}

func derivePath(parent, typ string, names []string) string {
	if len(names) == 0 {
		return DeriveID(parent, typ)
	}
	id := parent
	for _, n := range names {
		id = DeriveID(id, n)
	}
	return id
}

// utc drops the location and, as Time.UTC does, the monotonic reading: no form
// carries them.
func utc(t time.Time) time.Time { return t.UTC() }

// Failed marks the event as one whose data could not be made: validating and
// encoding it in any form of this package fail with ErrInvalid, the field
// "data" and the error's text, and so does publishing. It lets constructors of
// typed events return an Event alone. A nil error marks nothing.
func Failed(err error) Option { return func(e *Event) { e.err = err } }

// failure is the error of an event that Failed marked.
func (e *Event) failure() *Error { return invalid("data", e.err.Error()) }
