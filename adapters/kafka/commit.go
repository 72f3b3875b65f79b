package kafka

import (
	"context"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// commitPause is the least pause between two commits of a subscription.
const commitPause = 100 * time.Millisecond

// committer stores positions as they move, one commit at a time, so that a later one is never overtaken.
func (s *subscription) committer(ctx context.Context) {
	pause := backoff.New(commitPause, retryMost)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.commitWake:
		}
		soon := s.commitSoon
		if done, _ := s.commit(ctx); !done {
			signal(s.commitWake)
			soon = nil // there is no hurry against a group that does not answer
		} else {
			pause.Reset()
			s.calm()
		}
		timer.Reset(pause.Next())
		select {
		case <-timer.C:
		case <-soon:
			if s.full() {
				timer.Reset(commitGather)
				<-timer.C
			}
		case <-ctx.Done():
			return
		}
	}
}

// commitGather is how long a commit waits for more of what is being handled, where nothing else is handed out before it. The broker takes five times as long to
// answer one (its group.coordinator.append.linger.ms), and what is finished just after a commit has begun waits for the next.
const commitGather = time.Millisecond

// calm takes back a wish for a commit where the latest one has stored all there was. Else the next one would follow the first event that is finished
// after it, and the rest of a small window would wait for the one after that.
func (s *subscription) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unstored > 0 {
		return
	}
	select {
	case <-s.commitSoon:
	default:
	}
}

// full reports whether nothing more is handed out before a commit, while something is in hand still.
func (s *subscription) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held > 0 && s.held+s.unstored >= s.spec.Window
}

// ack counts an ack that is to be stored. The lock is held.
func (f *feed) ack() {
	if f.unit.s.spec.Broadcast || f.over {
		return
	}
	f.unstored++
	f.unit.s.unstored++
}

// crowd notes and reports whether so much has passed behind an unfinished record that soon a commit could not say what of it is finished. Then
// the feed rests until that record is finished; the others go on. The lock is held.
func (f *feed) crowd() bool {
	f.ledger.trim()
	first, ok := f.ledger.first()
	f.crowded = ok && f.ledger.next-first > int64(max(f.unit.s.aheadLimit*bitsKept, f.unit.s.spec.Window))
	return f.crowded
}

// bitsKept is half of the bits of a byte of what travels beside a position: the rest is for what is in hand.
const bitsKept = 4

// promise is what a commit will have stored.
type promise struct {
	feed *feed
	at   committed
	acks int
}

// commit stores all positions that have moved, and reports whether nothing is left to store.
func (s *subscription) commit(ctx context.Context) (done bool, err error) {
	select {
	case s.commitTurn <- struct{}{}:
		defer func() { <-s.commitTurn }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	id, generation := s.member.place()
	promises := s.promises()
	if len(promises) == 0 {
		return true, nil
	}
	at := make(map[target]committed, len(promises))
	for _, p := range promises {
		if p.at != p.feed.stored {
			at[target{p.feed.topic, p.feed.partition}] = p.at
		}
	}
	var failed map[target]error
	if len(at) > 0 {
		failed, err = s.d.cluster.commit(ctx, s.group, id, generation, at)
	}
	acks := s.kept(promises, failed, err)
	if acks > 0 && s.spec.Settled != nil {
		s.spec.Settled(acks)
	}
	absent := false
	for _, e := range failed {
		if is(e, kafkago.UnknownTopicOrPartition) {
			absent = true
			continue
		}
		err = e
	}
	if err == nil && absent {
		err = errVanished
	}
	return err == nil, err
}

// promises takes the feeds whose position may have moved.
func (s *subscription) promises() []promise {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]promise, 0, len(s.dirty))
	for _, f := range s.dirty {
		f.dirty = false
		if f.unit.gone || f.over {
			continue
		}
		at, acks := f.ledger.position(s.aheadLimit)
		f.ledger.acks -= acks
		all = append(all, promise{f, at, acks})
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	return all
}

// kept notes what is stored now, takes back what is not, and counts the acks.
func (s *subscription) kept(promises []promise, failed map[target]error, err error) (acks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range promises {
		e := err
		if e == nil {
			e = failed[target{p.feed.topic, p.feed.partition}]
		}
		if e == nil {
			p.feed.stored = p.at
			acks += p.acks
			if !p.feed.unit.gone && !p.feed.over {
				p.feed.unstored -= p.acks
				s.unstored -= p.acks
			}
			continue
		}
		if is(e, kafkago.OffsetMetadataTooLarge) {
			s.aheadLimit /= 2
		}
		p.feed.ledger.acks += p.acks
		p.feed.touch()
	}
	if acks > 0 {
		s.rouse()
	}
	return acks
}

// flush commits until everything is stored, the group has gone on without this member, what is left has no topic any more, or ctx ends.
func (s *subscription) flush(ctx context.Context) error {
	pause := backoff.New(retryFirst/2, retryFirst*10)
	for {
		done, err := s.commit(ctx)
		if done || is(err, kafkago.UnknownMemberId) {
			return err
		}
		if s.vanished(ctx, err) {
			return nil
		}
		if ctx.Err() != nil || pause.Wait(ctx) != nil {
			return ended(ctx, err)
		}
	}
}
