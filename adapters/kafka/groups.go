package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// ListGroups implements driver.Groups. A group is known while it has members or positions; Kafka forgets those of a group that had no member
// for offsets.retention.minutes, a week by default.
func (d *Driver) ListGroups(ctx context.Context, topic string) ([]driver.GroupInfo, error) {
	var infos []driver.GroupInfo
	err := retry(ctx, func() error {
		infos = nil
		if err := d.cluster.refresh(ctx); err != nil {
			return err
		}
		names, err := d.admin.groups(ctx, topic)
		if err != nil {
			return err
		}
		for _, name := range names {
			info, err := d.groupInfo(ctx, topic, name)
			if errors.Is(err, driver.ErrUnknownTopic) {
				continue // deleted meanwhile
			}
			if err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	return infos, fail("list groups", topic, err)
}

func (d *Driver) groupInfo(ctx context.Context, topic, group string) (driver.GroupInfo, error) {
	about, err := d.cluster.describe(ctx, groupID(topic, group))
	if err != nil {
		return driver.GroupInfo{}, err
	}
	lag, err := d.lag(ctx, topic, group)
	return driver.GroupInfo{Topic: topic, Name: group, Members: len(about.Members), Lag: lag}, err
}

// DeleteGroup implements driver.Groups.
func (d *Driver) DeleteGroup(ctx context.Context, topic, group string) error {
	id := groupID(topic, group)
	err := retry(ctx, func() error {
		if _, err := d.unused(ctx, topic, group); err != nil {
			return err
		}
		err := d.cluster.deleteGroup(ctx, id)
		switch {
		case is(err, kafkago.NonEmptyGroup):
			return driver.ErrInUse
		case is(err, kafkago.GroupIdNotFound):
			return driver.ErrUnknownTopic
		default:
			return err
		}
	})
	if err == nil || errors.Is(err, driver.ErrUnknownTopic) {
		err = d.deleteInbox(ctx, topic, group, err)
	}
	d.admin.epoch.Add(1)
	return fail("delete group", topic, err)
}

// deleteInbox deletes the inbox of a group that is gone. unknown is why there was no such group, nil where it was deleted just now: it may be
// gone by an attempt whose answer was lost, or that ended before the inbox was deleted, or since its positions expired.
func (d *Driver) deleteInbox(ctx context.Context, topic, group string, unknown error) error {
	all := inboxTopics(topic, group)
	err := retry(ctx, func() error {
		if err := d.cluster.refresh(ctx, all...); err != nil {
			return err
		}
		there := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return d.cluster.known(name) == nil })
		if len(there) == 0 {
			return nil
		}
		if unknown != nil {
			// Members have no position for a moment where the topic was deleted and made again.
			switch err := d.cluster.deleteGroup(ctx, groupID(topic, group)); {
			case is(err, kafkago.NonEmptyGroup):
				return driver.ErrInUse
			case err != nil && !is(err, kafkago.GroupIdNotFound):
				return err
			}
		}
		unknown = nil
		return d.admin.remove(ctx, there...)
	})
	if err != nil && !denied(err) {
		return err
	}
	return or(unknown, err)
}

// unused returns the positions of a group; ErrInUse where it has members, ErrUnknownTopic where it is not there.
func (d *Driver) unused(ctx context.Context, topic, group string) (map[string][]committed, error) {
	found, err := d.admin.knownGroup(ctx, topic, group)
	if err != nil {
		return nil, err
	}
	about, err := d.cluster.describe(ctx, groupID(topic, group))
	if err != nil {
		return nil, err
	}
	if len(about.Members) > 0 {
		return nil, driver.ErrInUse
	}
	return found, nil
}

// ResetGroup implements driver.Groups. What waits in the inbox stays there.
func (d *Driver) ResetGroup(ctx context.Context, topic, group string, to driver.Start) error {
	err := retry(ctx, func() error {
		found, err := d.unused(ctx, topic, group)
		if err != nil {
			return err
		}
		offsets, err := d.cluster.begin(ctx, topic, len(found[topic]), to)
		if err != nil {
			return err
		}
		at := make(map[target]committed, len(offsets))
		for i, offset := range offsets {
			at[target{topic, i}] = committed{offset: offset}
		}
		err = d.cluster.place(ctx, groupID(topic, group), at)
		if is(err, kafkago.UnknownMemberId, kafkago.RebalanceInProgress, kafkago.IllegalGeneration) {
			return driver.ErrInUse
		}
		return err
	})
	return fail("reset group", topic, err)
}

// Lag implements driver.Lagger. Count and Later are differences of offsets: control records, and what compaction took, count too.
func (d *Driver) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	var lag driver.Lag
	err := retry(ctx, func() (err error) {
		lag, err = d.lag(ctx, topic, group)
		return err
	})
	return lag, fail("lag", topic, err)
}

