package kafka

import (
	"context"
	"fmt"
	"slices"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// groupSpec is a group to be.
type groupSpec struct {
	topic, group string
	partitions   int // 0 is whatever the topic has
	start        driver.Start
}

// declareGroup makes sure of the topic, the group's inbox and its position in every partition, and returns how many partitions there are.
// The position comes last: a group is known by it.
func (a *admin) declareGroup(ctx context.Context, g groupSpec) (int, error) {
	if g.start.Kind == driver.StartAfter {
		if _, err := parsePosition(g.start.Position); err != nil {
			return 0, err
		}
	}
	t, err := a.ensure(ctx, topicSpec{name: g.topic, partitions: g.partitions})
	if err != nil {
		return 0, err
	}
	n := len(t.leaders)
	if g.partitions > 0 && g.partitions != n {
		return 0, fmt.Errorf("%w: topic has %d partitions, not %d", driver.ErrConflict, n, g.partitions)
	}
	id := groupID(g.topic, g.group)
	found, err := a.cluster.positions(ctx, id, map[string]int{g.topic: n})
	if err != nil {
		return 0, err
	}
	isThere := func(c committed) bool { return c.offset >= 0 }
	if slices.ContainsFunc(found[g.topic], isThere) {
		return n, a.declareInbox(ctx, g, n)
	}
	if a.cfg.Declare != DeclareCreate {
		return 0, fmt.Errorf("%w: group %s has no position in any partition, and declare is %s", driver.ErrUnknownTopic, g.group, a.cfg.Declare)
	}
	offsets, err := a.cluster.begin(ctx, g.topic, n, g.start)
	if err != nil {
		return 0, err
	}
	if err := a.declareInbox(ctx, g, n); err != nil {
		return 0, err
	}
	at := map[target]committed{}
	for i, offset := range offsets {
		at[target{g.topic, i}] = committed{offset: offset}
		for _, topic := range inboxTopics(g.topic, g.group) {
			at[target{topic, i}] = committed{offset: 0}
		}
	}
	err = a.cluster.place(ctx, id, at)
	if is(err, kafkago.UnknownMemberId, kafkago.IllegalGeneration, kafkago.RebalanceInProgress) {
		return n, nil // another member was faster, and has placed the group
	}
	return n, err
}

// declareInbox makes sure of the group's inbox topics.
func (a *admin) declareInbox(ctx context.Context, g groupSpec, n int) error {
	topics := inboxTopics(g.topic, g.group)
	if err := a.cluster.refresh(ctx, topics...); err != nil {
		return err
	}
	var missing []topicSpec
	for i, name := range topics {
		if a.cluster.known(name) == nil {
			derived := driver.Name(driver.KindInbox, g.topic, g.group, tiers[i].name)
			missing = append(missing, topicSpec{name: derived, partitions: n, configs: kept()})
		}
	}
	if len(missing) > 0 {
		size, err := a.derivedSize(ctx, g.topic)
		if err != nil {
			return err
		}
		for i := range missing {
			missing[i].size = size
		}
		if a.cfg.Declare != DeclareCreate {
			return fmt.Errorf("%w: %s, and declare is %s", driver.ErrUnknownTopic, missing[0].name, a.cfg.Declare)
		}
		if err := a.create(ctx, missing...); err != nil {
			return err
		}
	}
	for _, name := range topics {
		if t := a.cluster.known(name); t != nil && len(t.leaders) > 0 && !slices.Contains(t.leaders, noBroker) {
			continue
		}
		if _, err := a.settled(ctx, name, 1); err != nil {
			return err
		}
	}
	return a.grow(ctx, n, topics...)
}

// knownGroup returns the group's positions in the topic and its inbox; ErrUnknownTopic where there is no such topic or group.
func (a *admin) knownGroup(ctx context.Context, topic, group string) (map[string][]committed, error) {
	t, err := a.cluster.topicNow(ctx, topic)
	if err != nil {
		return nil, err
	}
	return a.groupIn(ctx, topic, group, len(t.leaders))
}

// groupIn is knownGroup for a topic of n partitions.
func (a *admin) groupIn(ctx context.Context, topic, group string, n int) (map[string][]committed, error) {
	partitions := map[string]int{topic: n}
	for _, name := range inboxTopics(topic, group) {
		partitions[name] = n
	}
	found, err := a.cluster.positions(ctx, groupID(topic, group), partitions)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(found[topic], func(c committed) bool { return c.offset >= 0 }) {
		return nil, driver.ErrUnknownTopic
	}
	return found, nil
}
