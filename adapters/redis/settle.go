package redis

import (
	"context"
)

// settleMost is how many entries one settlement names: a script takes some thousand arguments.
const settleMost = 1000

// settlement is one script's work: entries of one epoch.
type settlement struct {
	epoch    *epoch
	acks     []string
	inbox    bool // the acks are of the inbox
	gone     []string
	releases [2][]string
}

// settleLoop tells the broker what became of messages. What gathers while one answer is under way goes together.
func (s *subscription) settleLoop(ctx context.Context) error {
	var args []any
	for {
		w, ok := s.work(ctx)
		if !ok {
			return nil
		}
		var err error
		args, err = s.settle(ctx, w, args[:0])
		s.answered(w)
		if s.spec.Partitions > 0 {
			s.attend()
		}
		if err != nil {
			return err
		}
	}
}

// answered ends a settlement.
func (s *subscription) answered(w settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.epoch.settling, w.epoch.under = false, settlement{}
	s.unacked -= len(w.acks)
	w.recycle()
	s.cond.Broadcast()
}

// work waits for something to settle.
func (s *subscription) work(ctx context.Context) (w settlement, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := patience{in: &s.hand}
	defer more.end()
	for ctx.Err() == nil {
		if s.wanted = s.window / settleShare; s.isTooLittle() && more.wait() {
			continue
		}
		for _, l := range s.lanes {
			e := l.epoch
			if e == nil || e.over || !e.unsettled() {
				continue
			}
			w.epoch = e
			switch {
			case len(e.acks[0]) > 0:
				w.acks, e.acks[0] = cutOff(e.acks[0])
			case len(e.acks[1]) > 0:
				w.acks, e.acks[1] = cutOff(e.acks[1])
				w.inbox = true
			case len(e.gone) > 0:
				w.gone, e.gone = cutOff(e.gone)
			default:
				w.releases[0], e.releases[0] = cutOff(e.releases[0])
				w.releases[1], e.releases[1] = cutOff(e.releases[1])
			}
			e.settling, e.under, s.wanted = true, w, 0
			return w, true
		}
		s.wanted = 1
		s.cond.Wait()
	}
	return settlement{}, false
}

// settleShare is the part of the window that is worth a settlement while more is in hand.
const settleShare = 8

// isTooLittle reports whether a moment later more acks can go together: there is more than fits the window, and handlers are at it. The lock
// is held.
func (s *subscription) isTooLittle() bool {
	return s.full && !s.stopped && s.spec.Partitions == 0 && s.held > 0 && s.unacked > 0 && s.unacked < s.window/settleShare
}

// recycle lets the next acks use the memory of these. The lock is held.
func (w *settlement) recycle() {
	kind := 0
	if w.inbox {
		kind = 1
	}
	if w.acks == nil || w.epoch.acks[kind] != nil || w.epoch.over {
		return
	}
	clear(w.acks)
	w.epoch.acks[kind] = w.acks[:0]
}

// cutOff takes what one settlement may name.
func cutOff(all []string) (now, later []string) {
	if len(all) <= settleMost {
		return all, nil
	}
	return all[:settleMost], all[settleMost:]
}

// settle runs the script. Its arguments are made in the memory of args, and returned for the next one.
func (s *subscription) settle(ctx context.Context, w settlement, args []any) ([]any, error) {
	l := w.epoch.lane
	script, keys := ackScript, []string{l.registry, l.stream()}
	args = append(args, s.spec.Group, s.spec.Member, w.epoch.fence)
	switch {
	case len(w.acks) > 0 && !w.inbox:
		args = appendAll(append(args, "0"), w.acks)
	case len(w.acks) > 0:
		keys[1] = l.inboxKey
		args = appendAll(append(args, "1"), w.acks)
	case len(w.gone) > 0:
		keys[1] = l.inboxKey
		args = appendAll(append(args, "1"), w.gone)
	default:
		script, keys = releaseScript, l.keys()
		args = appendAll(appendAll(append(args, len(w.releases[0])), w.releases[0]), w.releases[1])
	}
	reply, err := s.d.commands.eval(ctx, script, keys, args...)
	clear(args)
	if err != nil {
		return args, err
	}
	if reply == int64(0) {
		return args, errFenced
	}
	if len(w.acks) > 0 && s.spec.Settled != nil {
		s.spec.Settled(len(w.acks))
	}
	return args, nil
}

func appendAll(args []any, all []string) []any {
	for i := range all {
		args = append(args, &all[i])
	}
	return args
}
