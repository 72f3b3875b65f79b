package rabbitmq

import (
	"context"
	"time"
)

// mend is what a look for a topic's lost groups has found.
type mend struct {
	at   time.Time
	done bool // there were some, and they are bound again
}

// mend is for a message that came back. When the topic has groups with queues, and not one is bound, then somebody has removed their bindings:
// they are bound to everything again, as after the loss of the exchange, and mend reports true. The message is stored nowhere, and can be
// published again. It looks once in a while, since a topic without a group is an everyday thing, and tells the same until then.
func (s *session) mend(topic string) bool {
	if cfg := &s.p.d.cfg; cfg.Declare != DeclareCreate || cfg.Exchange == ExchangeDirect { // a direct exchange can't want everything
		return false
	}
	now := time.Now()
	if m, looked := s.mended[topic]; looked && now.Sub(m.at) < unsureFor {
		return m.done
	}
	done := s.rebound(topic)
	s.mended[topic] = mend{at: now, done: done}
	return done
}

// rebound binds those groups of a topic that have queues, unless one is bound, and reports whether it did. In trouble it did not: the message
// is refused, and the next one looks again.
func (s *session) rebound(topic string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if grouped, err := s.desk.grouped(topic); err != nil || grouped {
		return false
	}
	groups, err := s.p.d.registered(ctx, topic)
	if err != nil {
		return false
	}
	done := false
	for _, group := range groups {
		adopted, err := s.desk.adopt(&s.p.d.cfg, topic, group)
		if err != nil {
			return false
		}
		done = done || adopted
	}
	return done
}
