package kafka

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// subscription is a member of a group, or a broadcast reader, which has all partitions for itself.
type subscription struct {
	d     *Driver
	spec  driver.Spec
	group string // the consumer group's id
	start func(func(context.Context))
	stop  func() // ends the goroutines and waits for them

	member     *member
	keeper     *keeper
	mover      *mover
	commitTurn chan struct{} // of capacity 1: held by whoever commits
	commitWake chan struct{} // of capacity 1, a flag
	commitSoon chan struct{} // of capacity 1, a flag: half of the window waits for a commit
	signal     chan struct{} // of capacity 1: wakes a waiting Receive

	mu              sync.Mutex // guards what follows
	units           map[int]*unit
	partitions      int
	fetchers        map[fetcherKey]*fetcher
	ready           []*feed // fetched and unread, oldest first
	sleeping        []*feed // whose head is not due
	dirty           []*feed
	buffered        int
	held, heldBytes int
	unstored        int // acks that no commit has stored: they may come again, and are part of the window
	aheadLimit      int
	epochs          int
	stopped, closed bool
	failed          error
	asleep          bool
	reader          reader
	record          record
	blanks          []driver.Message
	texts           []byte
	ends            []int
	closing         chan struct{} // closed when Close has ended
}

func (d *Driver) newSubscription(spec driver.Spec) *subscription {
	spec.Types = slices.Clone(spec.Types)
	s := &subscription{
		d: d, spec: spec, group: groupID(spec.Topic, spec.Group), commitTurn: make(chan struct{}, 1), commitWake: make(chan struct{}, 1),
		commitSoon: make(chan struct{}, 1),
		signal:     make(chan struct{}, 1), units: map[int]*unit{}, fetchers: map[fetcherKey]*fetcher{}, aheadLimit: aheadBytes,
		closing: make(chan struct{}),
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	s.start = func(f func(context.Context)) { wg.Go(func() { f(ctx) }) }
	s.stop = func() {
		cancel(driver.ErrClosed)
		wg.Wait()
	}
	return s
}

// tell passes a notice on. Spec.Notify does not block.
func (s *subscription) tell(n driver.Notice) {
	if s.spec.Notify == nil {
		return
	}
	n.Topic, n.Group = s.spec.Topic, s.spec.Group
	s.spec.Notify(n)
}

// lost reports records that are gone.
func (s *subscription) lost(count int64, detail string) {
	if count != 0 {
		s.tell(driver.Notice{Kind: driver.Gap, Count: count, Detail: detail})
	}
}

// rouse wakes a waiting Receive. The lock is held.
func (s *subscription) rouse() {
	if s.asleep {
		s.asleep = false
		signal(s.signal)
	}
}

// offer notes that a feed has something to read. The lock is held.
func (s *subscription) offer(f *feed) {
	if f.queued || f.halted || f.unit.ending || f.unit.gone {
		return
	}
	f.queued = true
	s.ready = append(s.ready, f)
	s.rouse()
}

// blank returns a message of a chunk.
func (s *subscription) blank() *driver.Message {
	if len(s.blanks) == 0 {
		s.blanks = make([]driver.Message, 64)
	}
	m := &s.blanks[0]
	s.blanks = s.blanks[1:]
	return m
}

// Receive implements driver.Subscription.
func (s *subscription) Receive(ctx context.Context, limit, maxBytes int) ([]*driver.Message, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out, wake, err := s.collect(limit, maxBytes)
		if len(out) > 0 || err != nil {
			return out, err
		}
		s.sleep(ctx, wake)
	}
}

// sleep waits for a signal, for the end of ctx, or until wake, where that is not zero.
func (s *subscription) sleep(ctx context.Context, wake time.Time) {
	var due <-chan time.Time
	if !wake.IsZero() {
		timer := time.NewTimer(time.Until(wake))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-s.signal:
	case <-due:
	case <-ctx.Done():
	}
}

// collect takes what there is, or says when to look again.
func (s *subscription) collect(limit, maxBytes int) (out []*driver.Message, wake time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, wake, s.failed
	}
	if s.stopped {
		return nil, wake, io.EOF
	}
	now := time.Now()
	wake = s.awaken(now)
	b := basket{limit: limit, bytes: maxBytes, now: now, wall: s.d.cluster.wall()}
	s.fill(&b)
	if len(b.out) == 0 {
		s.asleep = true
		if !b.wake.IsZero() && (wake.IsZero() || b.wake.Before(wake)) {
			wake = b.wake
		}
		return nil, wake, nil
	}
	s.mark(b.out)
	return b.out, wake, nil
}

// awaken moves feeds whose head is due to those that can be read, and returns when the next one is.
func (s *subscription) awaken(now time.Time) (wake time.Time) {
	kept := s.sleeping[:0]
	for _, f := range s.sleeping {
		switch {
		case f.unit.ending || f.unit.gone:
			f.queued = false
		case !f.due.After(now):
			s.ready = append(s.ready, f)
		default:
			kept = append(kept, f)
			if wake.IsZero() || f.due.Before(wake) {
				wake = f.due
			}
		}
	}
	clear(s.sleeping[len(kept):])
	s.sleeping = kept
	return wake
}

