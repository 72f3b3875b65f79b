package messaging

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// TypeDead is the event type of a stored dead letter.
const TypeDead = "herald.dead"

// Headers of a dead letter. They are a wire format. The original's attributes and headers stand beside them under "orig-" and their native
// names; its body is the body, byte for byte.
const (
	headerDeadReason      = "herald-dead-reason"
	headerDeadError       = "herald-dead-error"
	headerDeadStack       = "herald-dead-stack"
	headerDeadAttempts    = "herald-dead-attempts"
	headerDeadFirstFailed = "herald-dead-first-failed"
	headerDeadLastFailed  = "herald-dead-last-failed"
	headerDeadTopic       = "herald-dead-topic"
	headerDeadGroup       = "herald-dead-group"
	headerDeadPosition    = "herald-dead-position"
	headerDeadBuild       = "herald-dead-build"
	originalPrefix        = "orig-"
	attributeContentType  = "herald-content-type" // not "content-type", which may be a header of the original's
)

// contentTypeDead keeps a dead letter from being taken for the form that its body is in.
const contentTypeDead = "application/vnd.herald.dead"

// DeadLetter is an event that a group could not handle, kept whole with what happened to it.
type DeadLetter struct {
	// Event is the original. When it was malformed, it holds what could be read, and Data is the message's body.
	Event envelope.Event
	// Topic and Group say whose it is.
	Topic, Group string
	// Reason says why it is dead.
	Reason Reason
	// Error is the last error's text, Stack the stack of a panic (at most 8 KiB).
	Error, Stack string
	// Attempts is how many attempts failed.
	Attempts int
	// FirstFailed and LastFailed are the times of the first and the last failure.
	FirstFailed, LastFailed time.Time
	// Position is where the original stood in its topic.
	Position string
	// Build is the version or revision of the program that gave up.
	Build string
	// ID is the dead letter's own event id, derived from group and original id; At is its position in the log of dead letters.
	ID, At string
	// Redriven is the id of the last request that sent it back; empty when none did. Discarded tells that it was given up for good.
	Redriven  string
	Discarded bool

	requests []string        // the ids of all requests that touched it
	stored   *driver.Message // as it was read; its own copy
}

// bury begins to store a dead letter; the original is acked when it is stored.
func (s *Subscription) bury(ctx context.Context, w *worker, r result, reason Reason) {
	it := r.item
	if s.options.broadcast {
		s.discard(w, r)
		return
	}
	if it.lastError == nil {
		it.lastError = r.err
	}
	if it.firstFailed.IsZero() {
		it.firstFailed = s.broker.clock()
	}
	l := &DeadLetter{
		Topic: s.topic, Group: s.options.group, Reason: reason, Error: errorText(it.lastError), Attempts: it.recorded + it.tries,
		FirstFailed: it.firstFailed.UTC(), LastFailed: s.broker.clock().UTC(), Position: it.origin, Build: build(),
	}
	var p *panicError
	if errors.As(it.lastError, &p) {
		l.Stack = p.stack
	}
	l.Event = s.broker.eventOf(it.msg) // not the handler's, which may have changed its own
	if r.attempt != nil && r.attempt.delivery.RandomID {
		l.Event.ID = r.attempt.delivery.ID
	}
	l.ID = envelope.DeriveID(s.options.group, cmp.Or(l.Event.ID, it.origin))
	to := driver.Address{Topic: driver.Name(driver.KindDead, s.topic, s.options.group), Log: true, Unrouted: driver.Keep}
	s.begin(ctx, &move{s: s, it: it, to: to, msg: l.message(s.broker.config.Service, it.msg), letter: l})
}

// buried counts and tells a stored dead letter.
func (s *Subscription) buried(l *DeadLetter) {
	s.broker.stats.dead.Add(1)
	s.log.Warn("dead letter", "event", l.Event.ID, "reason", string(l.Reason), "attempts", l.Attempts, "err", l.Error)
	if hook := s.broker.hooks.DeadLetter; hook != nil {
		hook(l)
	}
}

