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
		err := s.enter(ctx, l, true)
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			return err
		}
		gained++
		if _, err := s.beat(ctx, l); err != nil {
			return err
		}
	}
	if gained > 0 {
		s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "partitions were gained"})
		s.unblock(ctx) // the reader shall look at them too
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

// surplus marks what is to be handed over, and returns the sources that end. The lock is held.
func (s *subscription) surplus(share int) (ending []*driver.Source) {
	have := 0
	for _, l := range s.lanes {
		if !l.isActive() {
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

// handOver gives up the partitions that are ending and of which nothing is in hand, or whose grace is over. It returns when to look again, 0
// for whenever.
func (s *subscription) handOver(ctx context.Context) (time.Duration, error) {
	var again time.Duration
	var ready []*lane
	s.mu.Lock()
	blocking := s.stopped && s.readers.Load() > 0
	for _, l := range s.lanes {
		e := l.epoch
		if e == nil || e.over || s.spec.Partitions == 0 {
			continue
		}
		if s.stopped && !e.ending {
			e.ending = true
			l.until = time.Now().Add(365 * 24 * time.Hour) // what is held stays ours until Close
			s.shelve(e)
		}
		switch {
		case !e.ending:
		case l.busy > 0:
			blocking = true
		case e.unsettled():
		case e.count == 0 || time.Now().After(l.until):
			ready = append(ready, l)
		default:
			again = sooner(again, time.Until(l.until)+time.Millisecond)
		}
	}
	s.mu.Unlock()
	if blocking {
		s.unblock(ctx)
		again = sooner(again, unblockEvery)
	}
	for _, l := range ready {
		if err := s.giveUp(ctx, l); err != nil {
			return 0, err
		}
	}
	return again, nil
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
