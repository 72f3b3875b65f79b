package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// keeper begins and ends the units of a group's member, watches for new partitions, and trims the inbox. One goroutine runs it.
type keeper struct {
	s       *subscription
	wake    chan struct{} // of capacity 1, a flag
	looked  time.Time
	trimmed time.Time
	absent  atomic.Bool // a topic was seen to be missing
	missed  time.Time   // when it was seen first, zero for not yet
	barred  bool        // it was told that partitions that were added are not read
}

const (
	// lookPause is how often a member looks for added partitions.
	lookPause = 10 * time.Second
	// trimPause is how often finished messages are dropped from the inbox.
	trimPause = time.Minute
	// startPause is the pause before a unit that could not begin is tried again.
	startPause = 100 * time.Millisecond
)

func (k *keeper) run(ctx context.Context) {
	k.looked, k.trimmed = time.Now(), time.Now()
	timer := time.NewTimer(lookPause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-timer.C:
		}
		wait := k.begin(ctx)
		wait = min(wait, k.end(ctx))
		wait = min(wait, k.restore(ctx))
		if time.Since(k.looked) >= lookPause {
			k.look(ctx)
			k.looked = time.Now()
		}
		if time.Since(k.trimmed) >= trimPause {
			k.trim(ctx)
			k.trimmed = time.Now()
		}
		timer.Reset(wait)
	}
}

// begin starts units that were given, and returns when to look again.
func (k *keeper) begin(ctx context.Context) time.Duration {
	s := k.s
	s.mu.Lock()
	var fresh []*unit
	for _, u := range s.units {
		if len(u.feeds) == 0 && !u.ending {
			fresh = append(fresh, u)
		}
	}
	s.mu.Unlock()
	if len(fresh) == 0 {
		return lookPause
	}
	err := s.startUnits(ctx, fresh)
	switch {
	case err == nil:
		return lookPause
	case errors.Is(err, driver.ErrUnknownTopic):
		k.absent.Store(true)
		return startPause
	case forbidden(err):
		s.mu.Lock()
		s.refused("look up positions", err)
		s.mu.Unlock()
		return lookPause
	default:
		return startPause
	}
}

// refused ends the subscription, since the broker does not let this user do what it needs. The lock is held.
func (s *subscription) refused(doing string, err error) {
	s.failed = fail("receive", s.spec.Topic, fmt.Errorf("%s: %w", doing, err))
	s.rouse()
}

