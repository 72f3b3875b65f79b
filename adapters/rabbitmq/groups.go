package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Groups = (*Driver)(nil)

// register writes down that a topic has a group: AMQP lists no queues. A group is written down once, when it is born.
func (d *Driver) register(ctx context.Context, topic, group string) error {
	r := make(answered, 1)
	note := &driver.Message{ID: group, Type: "herald.group", Body: []byte(group)}
	d.publisher.queue.Put(ctx, driver.Address{Topic: registryStream(topic), Log: true}, []*driver.Message{note}, r)
	select {
	case err := <-r:
		return err
	case <-ctx.Done():
		note.Withdraw()
		return context.Cause(ctx)
	}
}

// answered receives the fate of one message.
type answered chan error

// Done implements driver.Result.
func (a answered) Done(_ int, fate driver.Fate, err error) {
	if fate == driver.Stored {
		err = nil
	}
	a <- err
}

// registered returns the groups that a topic has ever had, by name. The list has a name from its beginning on, so one that seems to be empty is
// waited for: whoever took it for empty would bind no group to an exchange that he has declared again.
func (d *Driver) registered(ctx context.Context, topic string) ([]string, error) {
	r, err := d.read(ctx, registryStream(topic), driver.Start{Kind: driver.StartOldest}, "", fullWait)
	if errors.Is(err, driver.ErrUnknownTopic) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close(ctx) }()
	var names []string
	for !r.over {
		notes, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			names = append(names, string(n.Body))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ListGroups implements driver.Groups. It lists the groups that Herald has made, by the topic's registry.
func (d *Driver) ListGroups(ctx context.Context, topic string) ([]driver.GroupInfo, error) {
	names, err := d.registered(ctx, topic)
	if err != nil {
		return nil, fail("list groups", topic, explain(err))
	}
	infos := make([]driver.GroupInfo, 0, len(names))
	for _, name := range names {
		members, lag, err := d.measure(ctx, topic, name)
		if errors.Is(err, driver.ErrUnknownTopic) {
			continue // deleted
		}
		if err != nil {
			return nil, fail("list groups", topic, explain(err))
		}
		infos = append(infos, driver.GroupInfo{Topic: topic, Name: name, Members: members, Lag: lag})
	}
	return infos, nil
}

// DeleteGroup implements driver.Groups: the group's queues, its inbox and its ladder go; its dead letters stay, if there are any.
func (d *Driver) DeleteGroup(ctx context.Context, topic, group string) error {
	err := d.ask(ctx, func(k *desk) error {
		c, err := k.count(topic, group)
		if err != nil {
			return err
		}
		if c.members > 0 {
			return fmt.Errorf("%w: %d of them", driver.ErrInUse, c.members)
		}
		return k.deleteGroup(topic, group, c.partitions)
	})
	if err == nil {
		err = d.deleteEmpty(ctx, deadStream(topic, group))
	}
	return fail("delete group "+group+" of", topic, explain(err))
}

// deleteEmpty deletes a stream in which there has never been anything. That takes fullWait: what is deleted by mistake is gone.
func (d *Driver) deleteEmpty(ctx context.Context, stream string) error {
	last, err := d.lastOffset(ctx, stream, fullWait)
	if there, err := found(err); err != nil || !there || last >= 0 {
		return err
	}
	return d.ask(ctx, func(k *desk) error { return k.deleteQueue(stream) })
}

func (d *desk) deleteGroup(topic, group string, partitions int) error {
	queues := []string{groupQueue(topic, group)}
	if partitions > 0 {
		queues = []string{membersQueue(topic, group)}
		for p := partitions - 1; p >= 0; p-- { // the first one is what the group is known by
			queues = append(queues, partitionQueue(topic, group, p))
		}
		for _, x := range []string{slotsExchange(topic, group), restExchange(topic, group, partitions)} {
			if err := d.deleteExchange(x); err != nil {
				return err
			}
		}
	}
	for _, t := range ladder {
		queues = append(queues, tierQueue(topic, group, t))
	}
	for _, q := range queues {
		if err := d.deleteQueue(q); err != nil {
			return err
		}
	}
	return nil
}

// ResetGroup implements driver.Groups by refusing.
func (d *Driver) ResetGroup(_ context.Context, topic, group string, _ driver.Start) error {
	return fail("reset group "+group+" of", topic, because(driver.ErrUnsupported, errStartRefused))
}

// counts is what the broker tells of a group.
type counts struct {
	partitions int
	members    int
	ready      int // in its queues
	later      int // on its ladder
}

// count looks at each queue of a group: at the ladder first, since what is due goes from there to the others.
func (d *desk) count(topic, group string) (counts, error) {
	var c counts
	var err error
	if c.partitions, err = d.partitions(topic, group); err != nil {
		return c, err
	}
	if c.partitions < 0 {
		return c, missing("group", group+" of "+topic)
	}
	for _, t := range ladder {
		q, _, err := d.look(tierQueue(topic, group, t))
		if err != nil {
			return c, err
		}
		c.later += q.Messages
	}
	err = d.countQueues(topic, group, &c)
	return c, err
}

// countQueues adds what is in a group's queues, and its members.
func (d *desk) countQueues(topic, group string, c *counts) error {
	if c.partitions == 0 {
		q, _, err := d.look(groupQueue(topic, group))
		c.ready, c.members = q.Messages, q.Consumers
		return err
	}
	reading := 0
	for p := range c.partitions {
		q, _, err := d.look(partitionQueue(topic, group, p))
		if err != nil {
			return err
		}
		c.ready += q.Messages
		reading = max(reading, q.Consumers)
	}
	q, _, err := d.look(membersQueue(topic, group))
	c.members = q.Consumers
	if c.members == 0 { // they read before they count
		c.members = reading
	}
	return err
}
