package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// subscription is a member of a group, or a broadcast reader, over streams. Its goroutines are a reader (in a cluster one for each
// partition), a settler and a keeper; they run for one session, and a new session begins when there was trouble. The hand's lock guards
// what is not the session's own.
type subscription struct {
	hand
	d       *Driver
	spec    driver.Spec
	all     []place
	lanes   []*lane
	unborn  bool            // a broadcast's topic has no partitions yet, and may get some
	late    bool            // it got them while the broadcast was open
	control *lane           // the group's members, where that is not the lane itself
	wanted  int             // so many acks wake the settler; 0 while it is at work
	reader  *client         // of the session
	keep    chan struct{}   // one slot: the keeper has something to do
	readers atomic.Int32    // that run
	blocked sync.Map        // connection id -> lane: reads that can be ended
	ctx     context.Context //nolint:containedctx // the subscription's own life: ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	closed  chan struct{}
	alarmed map[string]time.Time // abandoned groups that were told of; the keeper's own
}

// readBlock is how long a read waits for messages: the longest that a Stop takes where CLIENT UNBLOCK is not allowed.
const readBlock = time.Second

func (d *Driver) newSubscription(spec driver.Spec) *subscription {
	s := &subscription{
		d: d, spec: spec, keep: make(chan struct{}, 1), closed: make(chan struct{}), alarmed: make(map[string]time.Time),
	}
	if s.spec.Member == "" {
		s.spec.Member = strings.ToLower(rand.Text())
	}
	s.hand.init(spec)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// join opens a member of a group.
func (d *Driver) join(ctx context.Context, spec driver.Spec) (*subscription, error) {
	s := d.newSubscription(spec)
	return s.open(ctx)
}

// broadcast opens a reader that belongs to no group.
func (d *Driver) broadcast(ctx context.Context, spec driver.Spec) (*subscription, error) {
	return d.newSubscription(spec).open(ctx)
}

// open begins the first session, waiting for a broker that is away.
func (s *subscription) open(ctx context.Context) (*subscription, error) {
	wait := backoff.New(redialFirst, redialMost)
	for {
		if err := s.d.link.await(ctx); err != nil {
			return nil, err
		}
		err := s.begin(ctx, true)
		if err == nil {
			break
		}
		if !isTrouble(err) && !isMoved(err) {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, because(context.Cause(ctx), err)
		}
		s.d.link.trouble(err)
		if wait.Wait(ctx) != nil {
			return nil, because(context.Cause(ctx), err)
		}
	}
	s.running.Go(s.run)
	return s, nil
}

// begin declares what the subscription needs, and joins.
func (s *subscription) begin(ctx context.Context, first bool) error {
	if first || s.unborn {
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	if s.spec.Broadcast {
		return s.tune(ctx)
	}
	if err := s.declare(ctx, first); err != nil {
		return err
	}
	if err := s.trim(ctx); err != nil {
		return err
	}
	if s.control != nil {
		if err := s.enter(ctx, s.control, beside); err != nil {
			return err
		}
	}
	if s.spec.Partitions > 0 {
		if err := s.reclaim(ctx); err != nil {
			return err
		}
		return s.round(ctx) // what is free is taken now
	}
	for _, l := range s.lanes {
		if err := s.enter(ctx, l, beside); err != nil {
			return err
		}
		if _, err := s.beat(ctx, l); err != nil { // what was lost before the first read
			return err
		}
	}
	return nil
}

// prepare finds out what the topic is.
func (s *subscription) prepare(ctx context.Context) error {
	if s.spec.Broadcast {
		t, err := s.d.commands.topic(ctx, s.spec.Topic)
		if err != nil {
			return err
		}
		if s.all != nil && len(s.all) == max(1, t.partitions) && (s.all[0].part < 0) == (t.partitions == 0) {
			s.unborn = !t.born
			return nil
		}
		s.late, s.unborn = s.unborn, !t.born
		s.all = places(s.spec.Topic, t.partitions)
	} else {
		if err := s.d.permitted(ctx, placeOf(s.spec.Topic, -1), s.spec.Group); err != nil {
			return err
		}
		n, err := s.d.commands.bear(ctx, s.spec.Topic, s.spec.Partitions)
		if err != nil {
			return err
		}
		if err := samePartitions(n, s.spec.Partitions); err != nil {
			return err
		}
		s.all = places(s.spec.Topic, n)
	}
	s.lanes = newLanes(s.all, s.spec.Group, s.spec.Partitions > 0)
	if s.all[0].part >= 0 && !s.spec.Broadcast {
		s.control = &lane{place: placeOf(s.spec.Topic, -1), registry: placeOf(s.spec.Topic, -1).members(s.spec.Group)}
	}
	return nil
}

// errJoin are the answers of joinScript.
var errJoin = map[int64]error{
	1: errTaken, 2: because(driver.ErrConflict, errOtherTypes), 3: because(driver.ErrConflict, errOtherOrder),
}

var errTaken = errors.New("another member owns the partition")

// joining is how a session on a lane begins; joinScript knows the values.
type joining byte

// The ways to enter a lane.
const (
	beside joining = '0' + iota // whoever else is there
	alone                       // only where nobody is
	again                       // alone, and only where the last session was of this name
)

// enter begins a session on a lane.
func (s *subscription) enter(ctx context.Context, l *lane, how joining) error {
	keys := l.keys()
	if l == s.control {
		keys = keys[:1]
	}
	s.mu.Lock()
	top := l.top
	s.mu.Unlock()
	asked := time.Now()
	reply, err := s.d.commands.eval(ctx, joinScript, keys, s.spec.Group, s.spec.Member, s.d.cfg.Session.Milliseconds(), string(how),
		strings.Join(s.spec.Types, " "), s.spec.Partitions, top)
	if err != nil {
		return err
	}
	answer, _ := reply.([]any) // the script returns a list
	if why := number(answer[1]); why != 0 {
		return errJoin[why]
	}
	s.mu.Lock()
	l.begin(number(answer[0]), s.spec.Member)
	if era := text(answer[6]); l.era != era { // what it has told was counted elsewhere
		l.era, l.told, l.toldVague = era, 0, 0
	}
	l.told = resume(l.told, number(answer[2]), number(answer[3]))
	l.telling = l.told
	l.toldVague = resume(l.toldVague, number(answer[4]), number(answer[5]))
	l.epoch.sure = asked
	s.cond.Broadcast()
	s.mu.Unlock()
	return nil
}

// run keeps a session going until the subscription is closed.
func (s *subscription) run() {
	wait := backoff.New(redialFirst, redialMost)
	var hurry haste
	for {
		err := s.session()
		s.loseAll()
		if s.ctx.Err() != nil {
			return
		}
		s.d.link.trouble(err)
		s.tell(driver.Notice{Kind: driver.Disconnected, Err: err})
		for atOnce := hurry.may(); ; atOnce = false {
			if s.d.link.await(s.ctx) != nil || !atOnce && wait.Wait(s.ctx) != nil {
				return
			}
			began := time.Now()
			if err = s.begin(s.ctx, false); err == nil {
				break
			}
			s.loseAll()
			if s.ctx.Err() != nil {
				return
			}
			s.d.link.trouble(err)
			if time.Since(began) > redialMost {
				wait.Reset()
			}
		}
		wait.Reset()
		s.tell(driver.Notice{Kind: driver.Connected})
	}
}

// session runs the goroutines until there is trouble, and returns it.
func (s *subscription) session() error {
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	groups := [][]*lane{s.lanes}
	if s.d.cfg.isCluster() {
		groups = slices.Collect(slices.Chunk(s.lanes, 1))
	}
	reader := newClient(s.d.cfg, len(groups)+1, readBlock+s.d.cfg.Timeout) // one of the last session may hold connections that were cut
	defer reader.close()
	s.reader = reader
	stop := context.AfterFunc(ctx, func() {
		reader.wires.cut()
		s.mu.Lock()
		s.cond.Broadcast()
		s.mu.Unlock()
	})
	defer stop()
	var wg sync.WaitGroup
	start := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	s.readers.Store(int32(len(groups))) //nolint:gosec // at most 64
	for _, lanes := range groups {
		start(func(ctx context.Context) error { return s.read(ctx, lanes, len(groups)) })
	}
	if !s.spec.Broadcast {
		start(s.settleLoop)
		start(s.keepLoop)
	}
	wg.Wait()
	if s.ctx.Err() == nil && ctx.Err() == nil { // a broadcast that was stopped
		<-s.ctx.Done()
	}
	return context.Cause(ctx)
}

// loseAll ends all epochs at once.
func (s *subscription) loseAll() {
	s.mu.Lock()
	var sources []*driver.Source
	for _, l := range s.lanes {
		if l.epoch != nil {
			s.revoke(l.epoch)
			s.lose(l.epoch)
			sources = append(sources, l.epoch.source)
			l.epoch = nil
		}
	}
	if s.control != nil {
		s.control.epoch = nil
	}
	s.reserved = 0
	s.mu.Unlock()
	for _, src := range sources {
		src.Lose()
	}
}

// tell passes a notice on.
func (s *subscription) tell(n driver.Notice) {
	n.Topic, n.Group = s.spec.Topic, s.spec.Group
	if s.spec.Notify != nil {
		s.spec.Notify(n)
	}
}

// Settle implements driver.Subscription.
func (s *subscription) Settle(outcomes []driver.Outcome) {
	acks, others := 0, false
	s.mu.Lock()
	for i := range outcomes {
		x, ok := outcomes[i].Message.Ref.(*hold)
		if ok && x.revoked && x.in == &s.hand {
			x.revoked = false
			x.epoch.lane.away--
		}
		if !ok || x.in != &s.hand || !x.live || !x.out {
			continue
		}
		e, kind := x.epoch, 0
		if x.inbox {
			kind = 1
		}
		s.drop(x)
		switch {
		case s.spec.Broadcast:
			acks++
			others = true
		case outcomes[i].Verdict == driver.Ack:
			e.acks[kind] = append(e.acks[kind], x.entry)
			s.unacked++
		case s.spec.Partitions > 0:
			if !e.ending && !s.stopped { // else it is being handed over, and handlers that are at work have their grace
				e.ending = true // all that comes later on this partition goes with it: the lease is given up
				e.lane.until = time.Now()
			}
			others = true
		default:
			e.releases[kind] = append(e.releases[kind], x.entry)
			others = true
		}
	}
	if others || s.held == 0 || s.wanted > 0 && s.unacked >= s.wanted { // else nobody has anything to do yet
		s.cond.Broadcast()
	}
	ready := len(s.ready) > 0
	s.mu.Unlock()
	if ready {
		s.wake() // there may be room to hand it out now
	}
	if s.spec.Partitions > 0 {
		s.attend()
	}
	if acks > 0 && s.spec.Settled != nil {
		s.spec.Settled(acks)
	}
}

// attend makes the keeper look.
func (s *subscription) attend() {
	select {
	case s.keep <- struct{}{}:
	default:
	}
}