// startUnits reads the group's positions and begins to fetch from there.
func (s *subscription) startUnits(ctx context.Context, fresh []*unit) error {
	if err := s.d.cluster.refresh(ctx, s.member.topics...); err != nil {
		return err
	}
	// Whoever has found the partitions gave the inbox as many, of which this broker may not know yet.
	if t := s.d.cluster.known(s.spec.Topic); t != nil {
		if err := s.d.admin.grow(ctx, len(t.leaders), s.member.topics[1:]...); err != nil && !permanent(err) {
			return err
		}
	}
	partitions, logs := map[string]int{}, map[string]topicID{}
	for _, topic := range s.member.topics {
		t := s.d.cluster.known(topic)
		if t == nil {
			return driver.ErrUnknownTopic
		}
		if len(t.leaders) == 0 {
			return kafkago.LeaderNotAvailable
		}
		partitions[topic], logs[topic] = len(t.leaders), t.id
	}
	found, err := s.d.cluster.positions(ctx, s.group, partitions)
	if err != nil {
		return err
	}
	forgotten := !slices.ContainsFunc(found[s.spec.Topic], func(c committed) bool { return c.offset >= 0 })
	gaps, err := s.disown(ctx, fresh, found, logs)
	if err != nil {
		return err
	}
	oldest := map[string][]int64{}
	for topic, all := range found {
		if slices.ContainsFunc(all, func(c committed) bool { return c.offset < 0 }) {
			if oldest[topic], err = s.d.cluster.listOffsets(ctx, topic, every(len(all), atOldest)); err != nil {
				return err
			}
		}
	}
	if forgotten {
		gaps = append(gaps, "the group's positions are gone: going on at the oldest that is held")
	}
	for _, detail := range gaps {
		s.lost(-1, detail)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range fresh {
		if s.units[u.number] == u && !u.ending && !u.gone {
			s.startUnit(u, logs, found, oldest)
		}
	}
	return nil
}

// startUnit begins to fetch. What has no position is a partition found later, which is read from its beginning, and has one from then on: who
// comes next has nothing to tell of it. The lock is held.
func (s *subscription) startUnit(u *unit, logs map[string]topicID, found map[string][]committed, oldest map[string][]int64) {
	for i, topic := range s.member.topics {
		if u.number >= len(found[topic]) {
			continue
		}
		at := found[topic][u.number]
		f := &feed{unit: u, topic: topic, partition: u.number, tier: i - 1, stored: at}
		if at.offset < 0 {
			at = committed{offset: oldest[topic][u.number]}
		}
		f.ledger.log = logs[topic]
		f.fetchAt, f.ledger.next, f.before = at.offset, at.offset, decodeAhead(at.offset, at.ahead)
		u.feeds = append(u.feeds, f)
		s.attach(f)
		if f.stored.offset < 0 {
			f.touch()
		}
	}
}

// endUnit lets nothing more start from a unit. The lock is held; the caller ends the source without it.
func (s *subscription) endUnit(u *unit) {
	u.ending = true
	u.deadline = time.Now().Add(s.d.cfg.Session / 3)
	for _, f := range u.feeds {
		s.detach(f)
	}
}

// end gives up the units whose time has come: with nothing in hand, or at the end of the grace. It returns when to look again.
func (k *keeper) end(ctx context.Context) time.Duration {
	s := k.s
	wait := lookPause
	var over []*unit
	s.mu.Lock()
	for _, u := range s.units {
		if !u.ending {
			continue
		}
		left := time.Until(u.deadline)
		if u.held == 0 || left <= 0 {
			over = append(over, u)
			continue
		}
		wait = min(wait, left)
	}
	s.mu.Unlock()
	if len(over) == 0 {
		return wait
	}
	grace, cancel := context.WithTimeout(ctx, s.d.cfg.Session/3)
	defer cancel()
	_ = s.flush(grace) // what could not be stored comes again
	s.giveUp(over)
	signal(s.member.kick)
	return wait
}

// giveUp loses units.
func (s *subscription) giveUp(units []*unit) {
	s.mu.Lock()
	for _, u := range units {
		u.gone = true
		if s.units[u.number] == u {
			delete(s.units, u.number)
		}
		for _, f := range slices.Concat(u.feeds, u.over) {
			s.detach(f)
			f.hold(-f.buffered)
			f.chunks, f.head = nil, nil
			s.held -= f.inHand
			s.heldBytes -= f.inHandBytes
			s.unstored -= f.unstored
			f.unstored = 0
		}
	}
	s.rouse()
	s.mu.Unlock()
	for _, u := range units {
		u.source.Lose()
	}
}

// forsake loses all units at once.
func (s *subscription) forsake() {
	s.mu.Lock()
	var all []*unit
	for _, u := range s.units {
		all = append(all, u)
	}
	s.mu.Unlock()
	s.giveUp(all)
}

// look finds partitions that were added, gives the inbox as many, and lets the group share them out.
func (k *keeper) look(ctx context.Context) {
	s := k.s
	if s.d.cluster.refresh(ctx, s.member.topics...) != nil {
		return // the next look may find more
	}
	s.compare()
	s.miss(s.member.topics)
	t := s.d.cluster.known(s.spec.Topic)
	if t == nil {
		return
	}
	n := len(t.leaders)
	s.mu.Lock()
	grown := n > s.partitions
	s.mu.Unlock()
	if !grown {
		return
	}
	if err := s.d.admin.grow(ctx, n, s.member.topics[1:]...); err != nil {
		if forbidden(err) && !k.barred {
			k.barred = true
			s.tell(driver.Notice{Kind: driver.Mismatch, Detail: "the topic has more partitions, which are not read: the inbox can't have as many", Err: err})
		}
		return
	}
	k.barred = false
	s.mu.Lock()
	s.partitions = n
	s.mu.Unlock()
	s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "the topic has more partitions"})
	signal(s.member.kick)
}

// trim drops what is finished from the inbox, which nothing else does.
func (k *keeper) trim(ctx context.Context) {
	s := k.s
	if s.d.cluster.refresh(ctx, s.member.topics[1:]...) != nil {
		return
	}
	type leaderTopic struct {
		leader int32
		topic  string
	}
	before := map[leaderTopic]map[int]int64{}
	s.mu.Lock()
	for _, u := range s.units {
		for _, f := range u.feeds {
			if t := s.d.cluster.known(f.topic); !f.inbox() || f.stored.offset <= f.trimmed || t == nil || t.id.anotherThan(f.ledger.log) {
				continue
			}
			key := leaderTopic{s.d.cluster.leader(f.topic, f.partition), f.topic}
			if before[key] == nil {
				before[key] = map[int]int64{}
			}
			before[key][f.partition] = f.stored.offset
			f.trimmed = f.stored.offset
		}
	}
	s.mu.Unlock()
	for key, offsets := range before {
		c, err := s.d.cluster.shared(ctx, key.leader)
		if err == nil {
			_ = c.deleteRecords(ctx, key.topic, offsets) // not allowed, or not now: the disk fills a little more
		}
	}
}
