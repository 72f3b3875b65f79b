package rabbitmq

import (
	"context"
	"errors"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// mend is what a look for a topic's lost groups has found.
type mend struct {
	at   time.Time // when the look was over: it may have waited for the broker
	done bool      // there were some, and they are bound again
	err  error     // it could not tell
}

// mend is for a message that came back. When the topic has groups with queues, and not one is bound, then somebody has removed their bindings:
// they are bound to everything again, as after the loss of the exchange, and mend reports true. The message is stored nowhere, and can be
// published again. It looks once in a while, since a topic without a group is an everyday thing, and tells the same until then. An error means
// that it could not tell whether the topic has groups.
func (s *session) mend(topic string) (bool, error) {
	if cfg := &s.p.d.cfg; cfg.Declare != DeclareCreate || cfg.Exchange == ExchangeDirect { // a direct exchange can't want everything
		return false, nil
	}
	if m, looked := s.mended[topic]; looked && time.Since(m.at) < unsureFor {
		return m.done, m.err
	}
	done, err := s.rebound(topic)
	if lasting(err) {
		err = nil
	}
	s.mended[topic] = mend{at: time.Now(), done: done, err: err}
	return done, err
}

// lasting reports whether the broker refused to answer, as it would again: who may not look for groups, or bind them, has none to publish to.
// What it does not find was there a moment ago, and the next look tells what has become of it.
func lasting(err error) bool {
	return refusal(err) && code(err) != amqp.NotFound && !errors.Is(err, driver.ErrClosed)
}

// rebound binds those groups of a topic that have queues, unless one is bound, and reports whether it did.
func (s *session) rebound(topic string) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), goodbye, errUnanswered)
	defer cancel()
	if grouped, err := s.desk.grouped(topic); err != nil || grouped {
		return false, err
	}
	// The list is read over the other connection. That there is none is a topic that never had a group, which must not wait for it.
	if _, listed, err := s.desk.look(registryStream(topic)); err != nil || !listed {
		return false, err
	}
	groups, err := s.p.d.registered(ctx, topic)
	if err != nil {
		return false, err
	}
	return s.desk.adopt(&s.p.d.cfg, topic, groups)
}
