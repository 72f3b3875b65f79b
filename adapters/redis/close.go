package redis

import (
	"context"
)

// Stop implements driver.Subscription. What is ready and was not handed out goes to others.
func (s *subscription) Stop() {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		for _, x := range s.ready {
			kind := 0
			if x.inbox {
				kind = 1
			}
			if x.live && s.spec.Partitions == 0 && !s.spec.Broadcast {
				x.epoch.releases[kind] = append(x.epoch.releases[kind], x.entry)
			}
			if x.live {
				s.drop(x)
			}
		}
		s.ready = nil
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	s.wake()
	s.attend()
}

// Close implements driver.Subscription.
func (s *subscription) Close(ctx context.Context) error {
	s.closing.Do(func() {
		defer close(s.closed)
		s.Stop()
		s.finish(ctx)
		last := s.sessions()
		s.cancel()
		s.running.Wait()
		if !s.spec.Broadcast {
			s.leave(ctx, last)
		}
		s.d.forget(s)
	})
	<-s.closed
	return nil
}

// finish waits until no read is under way and the broker has been told everything. It gives up when ctx ends, or when the session does: then
// there is nothing to tell any more.
func (s *subscription) finish(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.cond.Broadcast()
		s.mu.Unlock()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil && s.hasSession() && (s.readers.Load() > 0 || s.unsettled()) {
		s.cond.Wait()
	}
}

// hasSession reports whether there is anything that Close can wait for.
func (s *subscription) hasSession() bool {
	if s.spec.Broadcast {
		return false // its reads are cut: what they bring is nobody's
	}
	for _, l := range s.lanes {
		if l.epoch != nil && !l.epoch.over {
			return true
		}
	}
	return false
}

func (s *subscription) unsettled() bool {
	for _, l := range s.lanes {
		if l.epoch != nil && l.epoch.unsettled() {
			return true
		}
	}
	return false
}

// farewell is a session that is to be ended at the broker.
type farewell struct {
	lane            *lane
	fence           string
	told, toldVague int64
	top             string
}

// sessions returns what leave needs, while there are sessions.
func (s *subscription) sessions() []farewell {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []farewell
	for _, l := range s.lanes {
		if l.epoch != nil && !l.epoch.over {
			all = append(all, farewell{l, l.epoch.fence, l.told, l.toldVague, l.top})
		}
	}
	if s.control != nil && s.control.epoch != nil {
		all = append(all, farewell{lane: s.control, fence: s.control.epoch.fence})
	}
	return all
}

// leave ends sessions at the broker, which gives what they held to others. What can't be told now, others find out when the session is over.
func (s *subscription) leave(ctx context.Context, all []farewell) {
	for _, f := range all {
		keys := f.lane.keys()
		if f.lane == s.control {
			keys = keys[:1]
		}
		if _, err := s.d.commands.eval(ctx, leaveScript, keys, s.spec.Group, s.spec.Member, f.fence, f.told, f.toldVague, f.top); isTrouble(err) {
			return
		}
	}
}
