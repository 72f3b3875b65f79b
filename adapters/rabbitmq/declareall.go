package rabbitmq

import (
	"context"
	"errors"

	"github.com/herald-go/herald/adapters/internal/parallel"
	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Topology = (*Driver)(nil)

// declareAtOnce is how many topics, or groups of one topic, Declare sees to at a time, each on a channel of its own: what takes long is the
// broker's disk, and it writes for several at once.
const declareAtOnce = 8

// Declare implements driver.Topology. MaxAge, MaxBytes and MaxCount are refused with ErrUnsupported: on RabbitMQ they are a policy, which can
// be changed, and not an argument, which can't; a policy drops what it must without telling anybody how much. Some topics are declared at the
// same time; where several fail the first of them is told, and some after it may have been declared.
func (d *Driver) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	for i := range topics {
		if err := d.checkSpec(&topics[i]); err != nil {
			return fail("declare", topics[i].Name, err)
		}
	}
	groupsAtOnce := declareAtOnce / max(1, min(len(topics), declareAtOnce))
	at, err := parallel.Each(len(topics), declareAtOnce, func(i int) error { return d.declareOne(ctx, &topics[i], groupsAtOnce) })
	if err != nil {
		return fail("declare", topics[at].Name, err)
	}
	return nil
}

// declareOne declares a topic and then its groups, so many of them at a time.
func (d *Driver) declareOne(ctx context.Context, t *driver.TopicSpec, groupsAtOnce int) error {
	cfg := d.cfg
	if t.Verify {
		cfg.Declare = DeclareVerify
	}
	if err := d.ask(ctx, func(k *desk) error { return d.declareTopic(ctx, k, &cfg, t.Name, false) }); err != nil {
		return explain(err)
	}
	_, err := parallel.Each(len(t.Groups), groupsAtOnce, func(i int) error { return d.declareGroupOf(ctx, &cfg, t, t.Groups[i]) })
	return err
}

// declareGroupOf declares a group, and writes it down where it did not exist.
func (d *Driver) declareGroupOf(ctx context.Context, cfg *Config, t *driver.TopicSpec, group string) error {
	born := false
	err := d.ask(ctx, func(k *desk) error {
		n, exists, err := k.settlePartitions(t.Name, group, t.Partitions)
		if err != nil {
			return err
		}
		born = born || !exists && cfg.Declare == DeclareCreate // when this runs again, the group may be there by now
		return k.declareGroup(cfg, t.Name, group, nil, n)
	})
	if err != nil {
		return explain(err)
	}
	if !born {
		return nil
	}
	return d.register(ctx, t.Name, group)
}

func (d *Driver) checkSpec(t *driver.TopicSpec) error {
	if err := t.Check(); err != nil {
		return err
	}
	if t.MaxAge != 0 || t.MaxBytes != 0 || t.MaxCount != 0 {
		return because(driver.ErrUnsupported, errors.New("bounds are a policy on RabbitMQ: rabbitmqctl set_policy … '{\"max-length\":…}'"))
	}
	return nil
}
