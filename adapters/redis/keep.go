package redis

import (
	"context"
	"time"
)

// Times of the keeper.
const (
	beatMost      = time.Second            // between two beats; a fifth of a short session
	contendEvery  = 250 * time.Millisecond // while another member has to hand over
	trimEvery     = 10 * time.Second
	unblockEvery  = 20 * time.Millisecond // a read may not have begun to block yet
	refreshedMost = 256                   // entries that one beat renews
)

// keepLoop keeps the sessions alive: it beats, moves what is due, shares partitions, trims, and ends reads that would block a handover.
func (s *subscription) keepLoop(ctx context.Context) error {
	every := min(beatMost, s.d.cfg.Session/5)
	var beaten, trimmed time.Time
	due := time.Now()
	for {
		now := time.Now()
		next := beaten.Add(every)
		if !now.Before(due) || !now.Before(next) {
			wait, err := s.beats(ctx)
			if err != nil {
				return err
			}
			beaten = now
			next = now.Add(every)
			due = now.Add(wait)
		}
		if now.Sub(trimmed) >= trimEvery {
			if err := s.trim(ctx); isTrouble(err) {
				return err
			}
			trimmed = now
		}
		if due.Before(next) {
			next = due
		}
		hurry, err := s.handOver(ctx)
		if err != nil {
			return err
		}
		look, err := s.audits(ctx)
		if err != nil {
			return err
		}
		if look > 0 {
			hurry = sooner(hurry, look)
		}
		if hurry > 0 && now.Add(hurry).Before(next) {
			next = now.Add(hurry)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-s.keep:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// beats renews every session, and returns how long until something is due.
func (s *subscription) beats(ctx context.Context) (time.Duration, error) {
	wait := time.Hour
	if s.spec.Partitions > 0 {
		if err := s.round(ctx); err != nil {
			return 0, err
		}
		if s.wants() {
			wait = contendEvery
		}
	} else if s.control != nil {
		if _, _, err := s.pulse(ctx, s.control); err != nil {
			return 0, err
		}
	}
	for _, l := range s.lanes {
		s.mu.Lock()
		held := l.epoch != nil && !l.epoch.over
		s.mu.Unlock()
		if !held {
			continue
		}
		w, err := s.beat(ctx, l)
		if err != nil {
			return 0, err
		}
		if w >= 0 {
			wait = min(wait, w)
		}
	}
	return wait, nil
}

// standing reads the list that a script returns to a member, which begins with how it stands there.
func standing(reply any) ([]any, error) {
	answer, _ := reply.([]any) // the scripts return lists
	switch number(answer[0]) {
	case 0:
		return nil, errFenced
	case -1:
		return nil, errGroupGone
	default:
		return answer, nil
	}
}

// pulse runs one beat and returns the answer behind its state.
func (s *subscription) pulse(ctx context.Context, l *lane) ([]any, []string, error) {
	s.mu.Lock()
	if l.epoch == nil {
		s.mu.Unlock()
		return nil, nil, errFenced
	}
	fence := l.epoch.fence
	args := append(make([]any, 0, 16), s.spec.Group, s.spec.Member, fence, s.d.cfg.Session.Milliseconds(), l.told, l.toldVague, l.top)
	old := time.Now().Add(-s.d.cfg.Session / 3).UnixNano()
	for x, n := l.epoch.first, 0; x != nil && n < refreshedMost; x, n = x.next, n+1 {
		if x.since < old && !x.inbox {
			x.since = time.Now().UnixNano()
			args = append(args, x.entry)
		}
	}
	s.mu.Unlock()
	keys := []string{l.registry}
	if l != s.control {
		keys = append(l.keys(), l.later(), l.inboxWait)
	}
	asked := time.Now()
	reply, err := s.d.commands.eval(ctx, beatScript, keys, args...)
	if err != nil {
		return nil, nil, err
	}
	answer, err := standing(reply)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	if l.epoch != nil && l.epoch.fence == fence {
		l.epoch.sure = asked
		s.cond.Broadcast() // a reader may have waited for that
	}
	s.mu.Unlock()
	members, _ := answer[4].([]any)
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = text(m)
	}
	return answer, names, nil
}

// beat renews the session on one lane, and returns how long until something is due there, -1 for never.
func (s *subscription) beat(ctx context.Context, l *lane) (time.Duration, error) {
	answer, _, err := s.pulse(ctx, l)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	found := number(answer[2]) == 1 && !l.take
	if found {
		l.take = true
		s.cond.Broadcast()
	}
	l.stand, l.open = text(answer[5]), number(answer[6])
	s.mu.Unlock()
	if found {
		s.unblock(ctx)
	}
	s.gap(l, number(answer[3]))
	s.vague(l, number(answer[7]))
	wait := number(answer[1])
	if wait < 0 {
		return -1, nil
	}
	return time.Duration(wait) * time.Millisecond, nil
}

// unblock ends reads that wait, where the server allows it; elsewhere they end after readBlock.
func (s *subscription) unblock(ctx context.Context) {
	s.blocked.Range(func(key, value any) bool {
		l, _ := value.(*lane)
		node, err := s.d.commands.at(ctx, l.stream())
		if err == nil {
			_ = node.Do(ctx, "client", "unblock", key).Err() // it may not be blocked, or this may not be allowed
		}
		return ctx.Err() == nil
	})
}
