package redis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// round shares the partitions of a group that is ordered across its members: it renews the membership, takes what is free up to this
// member's share, and begins to hand over what is more.
func (s *subscription) round(ctx context.Context) error {
	_, members, err := s.pulse(ctx, s.control)
	if err != nil {
		return err
	}
	share := quota(members, s.spec.Member, len(s.lanes))
	s.mu.Lock()
	if s.stopped {
		share = 0
	}
	ending := s.surplus(share)
	var free []*lane
	have := 0
	for _, l := range s.lanes {
		if l.epoch == nil {
			free = append(free, l)
		} else if !l.epoch.ending {
			have++
		}
	}
	s.mu.Unlock()
	for _, src := range ending {
		src.End()
	}
	if len(ending) > 0 {
		s.attend()
	}
	gained := 0
	for _, l := range free {
		if have+gained >= share {
			break
		}
		ok, err := s.gain(ctx, l, alone)
		if err != nil {
			return err
		}
		if ok {
			gained++
		}
	}
	if gained > 0 {
		s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "partitions were gained"})
		s.unblock(ctx) // the reader shall look at them too
	}
	return nil
}

// gain takes a partition, and reports whether it could be had.
func (s *subscription) gain(ctx context.Context, l *lane, how joining) (bool, error) {
	err := s.enter(ctx, l, how)
	if errors.Is(err, errTaken) {
		return false, nil
	}
	if err == nil {
		_, err = s.beat(ctx, l)
	}
	return err == nil, err
}

// reclaim takes the partitions again that are still this member's for the broker, of a session that it lost: all of them, so that what is more
// than its share now is handed over at once. Left alone they would be nobody's until that session's end.
func (s *subscription) reclaim(ctx context.Context) error {
	back := false
	for _, l := range s.lanes {
		ok, err := s.gain(ctx, l, again)
		if err != nil {
			return err
		}
		back = back || ok
	}
	if back {
		s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "partitions of the last session were taken again"})
	}
	return nil
}

// quota is how many of n partitions a member shall own: members in the order of their names, the first ones one more where it does not
// divide.
func quota(members []string, me string, n int) int {
	slices.Sort(members)
	at := slices.Index(members, me)
	if at < 0 || len(members) == 0 {
		return 0
	}
	q := n / len(members)
	if at < n%len(members) {
		q++
	}
	return q
}

// surplus marks what is to be handed over, and returns the sources that end. A member that is stopped has no share, and keeps what its handlers
// are at work with all the same: ripe sees to that. The lock is held.
func (s *subscription) surplus(share int) (ending []*driver.Source) {
	if s.stopped {
		return nil
	}
	have := 0
	for _, l := range s.lanes {
		if !l.isKept() {
			continue
		}
		if have++; have > share {
			l.epoch.ending = true
			l.until = time.Now().Add(s.d.cfg.Session / 3)
			s.shelve(l.epoch)
			ending = append(ending, l.epoch.source)
		}
	}
	return ending
}

// shelve drops what is ready and was not handed out: the next owner gets it. The lock is held.
func (s *subscription) shelve(e *epoch) {
	for x := e.first; x != nil; {
		next := x.next
		if !x.out {
			s.drop(x)
		}
		x = next
	}
	s.sweep()
}

// wants reports whether this member has fewer partitions than there are without a session here: others may have to hand over.
func (s *subscription) wants() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		if l.epoch == nil {
			return true
		}
	}
	return false
}

// handOver gives up the partitions that are ending and of which nothing is in hand. What is in hand still when the grace is over is revoked
// first, which ends its handlers' contexts; they have as long again to let go. It returns when to look again, 0 for whenever.
func (s *subscription) handOver(ctx context.Context) (time.Duration, error) {
	h := s.ripe(time.Now())
	for _, src := range h.lost {
		src.End()
		src.Lose()
	}
	if h.blocked {
		s.unblock(ctx)
		h.again = sooner(h.again, unblockEvery)
	}
	for _, l := range h.ready {
		if err := s.giveUp(ctx, l); err != nil {
			return 0, err
		}
	}
	return h.again, nil
}

// handover is what is to be done for the partitions that are ending.
type handover struct {
	blocked bool             // a read is in the way
	lost    []*driver.Source // whose messages have been revoked
	ready   []*lane          // to be given up
	again   time.Duration    // when to look again, 0 for whenever
}

// ripe looks at the partitions that are ending, and revokes what is in hand too long.
func (s *subscription) ripe(now time.Time) (h handover) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.blocked = s.stopped && s.readers.Load() > 0
	for _, l := range s.lanes {
		e := l.epoch
		if e == nil || e.over || s.spec.Partitions == 0 {
			continue
		}
		if s.stopped && !e.ending {
			e.ending = true
			l.until = now.Add(365 * 24 * time.Hour) // what is held stays ours until Close
			s.shelve(e)
		}
		switch {
		case !e.ending:
		case l.busy > 0:
			h.blocked = true
		case e.unsettled():
		case e.count > 0 && now.Before(l.until):
			h.again = sooner(h.again, l.until.Sub(now))
		default:
			if s.revoke(e) {
				h.lost = append(h.lost, e.source)
			}
			if l.isCalm(now) {
				h.ready = append(h.ready, l)
			} else {
				h.again = sooner(h.again, l.calm.Sub(now))
			}
		}
	}
	return h
}

// revoke takes back what is in hand of an epoch, and reports whether that was anything. Handlers that have it let go of it by settling it, which
// counts for nothing else. The lock is held; the caller loses the source without it.
func (s *subscription) revoke(e *epoch) bool {
	if e.first == nil {
		return false
	}
	for x := e.first; x != nil; x = e.first {
		if x.out {
			x.revoked = true
			e.lane.away++
			e.lane.calm = time.Now().Add(s.d.cfg.Session / 3)
		}
		s.drop(x)
	}
	s.sweep()
	return true
}

func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return max(b, time.Millisecond)
	}
	return a
}

// giveUp ends the session on a lane.
func (s *subscription) giveUp(ctx context.Context, l *lane) error {
	s.mu.Lock()
	e := l.epoch
	s.lose(e)
	told, toldVague, top := l.told, l.toldVague, l.top
	s.mu.Unlock()
	e.source.End()
	e.source.Lose()
	_, err := s.d.commands.eval(ctx, leaveScript, l.keys(), s.spec.Group, s.spec.Member, e.fence, told, toldVague, top)
	s.mu.Lock()
	l.epoch = nil
	s.mu.Unlock()
	if err == nil {
		s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "a partition was handed over"})
	}
	return err
}
