package rabbitmq

import (
	"fmt"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// declareSink makes the place where messages go that nobody wants although the topic has groups.
func (d *desk) declareSink() error {
	return steps(
		func() error { return d.exchangeIfAllowed(sinkName, amqp.ExchangeFanout, false, nil) },
		func() error { return d.queue(sinkName, sinkArgs()) },
		func() error { return d.bindQueue(sinkName, "", sinkName, nil) },
	)
}

// declareTopic makes a topic's exchange. What no binding wants goes on to the exchange of the topic's groups, which exists only while there
// is a group, and from there to the sink; without a group it comes back to its publisher. An exchange that others made without that way is
// taken as it is, and then every message that no binding wants comes back.
func (d *desk) declareTopic(cfg *Config, topic string) error {
	if cfg.Declare == DeclareNone {
		return nil
	}
	if cfg.Declare == DeclareCreate {
		err := d.exchangeIfAllowed(topic, cfg.Exchange, false, alternate(groupsExchange(topic)))
		if err == nil && cfg.History > 0 {
			err = d.declareHistory(cfg, topic)
		}
		if err == nil || code(err) != amqp.PreconditionFailed || !strings.Contains(err.Error(), "alternate-exchange") {
			return err
		}
	}
	there, err := d.hasExchange(topic)
	if err == nil && !there {
		return missing("exchange", topic)
	}
	return err
}

func (d *desk) declareHistory(cfg *Config, topic string) error {
	return steps(
		func() error { return d.queue(logStream(topic), streamArgs(cfg.History)) },
		func() error { return d.bindQueue(logStream(topic), allKey(cfg.Exchange), topic, nil) },
	)
}

// allKey is the binding key that wants everything.
func allKey(exchange string) string {
	if exchange == ExchangeTopic {
		return "#"
	}
	return ""
}

// declareGroup makes a group with its inbox, its ladder and its dead letters. partitions is 0 for one queue.
func (d *desk) declareGroup(cfg *Config, topic, group string, types []string, partitions int) error {
	switch cfg.Declare {
	case DeclareNone:
		return nil
	case DeclareVerify:
		return d.verifyGroup(cfg, topic, group, partitions)
	}
	err := steps(
		d.declareSink,
		func() error { return d.declareGroups(topic) },
		func() error {
			if partitions > 0 {
				return d.declarePartitions(cfg, topic, group, types, partitions)
			}
			return d.declareQueue(cfg, topic, group, types)
		},
	)
	if err != nil {
		return err
	}
	for _, t := range ladder {
		if err := d.queue(tierQueue(topic, group, t), tierArgs(t, topic, group, partitions)); err != nil {
			return err
		}
	}
	return d.queue(deadStream(topic, group), streamArgs(0))
}

func (d *desk) declareQueue(cfg *Config, topic, group string, types []string) error {
	name := groupQueue(topic, group)
	return steps(
		func() error { return d.queue(name, queueArgs(cfg.Queue)) },
		func() error { return d.bindQueue(name, noKey, groupsExchange(topic), nil) },
		func() error { return d.bindGroup(cfg, topic, group, types, 0) },
	)
}

// bindTypes binds for each type of a filter, and for messages that have none.
func bindTypes(cfg *Config, types []string, bind func(key string) error) error {
	keys := []string{allKey(cfg.Exchange)}
	if len(types) > 0 && cfg.Exchange != ExchangeFanout {
		keys = append([]string{""}, types...)
	}
	for _, key := range keys {
		if err := bind(key); err != nil {
			return err
		}
	}
	return nil
}

// declarePartitions makes a group of n queues behind an exchange that looks at the slot. The name of the way for messages without a slot
// holds n, so that another number is refused by the broker itself.
func (d *desk) declarePartitions(cfg *Config, topic, group string, types []string, n int) error {
	slots, rest := slotsExchange(topic, group), restExchange(topic, group, n)
	err := steps(
		func() error { return d.exchange(slots, amqp.ExchangeHeaders, false, alternate(rest)) },
		func() error { return d.exchange(rest, amqp.ExchangeFanout, false, nil) },
		func() error { return d.queue(membersQueue(topic, group), membersArgs()) },
	)
	if err != nil {
		return err
	}
	for p := range n {
		if err := d.queue(partitionQueue(topic, group, p), partitionArgs(cfg.Queue)); err != nil {
			return err
		}
	}
	for slot := range driver.Slots {
		where := amqp.Table{"x-match": "all", driver.HeaderSlot: strconv.Itoa(slot)}
		if err := d.bindQueue(partitionQueue(topic, group, partitionOf(slot, n)), "", slots, where); err != nil {
			return err
		}
	}
	first := partitionQueue(topic, group, 0)
	return steps(
		func() error { return d.bindQueue(first, "", rest, nil) },
		func() error { return d.bindQueue(first, noKey, groupsExchange(topic), nil) },
		func() error { return d.bindGroup(cfg, topic, group, types, n) },
	)
}

// adopt binds groups to everything: which types they wanted is gone with their bindings, and their members skip the others. It reports whether
// there is one of them. That the topic has a group is shown last, so that a topic of which only some groups are bound still looks as if it had
// none, and is seen to again.
func (d *desk) adopt(cfg *Config, topic string, groups []string) (bool, error) {
	var bound []func() error // what shows each of them
	for _, group := range groups {
		n, err := d.partitions(topic, group)
		if err != nil {
			return false, err
		}
		if n < 0 {
			continue
		}
		if err := d.bindGroup(cfg, topic, group, nil, n); err != nil {
			return false, err
		}
		bound = append(bound, func() error { return d.showGroup(topic, group, n) })
	}
	if len(bound) == 0 {
		return false, nil
	}
	if err := d.declareSink(); err != nil {
		return false, err
	}
	return true, steps(bound...)
}

// showGroup makes the topic have a group: it binds one of the group's queues to the exchange of the topic's groups.
func (d *desk) showGroup(topic, group string, partitions int) error {
	first := groupQueue(topic, group)
	if partitions > 0 {
		first = partitionQueue(topic, group, 0)
	}
	return steps(
		func() error { return d.declareGroups(topic) },
		func() error { return d.bindQueue(first, noKey, groupsExchange(topic), nil) },
	)
}

// declareGroups makes the exchange of a topic's groups.
func (d *desk) declareGroups(topic string) error {
	return d.exchange(groupsExchange(topic), amqp.ExchangeDirect, true, alternate(sinkName))
}

// partitions returns how many a group has: 0 for one queue without order across members, -1 when there is no such group.
func (d *desk) partitions(topic, group string) (int, error) {
	_, plain, err := d.look(groupQueue(topic, group))
	if err != nil || plain {
		return 0, err
	}
	for n := range driver.Slots + 1 {
		_, there, err := d.look(partitionQueue(topic, group, n))
		if err != nil {
			return 0, err
		}
		if !there && n == 0 {
			return -1, nil
		}
		if !there {
			return n, nil
		}
	}
	return driver.Slots, nil
}

// settlePartitions decides how many partitions a subscription works with: those that the group has, else those that it asks for.
func (d *desk) settlePartitions(topic, group string, asked int) (n int, exists bool, err error) {
	has, err := d.partitions(topic, group)
	if err != nil {
		return 0, false, err
	}
	if has < 0 {
		return asked, false, nil
	}
	if asked > 0 && asked != has {
		return 0, true, fmt.Errorf("%w: group %s of %s has %d partitions and %d are asked for; changing that is a migration to a new group",
			driver.ErrConflict, group, topic, has, asked)
	}
	return has, true, nil
}

// grouped reports whether the topic has a group: the exchange of its groups lives as long as one of their queues.
func (d *desk) grouped(topic string) (bool, error) { return d.hasExchange(groupsExchange(topic)) }
