package rabbitmq

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// part is an exchange or a queue that a group needs.
type part struct {
	name     string
	exchange string // its kind; empty for a queue
	args     amqp.Table
}

// partsOf is all that a group needs beside its topic's exchange.
func partsOf(cfg *Config, topic, group string, partitions int) []part {
	all := []part{{name: groupsExchange(topic), exchange: amqp.ExchangeDirect, args: alternate(sinkName)}}
	if partitions > 0 {
		rest := restExchange(topic, group, partitions)
		all = append(all,
			part{name: slotsExchange(topic, group), exchange: amqp.ExchangeHeaders, args: alternate(rest)},
			part{name: rest, exchange: amqp.ExchangeFanout},
			part{name: membersQueue(topic, group), args: membersArgs()})
		for p := range partitions {
			all = append(all, part{name: partitionQueue(topic, group, p), args: partitionArgs(cfg.Queue)})
		}
	} else {
		all = append(all, part{name: groupQueue(topic, group), args: queueArgs(cfg.Queue)})
	}
	for _, t := range ladder {
		all = append(all, part{name: tierQueue(topic, group, t), args: tierArgs(t, topic, group, partitions)})
	}
	return append(all, part{name: deadStream(topic, group), args: streamArgs(0)})
}

// deadStream is where a group's dead letters go.
func deadStream(topic, group string) string { return driver.Name(driver.KindDead, topic, group) }

// verifyGroup looks for each part of a group, and tells of all that are missing at once. AMQP tells nothing of arguments and bindings: that the
// exchange of the topic's groups is there says that some group's queue is bound to it.
func (d *desk) verifyGroup(cfg *Config, topic, group string, partitions int) error {
	var lacks []string
	for _, p := range partsOf(cfg, topic, group, partitions) {
		there, err := d.has(&p)
		if err != nil {
			return err
		}
		if !there {
			lacks = append(lacks, p.String())
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("%w: group %s of %s lacks %s; declare=create makes them, by a user that may configure", driver.ErrUnknownTopic, group, topic,
		strings.Join(lacks, ", "))
}

func (d *desk) has(p *part) (bool, error) {
	if p.exchange != "" {
		return d.hasExchange(p.name)
	}
	_, there, err := d.look(p.name)
	return there, err
}

// String says what the part is, as one would make it by hand.
func (p *part) String() string {
	var b strings.Builder
	if p.exchange != "" {
		fmt.Fprintf(&b, "exchange %s (durable, %s", p.name, p.exchange)
	} else {
		fmt.Fprintf(&b, "queue %s (durable", p.name)
	}
	for _, key := range slices.Sorted(maps.Keys(p.args)) {
		fmt.Fprintf(&b, ", %s=%v", key, p.args[key])
	}
	b.WriteByte(')')
	return b.String()
}