// basket is what one Receive collects.
type basket struct {
	out          []*driver.Message
	limit, bytes int
	now, wake    time.Time
	wall         time.Time // now by the clock that others' stamps are compared with
}

// fill takes from the feeds that have something, beginning with the one that waits longest.
func (s *subscription) fill(b *basket) {
	for turns := len(s.ready); turns > 0 && len(s.ready) > 0; turns-- {
		f := s.ready[0]
		s.ready[0] = nil
		s.ready = s.ready[1:]
		again := f.draw(b)
		if s.hungry(f) && f.fetcher != nil {
			signal(f.fetcher.wake)
		}
		switch {
		case again == drawFull:
			s.ready = slices.Insert(s.ready, 0, f)
			return
		case again == drawMore:
			s.ready = append(s.ready, f)
		case again == drawLater:
			s.sleeping = append(s.sleeping, f)
			if b.wake.IsZero() || f.due.Before(b.wake) {
				b.wake = f.due
			}
		default:
			f.queued = false
		}
	}
}

// What is to be done with a feed after it was drawn from.
type drawn uint8

const (
	drawEmpty drawn = iota // it has nothing
	drawMore               // others come first
	drawFull               // nobody gets more now
	drawLater              // its head is not due
)

// drawRun is how many messages of one feed are taken before another has its turn.
const drawRun = 128

// draw takes messages of one feed.
func (f *feed) draw(b *basket) drawn {
	s := f.unit.s
	for range drawRun {
		if f.halted || f.unit.ending || f.unit.gone || f.crowd() {
			return drawEmpty
		}
		m := f.peek()
		if m == nil {
			return drawEmpty
		}
		if d, put := f.putOff(m, b.now, b.wall); put {
			if d == drawMore {
				continue
			}
			return d
		}
		size := m.Size()
		if len(b.out) >= b.limit || s.held+s.unstored >= s.spec.Window || len(b.out) > 0 && len(m.Body) > b.bytes ||
			s.held > 0 && s.heldBytes+size > s.spec.WindowBytes {
			return drawFull
		}
		b.bytes -= len(m.Body)
		if b.out == nil {
			b.out = make([]*driver.Message, 0, min(b.limit, drawRun))
		}
		b.out = append(b.out, m)
		s.texts = position(s.texts, f.partition, int64(m.Seq), f.headTime) //nolint:gosec // an offset
		s.ends = append(s.ends, len(s.texts))
		f.handOut(held)
		s.held++
		s.heldBytes += size
		f.inHand++
		f.inHandBytes += size
	}
	return drawMore
}

// handOut takes the head out of the feed.
func (f *feed) handOut(st state) {
	offset := int64(f.head.Seq) //nolint:gosec // an offset
	f.ledger.add(offset, st)
	f.pass(offset)
	f.head = nil
	f.unit.held++
}

// mark writes the positions of what is handed out into one piece of memory.
func (s *subscription) mark(out []*driver.Message) {
	text, from := string(s.texts), 0
	for i, m := range out {
		if !m.Inbox && !m.Ref.(*feed).inbox() { //nolint:forcetypeassert // peek set it
			m.Position = text[from:s.ends[i]]
		}
		from = s.ends[i]
	}
	s.texts, s.ends = s.texts[:0], s.ends[:0]
}

// Settle implements driver.Subscription.
func (s *subscription) Settle(outcomes []driver.Outcome) {
	acks := 0
	s.mu.Lock()
	for i := range outcomes {
		m := outcomes[i].Message
		f, ok := m.Ref.(*feed)
		if !ok || f.unit.s != s || f.unit.gone || s.closed {
			continue
		}
		st := finished
		if outcomes[i].Verdict == driver.Release {
			st = released
		}
		if !f.ledger.settle(int64(m.Seq), st) { //nolint:gosec // an offset
			continue
		}
		size := m.Size()
		s.held--
		s.heldBytes -= size
		f.inHand--
		f.inHandBytes -= size
		f.settled(st)
		if st == finished {
			acks++
			f.ack()
		}
	}
	if s.unstored > s.spec.Window/2 {
		signal(s.commitSoon)
	}
	s.rouse()
	s.mu.Unlock()
	if s.spec.Broadcast && acks > 0 && s.spec.Settled != nil {
		s.spec.Settled(acks)
	}
}

// settled deals with a record that has its outcome. The lock is held.
func (f *feed) settled(st state) {
	u := f.unit
	u.held--
	switch {
	case st == released:
		f.halted = true
	case u.s.spec.Broadcast:
		f.ledger.trim()
	default:
		f.touch()
	}
	if f.crowded && !f.crowd() {
		u.s.offer(f)
	}
	if u.ending && u.held == 0 && u.s.keeper != nil {
		signal(u.s.keeper.wake)
	}
}

// Stop implements driver.Subscription.
func (s *subscription) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.rouse()
}