// message writes the dead letter. Its event is the original message, as it came.
func (l *DeadLetter) message(service string, original *driver.Message) *driver.Message {
	headers := make([]driver.Header, 0, len(original.Headers)+20)
	put := func(key, value string) {
		if value != "" {
			headers = append(headers, driver.Header{Key: key, Value: value})
		}
	}
	put(envelope.HeaderMark, envelope.Mark)
	put(envelope.HeaderSource, service)
	put(envelope.HeaderCorrelationID, correlationOf(&l.Event))
	put(headerDeadReason, string(l.Reason))
	put(headerDeadError, l.Error)
	put(headerDeadStack, l.Stack)
	put(headerDeadAttempts, strconv.Itoa(l.Attempts))
	put(headerDeadFirstFailed, stamp(l.FirstFailed))
	put(headerDeadLastFailed, stamp(l.LastFailed))
	put(headerDeadTopic, l.Topic)
	put(headerDeadGroup, l.Group)
	put(headerDeadPosition, l.Position)
	put(headerDeadBuild, l.Build)
	id := original.ID
	if id == "" {
		id = l.Event.ID // a foreign event keeps the id that it was given
	}
	put(originalPrefix+driver.HeaderID, id)
	put(originalPrefix+driver.HeaderType, original.Type)
	put(originalPrefix+driver.HeaderKey, original.Key)
	put(originalPrefix+driver.HeaderTime, stamp(original.Time))
	put(originalPrefix+attributeContentType, original.ContentType)
	for _, h := range withoutBookkeeping(original.Headers) {
		headers = append(headers, driver.Header{Key: originalPrefix + h.Key, Value: h.Value}) // an empty value is one, too
	}
	return &driver.Message{
		ID: l.ID, Type: TypeDead, Key: original.Key, Slot: original.Slot, ContentType: contentTypeDead, Time: l.LastFailed,
		Headers: headers, Body: original.Body,
	}
}

// original rebuilds the message that the dead letter keeps.
func original(m *driver.Message) *driver.Message {
	o := &driver.Message{Body: m.Body, Slot: m.Slot}
	for _, h := range m.Headers {
		key, ok := strings.CutPrefix(h.Key, originalPrefix)
		if !ok {
			continue
		}
		switch key {
		case driver.HeaderID:
			o.ID = h.Value
		case driver.HeaderType:
			o.Type = h.Value
		case driver.HeaderKey:
			o.Key = h.Value
		case driver.HeaderTime:
			o.Time, _ = time.Parse(time.RFC3339Nano, h.Value) // zero when the original had none
		case attributeContentType:
			o.ContentType = h.Value
		default:
			o.Headers = append(o.Headers, driver.Header{Key: key, Value: h.Value})
		}
	}
	return o
}

// letter reads a stored dead letter.
func (b *Broker) letter(m *driver.Message) *DeadLetter {
	m = ownCopy(m) // the reader's message is the reader's again after this
	l := &DeadLetter{ID: m.ID, At: m.Position, stored: m}
	for _, h := range m.Headers {
		switch h.Key {
		case headerDeadReason:
			l.Reason = Reason(h.Value)
		case headerDeadError:
			l.Error = h.Value
		case headerDeadStack:
			l.Stack = h.Value
		case headerDeadAttempts:
			l.Attempts = count(h.Value)
		case headerDeadFirstFailed:
			l.FirstFailed, _ = time.Parse(time.RFC3339Nano, h.Value)
		case headerDeadLastFailed:
			l.LastFailed, _ = time.Parse(time.RFC3339Nano, h.Value)
		case headerDeadTopic:
			l.Topic = h.Value
		case headerDeadGroup:
			l.Group = h.Value
		case headerDeadPosition:
			l.Position = h.Value
		case headerDeadBuild:
			l.Build = h.Value
		}
	}
	l.Event = b.eventOf(original(m))
	return l
}

// eventOf reads an original as far as it can be read. What it returns shares nothing with the message.
func (b *Broker) eventOf(o *driver.Message) envelope.Event {
	var e envelope.Event
	if _, err := b.decode(&e, o); err != nil {
		e = envelope.Event{ID: o.ID, Type: o.Type, Key: o.Key, ContentType: o.ContentType, Time: o.Time, Headers: o.Headers, Data: o.Body}
	}
	return e.Clone()
}

func ownCopy(m *driver.Message) *driver.Message {
	c := m.Copy()
	c.Position, c.Headers, c.Body = m.Position, slices.Clone(m.Headers), bytes.Clone(m.Body)
	return c
}

// errorLimit is how much of an error's text a dead letter keeps.
const errorLimit = 8 << 10

func errorText(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), errorLimit)], "\uFFFD")
}

// build returns the main module's version and revision.
var build = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			version = strings.TrimPrefix(version+" "+s.Value, " ")
		}
	}
	return version
})
