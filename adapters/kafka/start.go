package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"

	"github.com/herald-go/herald/pkg/driver"
)

// Times that mean a place, in ListOffsets.
const (
	atOldest int64 = -2
	atNewest int64 = -1
)

// listOffsets returns for each partition of a topic the first offset at or after a time in milliseconds, or the oldest or the newest. A time
// after all records gives the newest. times holds one for each partition.
func (c *cluster) listOffsets(ctx context.Context, topic string, times []int64) ([]int64, error) {
	found, err := c.lookUp(ctx, topic, times)
	if err != nil {
		return nil, err
	}
	var missing bool
	again := make([]int64, len(times))
	for i, n := range found {
		again[i] = atNewest
		missing = missing || n < 0
	}
	if !missing {
		return found, nil
	}
	ends, err := c.lookUp(ctx, topic, again)
	if err != nil {
		return nil, err
	}
	for i, n := range found {
		if n < 0 {
			found[i] = ends[i]
		}
	}
	return found, nil
}

func (c *cluster) lookUp(ctx context.Context, topic string, times []int64) ([]int64, error) {
	byLeader := map[int32][]listoffsets.RequestPartition{}
	for i, ms := range times {
		leader := c.leader(topic, i)
		if leader == noBroker {
			_ = c.refresh(ctx, topic)
			return nil, fmt.Errorf("%s partition %d: %w", topic, i, errNoLeader)
		}
		byLeader[leader] = append(byLeader[leader], listoffsets.RequestPartition{
			Partition: int32(i), CurrentLeaderEpoch: -1, Timestamp: ms, //nolint:gosec // a count
		})
	}
	found := make([]int64, len(times))
	for leader, partitions := range byLeader {
		answer, err := c.ask(ctx, leader, &listoffsets.Request{
			ReplicaID: -1, IsolationLevel: 1, Topics: []listoffsets.RequestTopic{{Topic: topic, Partitions: partitions}},
		})
		if err != nil {
			return nil, err
		}
		res, ok := answer.(*listoffsets.Response)
		if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != len(partitions) {
			return nil, errProtocol
		}
		for _, p := range res.Topics[0].Partitions {
			if err := code(p.ErrorCode); err != nil {
				if is(err, kafkago.NotLeaderForPartition, kafkago.UnknownTopicOrPartition, kafkago.LeaderNotAvailable) {
					_ = c.refresh(ctx, topic)
				}
				return nil, fmt.Errorf("%s partition %d: %w", topic, p.Partition, err)
			}
			if p.Partition < 0 || int(p.Partition) >= len(found) {
				return nil, errProtocol
			}
			found[p.Partition] = p.Offset
		}
	}
	return found, nil
}

// every returns n times the same.
func every(n int, ms int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = ms
	}
	return all
}

// place is a parsed Position.
type place struct {
	partition  int
	offset, ms int64
}

func parsePosition(s string) (place, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return place{}, fmt.Errorf("%w: %q is no position of this broker", driver.ErrPosition, s)
	}
	partition, err := strconv.ParseUint(parts[0], 10, 31)
	offset, err2 := strconv.ParseInt(parts[1], 10, 64)
	ms, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || err2 != nil || err3 != nil || offset < 0 {
		return place{}, fmt.Errorf("%w: %q is no position of this broker", driver.ErrPosition, s)
	}
	return place{int(partition), offset, ms}, nil
}

// behind returns for each partition the first offset after a place, in the order by time, partition and offset in which a topic is read.
func (c *cluster) behind(ctx context.Context, topic string, n int, pos string) ([]int64, error) {
	at, err := parsePosition(pos)
	if err != nil {
		return nil, err
	}
	if at.partition >= n {
		return nil, fmt.Errorf("%w: partition %d of %d", driver.ErrPosition, at.partition, n)
	}
	times := make([]int64, n)
	for i := range times {
		times[i] = max(0, at.ms)
		if i < at.partition {
			times[i]++
		}
	}
	offsets, err := c.listOffsets(ctx, topic, times)
	if err != nil {
		return nil, err
	}
	ends, err := c.listOffsets(ctx, topic, every(n, atNewest))
	if err != nil {
		return nil, err
	}
	if at.offset >= ends[at.partition] {
		return nil, fmt.Errorf("%w: %q was never written", driver.ErrPosition, pos)
	}
	offsets[at.partition] = at.offset + 1
	return offsets, nil
}

// begin returns the offsets where a start is, one for each partition; ErrPosition where the broker can't give it.
func (c *cluster) begin(ctx context.Context, topic string, n int, at driver.Start) ([]int64, error) {
	switch at.Kind {
	case driver.StartNewest:
		return c.listOffsets(ctx, topic, every(n, atNewest))
	case driver.StartTime:
		return c.listOffsets(ctx, topic, every(n, max(0, at.Time.UnixMilli())))
	case driver.StartAfter:
		offsets, err := c.behind(ctx, topic, n, at.Position)
		if err != nil {
			return nil, err
		}
		return offsets, c.held(ctx, topic, offsets, at.Position)
	default:
		return c.listOffsets(ctx, topic, every(n, atOldest))
	}
}

// held tells ErrPosition when records after a place are gone.
func (c *cluster) held(ctx context.Context, topic string, offsets []int64, pos string) error {
	oldest, err := c.listOffsets(ctx, topic, every(len(offsets), atOldest))
	if err != nil {
		return err
	}
	at, err := parsePosition(pos)
	if err != nil {
		return err
	}
	if offsets[at.partition] < oldest[at.partition] {
		return fmt.Errorf("%w: what follows %q is gone, the oldest is %d", driver.ErrPosition, pos, oldest[at.partition])
	}
	return nil
}
