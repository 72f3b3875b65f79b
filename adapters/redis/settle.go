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
	for {
		w, ok := s.work(ctx)
		if !ok {
			return nil
		}
		err := s.settle(ctx, w)
		s.mu.Lock()
		w.epoch.settling = false
		s.unacked -= len(w.acks)
		s.cond.Broadcast()
		s.mu.Unlock()
		s.attend()
		if err != nil {
			return err
		}
	}
}

// work waits for something to settle.
func (s *subscription) work(ctx context.Context) (w settlement, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil {
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
			e.settling = true
			return w, true
		}
		s.cond.Wait()
	}
	return settlement{}, false
}

// cutOff takes what one settlement may name.
func cutOff(all []string) (now, later []string) {
	if len(all) <= settleMost {
		return all, nil
	}
	return all[:settleMost], all[settleMost:]
}

// settle runs the script.
func (s *subscription) settle(ctx context.Context, w settlement) error {
	l := w.epoch.lane
	script, keys := ackScript, []string{l.registry, l.stream()}
	args := make([]any, 0, 4+settleMost)
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
	if err != nil {
		return err
	}
	if reply == int64(0) {
		return errFenced
	}
	if len(w.acks) > 0 && s.spec.Settled != nil {
		s.spec.Settled(len(w.acks))
	}
	return nil
}

func appendAll(args []any, all []string) []any {
	for i := range all {
		args = append(args, &all[i])
	}
	return args
}
