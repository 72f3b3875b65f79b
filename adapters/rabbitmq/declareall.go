package rabbitmq

import (
	"context"
	"errors"

	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Topology = (*Driver)(nil)

// Declare implements driver.Topology. MaxAge, MaxBytes and MaxCount are refused with ErrUnsupported: on RabbitMQ they are a policy, which can
// be changed, and not an argument, which can't; a policy drops what it must without telling anybody how much.
func (d *Driver) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	for i := range topics {
		if err := d.checkSpec(&topics[i]); err != nil {
			return fail("declare", topics[i].Name, err)
		}
	}
	for i := range topics {
		t := &topics[i]
		var born []string
		if err := d.ask(ctx, func(k *desk) error { return d.declareSpec(ctx, k, t, &born) }); err != nil {
			return fail("declare", t.Name, explain(err))
		}
		for _, g := range born {
			if err := d.register(ctx, t.Name, g); err != nil {
				return fail("declare", t.Name, err)
			}
		}
	}
	return nil
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

// declareSpec appends to born the groups that did not exist. It may run twice.
func (d *Driver) declareSpec(ctx context.Context, k *desk, t *driver.TopicSpec, born *[]string) error {
	cfg := d.cfg
	if t.Verify {
		cfg.Declare = DeclareVerify
	}
	if err := d.declareTopic(ctx, k, &cfg, t.Name, false); err != nil {
		return err
	}
	for _, g := range t.Groups {
		n, exists, err := k.settlePartitions(t.Name, g, t.Partitions)
		if err != nil {
			return err
		}
		if !exists && cfg.Declare == DeclareCreate {
			*born = append(*born, g)
		}
		if err := k.declareGroup(&cfg, t.Name, g, nil, n); err != nil {
			return err
		}
	}
	return nil
}