func (d *Driver) lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	found, err := d.admin.knownGroup(ctx, topic, group)
	if err != nil {
		return driver.Lag{}, err
	}
	var lag driver.Lag
	var oldest []want
	for name, at := range found {
		if name != topic {
			n, _, err := d.behind(ctx, name, at)
			if err != nil {
				return driver.Lag{}, err
			}
			lag.Later += n
			continue
		}
		if lag.Count, oldest, err = d.behind(ctx, name, at); err != nil {
			return driver.Lag{}, err
		}
	}
	if lag.Count > 0 {
		lag.Age, err = d.age(ctx, oldest)
	}
	return lag, err
}

// behind counts what is not finished in a topic, and returns where that begins in each partition.
func (d *Driver) behind(ctx context.Context, topic string, at []committed) (int64, []want, error) {
	t, err := d.cluster.topic(ctx, topic)
	if err != nil {
		if errors.Is(err, driver.ErrUnknownTopic) {
			return 0, nil, nil
		}
		return 0, nil, err
	}
	newest, err := d.cluster.listOffsets(ctx, topic, every(len(at), atNewest))
	if err != nil {
		return 0, nil, err
	}
	oldest, err := d.cluster.listOffsets(ctx, topic, every(len(at), atOldest))
	if err != nil {
		return 0, nil, err
	}
	var count int64
	var first []want
	for i, c := range at {
		if logBeside(c.ahead).anotherThan(t.id) {
			c = committed{} // of a topic that is gone
		}
		from := max(c.offset, oldest[i])
		n := newest[i] - from
		for _, s := range decodeAhead(c.offset, c.ahead) {
			n -= max(0, min(s.to, newest[i])-max(s.from, from))
		}
		if n > 0 {
			count += n
			first = append(first, want{topic: topic, partition: i, offset: from, bytes: 1})
		}
	}
	return count, first, nil
}

// age returns the age of the oldest of some records.
func (d *Driver) age(ctx context.Context, at []want) (time.Duration, error) {
	byLeader := map[int32][]want{}
	for _, w := range at {
		leader := d.cluster.leader(w.topic, w.partition)
		byLeader[leader] = append(byLeader[leader], w)
	}
	oldest := int64(-1)
	for leader, wants := range byLeader {
		c, err := d.cluster.shared(ctx, leader)
		if err != nil {
			return 0, err
		}
		for _, w := range wants { // one by one: only the first of a fetch is sure to be answered
			answers, err := c.fetch(ctx, []want{w}, 0, 1)
			if err != nil {
				return 0, err
			}
			if ms, ok := firstTime(answers, w.offset); ok && (oldest < 0 || ms < oldest) {
				oldest = ms
			}
		}
	}
	if oldest < 0 {
		return 0, nil
	}
	return max(0, d.cluster.wall().Sub(time.UnixMilli(oldest))), nil
}

func firstTime(answers []got, from int64) (int64, bool) {
	if len(answers) != 1 || answers[0].err != nil {
		return 0, false
	}
	r := newRecords(answers[0].data, from, slices.Clone(answers[0].aborted))
	var rec record
	ok := r.read(&rec)
	return rec.time, ok
}
