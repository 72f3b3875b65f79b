package rabbitmq

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// declareTopic declares a topic's exchange. One that somebody has deleted took its bindings with it; declared anew without them it would
// take what the topic's groups want for what nobody wants. So whoever finds it gone restores them. doubtful says that it was gone a moment
// ago: another client may have declared it and not be through with the rest. Whoever could not restore everything does so the next time.
func (d *Driver) declareTopic(ctx context.Context, k *desk, cfg *Config, topic string, doubtful bool) error {
	gone := false
	if cfg.Declare == DeclareCreate {
		there, err := k.hasExchange(topic)
		if err != nil {
			return err
		}
		gone = !there || doubtful || d.torn(topic)
	}
	if !gone {
		return k.declareTopic(cfg, topic)
	}
	d.tear(topic)
	err := steps(
		func() error { return k.declareTopic(cfg, topic) },
		func() error { return d.restore(ctx, k, cfg, topic) },
	)
	if err == nil {
		d.mended(topic)
	}
	return err
}

// tear notes that a topic's exchange is about to be declared again, and that what lived by the lost one is not bound to it.
func (d *Driver) tear(topic string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.half == nil {
		d.half = make(map[string]bool)
	}
	d.half[topic] = true
}

func (d *Driver) mended(topic string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.half, topic)
}

func (d *Driver) torn(topic string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.half[topic]
}

// restore binds whoever lives by a topic's exchange to it.
func (d *Driver) restore(ctx context.Context, k *desk, cfg *Config, topic string) error {
	grouped, err := k.grouped(topic)
	if err != nil {
		return err
	}
	if grouped {
		groups, err := d.registered(ctx, topic)
		if err != nil {
			return err
		}
		if _, err := k.adopt(cfg, topic, groups); err != nil {
			return err
		}
	}
	readers, err := k.hasExchange(readersExchange(topic))
	if err == nil && readers {
		err = k.bindExchange(readersExchange(topic), allKey(cfg.Exchange), topic, nil)
	}
	if err != nil {
		return err
	}
	delays, err := k.hasExchange(dueName)
	if err == nil && delays {
		err = k.bindDue(topic)
	}
	return err
}

// bindDue leads what was delayed to its topic.
func (d *desk) bindDue(topic string) error {
	return d.bindExchange(topic, "", dueName, amqp.Table{"x-match": "all", headerDelayTopic: topic})
}

// bindGroup binds a group for the types of one member.
func (d *desk) bindGroup(cfg *Config, topic, group string, types []string, partitions int) error {
	return bindTypes(cfg, types, func(key string) error {
		if partitions > 0 {
			return d.bindExchange(slotsExchange(topic, group), key, topic, nil)
		}
		return d.bindQueue(groupQueue(topic, group), key, topic, nil)
	})
}

// rebind makes a member's bindings again, which somebody may have removed by hand: what is published meanwhile is a type that nobody wants.
func (s *subscription) rebind(ctx context.Context, l *link) error {
	cfg := &s.d.cfg
	k := &desk{link: l}
	defer k.close()
	if err := s.d.declareTopic(ctx, k, cfg, s.spec.Topic, false); err != nil {
		return err
	}
	return steps(
		func() error { return k.bindGroup(cfg, s.spec.Topic, s.spec.Group, s.spec.Types, s.partitions) },
		func() error { return k.showGroup(s.spec.Topic, s.spec.Group, s.partitions) },
	)
}

// goneTopic reports whether a session ended because a topic's exchange is gone.
func goneTopic(err error, topic string) bool {
	return code(err) == amqp.NotFound && driver.ValidName(topic) && quotes(err.Error(), topic)
}
