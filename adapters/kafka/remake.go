package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// miss notes that some of the group's topics are not there, for the keeper to look again.
func (s *subscription) miss(topics []string) {
	absent := func(name string) bool { return s.d.cluster.known(name) == nil }
	if s.keeper == nil || !slices.ContainsFunc(topics, absent) {
		return
	}
	s.keeper.absent.Store(true)
	signal(s.keeper.wake)
}

// restore makes topics of the group again that are missing at two looks, and returns when to look again. A broker that has just begun, or is
// behind, may not know a topic for a moment.
func (k *keeper) restore(ctx context.Context) time.Duration {
	s := k.s
	if !k.absent.Load() || s.d.cfg.Declare != DeclareCreate {
		return lookPause
	}
	if left := startPause - time.Since(k.missed); left > 0 {
		return left
	}
	if s.d.cluster.refresh(ctx, s.member.topics...) != nil {
		return retryMost
	}
	there := func(name string) bool { return s.d.cluster.known(name) != nil }
	switch {
	case !slices.ContainsFunc(s.member.topics, func(name string) bool { return !there(name) }):
		k.absent.Store(false)
		k.missed = time.Time{}
		return lookPause
	case k.missed.IsZero():
		k.missed = time.Now()
		return startPause
	}
	k.missed = time.Time{}
	if err := s.remake(ctx); err != nil {
		return retryMost
	}
	k.absent.Store(false)
	return lookPause
}

// remake makes the group's topics again as they were: with as many partitions as the group has known, and with the settings that this driver
// was told to declare. Other members may be at it too.
func (s *subscription) remake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.d.cfg.RequestTimeout)
	defer cancel()
	s.mu.Lock()
	n, over := s.partitions, s.stopped || s.closed
	s.mu.Unlock()
	if over {
		return nil
	}
	spec := topicSpec{name: s.spec.Topic, partitions: n}
	if told, ok := s.d.admin.told.Load(s.spec.Topic); ok {
		spec.configs = bounds(told.(driver.TopicSpec), n) //nolint:forcetypeassert // Declare stores nothing else
	}
	if _, err := s.d.admin.ensure(ctx, spec); err != nil {
		return err
	}
	// Not where the subscription was told to start: what is published since the topic is there again is the group's.
	g := groupSpec{topic: s.spec.Topic, group: s.spec.Group, start: driver.Start{Kind: driver.StartOldest}}
	_, err := s.d.admin.declareGroup(ctx, g)
	return err
}

// disown takes the positions of some units that belong to a topic of the same name that is gone for none: a member may have stored one before it
// saw the new topic. found is by topic, as positions returns it. What is returned is to be told once the units have begun.
func (s *subscription) disown(
	ctx context.Context, units []*unit, found map[string][]committed, logs map[string]topicID,
) (gaps []string, err error) {
	for topic, all := range found {
		var others []int
		for _, u := range units {
			if u.number < len(all) && logBeside(all[u.number].ahead).anotherThan(logs[topic]) {
				others = append(others, u.number)
			}
		}
		if len(others) == 0 {
			continue
		}
		// The position may be of a topic that is newer than what the broker knew that was asked.
		if err := s.d.cluster.confirm(ctx, topic, others[0], logs[topic]); err != nil {
			return nil, fmt.Errorf("%s: %w", topic, err)
		}
		slices.Sort(others)
		for _, i := range others {
			all[i] = committed{offset: -1}
		}
		gaps = append(gaps, fmt.Sprintf("%s: the topic was deleted and made again, going on at the oldest that is held in partitions %v", topic, others))
	}
	return gaps, nil
}

// vanished reports whether what is not stored has nowhere to be stored: its topics are not there, by what a broker says now.
func (s *subscription) vanished(ctx context.Context, err error) bool {
	if !errors.Is(err, errVanished) || s.d.cluster.refresh(ctx, s.member.topics...) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.dirty {
		if s.d.cluster.known(f.topic) != nil {
			return false
		}
	}
	return true
}
