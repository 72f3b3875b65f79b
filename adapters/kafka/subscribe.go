package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Subscribe implements driver.Driver.
func (d *Driver) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	if err := spec.Check(); err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	s := d.newSubscription(spec)
	if err := d.enlist(s); err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	opening, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.life, func() { cancel(driver.ErrClosed) })()
	err := s.open(opening)
	if err != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Close(ended) // what failed is told, and nothing is held
		return nil, fail("subscribe", spec.Topic, err)
	}
	return s, nil
}

// open declares what the subscription needs, and returns once messages can arrive.
func (s *subscription) open(ctx context.Context) error {
	if s.spec.Broadcast {
		return retry(ctx, func() error { return s.listen(ctx) })
	}
	if err := retry(ctx, func() error { return s.sameFilter(ctx) }); err != nil {
		return err
	}
	g := groupSpec{topic: s.spec.Topic, group: s.spec.Group, partitions: s.spec.Partitions, start: s.spec.Start}
	err := retry(ctx, func() (err error) {
		s.partitions, err = s.d.admin.declareGroup(ctx, g)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.d.admin.widen(ctx, g.topic, heirs(g.topic, g.group)...); err != nil {
		s.tell(driver.Notice{Kind: driver.Mismatch, Detail: "the largest events can't be put off or become dead letters", Err: err})
	}
	s.member, s.keeper, s.mover = newMember(s), &keeper{s: s, wake: make(chan struct{}, 1)}, newMover(s)
	s.start(s.member.run)
	s.start(s.keeper.run)
	s.start(s.mover.run)
	s.start(s.committer)
	select {
	case err := <-s.member.joined:
		return err
	case <-ctx.Done():
		return ended(ctx, s.member.reason())
	}
}

// sameFilter tells ErrConflict when live members have other patterns. A group that rebalances does not show its members' cards; then it is
// looked at again for a moment, and if that does not help the leader will report the difference.
func (s *subscription) sameFilter(ctx context.Context) error {
	pause := backoff.New(retryFirst, 10*retryFirst)
	for until := time.Now().Add(2 * s.d.cfg.Heartbeat); ; {
		g, err := s.d.cluster.describe(ctx, s.group)
		if err != nil {
			return err
		}
		for _, m := range g.Members {
			if c, ok := decodeMetadata(m.MemberMetadata); ok && !slices.Equal(c.Types, s.spec.Types) {
				return because(driver.ErrConflict, errOtherTypes)
			}
		}
		if len(g.Members) == 0 || g.GroupState == "Stable" || time.Now().After(until) {
			return nil
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// listen begins a broadcast at the end of each partition.
func (s *subscription) listen(ctx context.Context) error {
	t, err := s.d.admin.ensure(ctx, topicSpec{name: s.spec.Topic})
	if err != nil {
		return err
	}
	ends, err := s.d.cluster.listOffsets(ctx, s.spec.Topic, every(len(t.leaders), atNewest))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addPartitions(t.id, ends)
	s.start(s.watch)
	return nil
}

// addPartitions begins to read partitions of a broadcast, the first new one at the first offset. The lock is held.
func (s *subscription) addPartitions(log topicID, offsets []int64) {
	for _, at := range offsets {
		u := s.newUnit(s.partitions)
		f := &feed{unit: u, topic: s.spec.Topic, partition: s.partitions, tier: -1, fetchAt: at}
		f.ledger.log, f.ledger.next = log, at
		u.feeds = []*feed{f}
		s.units[s.partitions] = u
		s.partitions++
		s.attach(f)
	}
}

// watch finds partitions that were added; they are read from their beginning.
func (s *subscription) watch(ctx context.Context) {
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		t, err := s.d.cluster.topicNow(ctx, s.spec.Topic)
		if err != nil {
			continue
		}
		s.compare()
		oldest, err := s.d.cluster.listOffsets(ctx, s.spec.Topic, every(len(t.leaders), atOldest))
		if err != nil {
			continue
		}
		s.mu.Lock()
		if len(oldest) > s.partitions {
			s.addPartitions(t.id, oldest[s.partitions:])
		}
		s.mu.Unlock()
	}
}

// lastTry bounds what Close still tries while the broker is away.
const lastTry = time.Second

// Close implements driver.Subscription.
func (s *subscription) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closed
	s.closed, s.stopped = true, true
	s.rouse()
	s.mu.Unlock()
	if !first {
		select {
		case <-s.closing:
		case <-ctx.Done():
		}
		return nil
	}
	defer close(s.closing)
	s.d.forget(s)
	var errs []error
	last := ctx
	if s.d.away() != nil {
		var cancel context.CancelFunc
		last, cancel = context.WithTimeout(ctx, lastTry)
		defer cancel()
	}
	if s.member != nil {
		errs = append(errs, s.flush(last))
	}
	s.stop()
	s.forsake()
	if s.member != nil && !errors.Is(errs[0], kafkago.UnknownMemberId) {
		errs = append(errs, s.member.leave(last))
	}
	return fail("close subscription", s.spec.Topic, errors.Join(errs...))
}
