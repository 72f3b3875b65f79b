package kafka

import (
	"context"
	"fmt"
	"net"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/deletegroups"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
)

// coordinator returns the broker that coordinates a group.
func (c *cluster) coordinator(ctx context.Context, group string) (int32, error) {
	c.mu.Lock()
	id, known := c.coordinators[group]
	c.mu.Unlock()
	if known {
		return id, nil
	}
	answer, err := c.ask(ctx, bootstrap, &findcoordinator.Request{Key: group})
	if err != nil {
		return 0, err
	}
	res, ok := answer.(*findcoordinator.Response)
	if !ok {
		return 0, errProtocol
	}
	if err := code(res.ErrorCode); err != nil {
		return 0, fmt.Errorf("group %s: %w", group, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coordinators[group] = res.NodeID
	if _, there := c.brokers[res.NodeID]; !there {
		c.brokers[res.NodeID] = net.JoinHostPort(res.Host, strconv.Itoa(int(res.Port)))
	}
	return res.NodeID, nil
}

// moved forgets the coordinator of a group.
func (c *cluster) moved(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.coordinators, group)
}

// askGroup sends a short request to the group's coordinator. What the answer holds must be checked with retryGroup.
func (c *cluster) askGroup(ctx context.Context, group string, msg protocol.Message) (protocol.Message, error) {
	id, err := c.coordinator(ctx, group)
	if err != nil {
		return nil, err
	}
	answer, err := c.ask(ctx, id, msg)
	if err != nil {
		c.moved(group)
	}
	return answer, err
}

// elsewhere notes that the broker asked is not the group's coordinator, or not yet, and reports whether to ask again.
func (c *cluster) elsewhere(group string, err error) bool {
	if !is(err, kafkago.NotCoordinatorForGroup, kafkago.GroupCoordinatorNotAvailable, kafkago.GroupLoadInProgress) {
		return false
	}
	c.moved(group)
	return true
}

// committed is a group's position in a partition: the offset that comes next, and what is finished after it. The offset is -1 where there
// is no position.
type committed struct {
	offset int64
	ahead  string
}

// target is where a position is stored.
type target struct {
	topic     string
	partition int
}

// positions returns a group's positions in all partitions of topics, by topic.
func (c *cluster) positions(ctx context.Context, id string, partitions map[string]int) (map[string][]committed, error) {
	req := &offsetfetch.Request{GroupID: id}
	for _, topic := range sortedKeys(partitions) {
		t := offsetfetch.RequestTopic{Name: topic}
		for i := range partitions[topic] {
			t.PartitionIndexes = append(t.PartitionIndexes, int32(i)) //nolint:gosec // a count
		}
		req.Topics = append(req.Topics, t)
	}
	answer, err := c.askGroup(ctx, id, req)
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*offsetfetch.Response)
	if !ok {
		return nil, errProtocol
	}
	if err := code(res.ErrorCode); err != nil {
		c.elsewhere(id, err)
		return nil, err
	}
	found := make(map[string][]committed, len(partitions))
	for topic, n := range partitions {
		found[topic] = make([]committed, n)
		for i := range found[topic] {
			found[topic][i].offset = -1
		}
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if err := code(p.ErrorCode); err != nil {
				c.elsewhere(id, err)
				return nil, fmt.Errorf("%s partition %d: %w", t.Name, p.PartitionIndex, err)
			}
			if i := int(p.PartitionIndex); i >= 0 && i < len(found[t.Name]) {
				found[t.Name][i] = committed{p.CommittedOffset, p.Metadata}
			}
		}
	}
	return found, nil
}

// commit stores positions for a member, or for nobody with the generation -1. It returns an error by target, and one for the whole.
func (c *cluster) commit(ctx context.Context, id, member string, generation int32, at map[target]committed) (map[target]error, error) {
	byTopic := map[string][]offsetcommit.RequestPartition{}
	for t, p := range at {
		byTopic[t.topic] = append(byTopic[t.topic], offsetcommit.RequestPartition{
			PartitionIndex: int32(t.partition), CommittedOffset: p.offset, CommittedLeaderEpoch: -1, CommittedMetadata: p.ahead, //nolint:gosec // a count
		})
	}
	req := &offsetcommit.Request{GroupID: id, GenerationID: generation, MemberID: member, RetentionTimeMs: -1}
	for _, topic := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: byTopic[topic]})
	}
	answer, err := c.askGroup(ctx, id, req)
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*offsetcommit.Response)
	if !ok {
		return nil, errProtocol
	}
	failed := map[target]error{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if err := code(p.ErrorCode); err != nil {
				c.elsewhere(id, err)
				failed[target{t.Name, int(p.PartitionIndex)}] = err
			}
		}
	}
	return failed, nil
}

// place stores positions for a group without members.
func (c *cluster) place(ctx context.Context, id string, at map[target]committed) error {
	failed, err := c.commit(ctx, id, "", -1, at)
	if err != nil {
		return err
	}
	for t, err := range failed {
		return fmt.Errorf("position in %s partition %d: %w", t.topic, t.partition, err)
	}
	return nil
}

// describe returns a group's state and members. A group that does not exist has the state Dead.
func (c *cluster) describe(ctx context.Context, id string) (*describegroups.ResponseGroup, error) {
	answer, err := c.askGroup(ctx, id, &describegroups.Request{Groups: []string{id}})
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*describegroups.Response)
	if !ok || len(res.Groups) != 1 {
		return nil, errProtocol
	}
	err = code(res.Groups[0].ErrorCode)
	if is(err, kafkago.GroupIdNotFound) {
		return &describegroups.ResponseGroup{GroupID: id, GroupState: "Dead"}, nil
	}
	if err != nil {
		c.elsewhere(id, err)
		return nil, err
	}
	return &res.Groups[0], nil
}

// deleteGroup deletes a group's positions.
func (c *cluster) deleteGroup(ctx context.Context, id string) error {
	answer, err := c.askGroup(ctx, id, &deletegroups.Request{GroupIDs: []string{id}})
	if err != nil {
		return err
	}
	res, ok := answer.(*deletegroups.Response)
	if !ok || len(res.Responses) != 1 {
		return errProtocol
	}
	err = code(res.Responses[0].ErrorCode)
	c.elsewhere(id, err)
	return err
}
