package messaging

import (
	"context"

	"github.com/herald-go/herald/pkg/driver"
)

// GroupInfo is a group as a list shows it.
type GroupInfo = driver.GroupInfo

// Groups lists the groups of a topic, by name. Brokers that can't return ErrUnsupported.
func (b *Broker) Groups(ctx context.Context, topic string) ([]GroupInfo, error) {
	g, ok := b.driver.(driver.Groups)
	if !ok {
		return nil, b.wrap("groups", topic, ErrUnsupported)
	}
	list, err := g.ListGroups(ctx, topic)
	return list, b.wrap("groups", topic, err)
}

// DeleteGroup deletes a group with all it owns but its dead letters. It is refused while members live. An abandoned group fills the
// broker's disk: nothing else deletes it.
func (b *Broker) DeleteGroup(ctx context.Context, topic, group string) error {
	g, ok := b.driver.(driver.Groups)
	if !ok {
		return b.wrap("delete group", topic, ErrUnsupported)
	}
	return b.wrap("delete group", topic, g.DeleteGroup(ctx, topic, group))
}

// ResetGroup sets a group without live members to another place of the topic's history: what lies after it is handled (again).
func (b *Broker) ResetGroup(ctx context.Context, topic, group string, to Start) error {
	if err := b.need(driver.FeatureReset); err != nil {
		return b.wrap("reset group", topic, err)
	}
	g, ok := b.driver.(driver.Groups)
	if !ok {
		return b.wrap("reset group", topic, ErrUnsupported)
	}
	return b.wrap("reset group", topic, g.ResetGroup(ctx, topic, group, driver.Start(to)))
}
