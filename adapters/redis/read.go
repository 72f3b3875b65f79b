package redis

import (
	"context"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// plan is one read: from which lanes, at which epochs, and how many messages at most.
type plan struct {
	lanes   []*lane
	epochs  []*epoch
	take    *lane // set: what nobody holds, from this lane
	count   int
	streams int // that share the count
	block   time.Duration
}

// lasting is for how long a lane's session is certain to last; a read that was asked for before must have ended by then, or it would take
// entries of a key that another member handles already. An eighth of a session is left for the way.
func (s *subscription) lasting(l *lane, now time.Time) time.Duration {
	if s.spec.Broadcast {
		return readBlock
	}
	return l.epoch.sure.Add(s.d.cfg.Session - s.d.cfg.Session/8).Sub(now)
}

// gatherTime is how long a reader that finds more than fits waits for more room, and a settler beside it for more acks.
const gatherTime = time.Millisecond

// replyBytes is how large an answer is meant to be at most, going by the messages of late; a larger message comes alone. It is less than what a
// feed keeps, since a buffer doubles and an answer is more than its messages.
const replyBytes = feedKept / 4

// next waits for room and returns the next read; ok is false when there shall be none any more. readers is how many share the window.
func (s *subscription) next(ctx context.Context, lanes []*lane, readers int) (p plan, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := patience{in: &s.hand}
	defer more.end()
	for ctx.Err() == nil && !s.stopped {
		n := s.room()
		if readers > 1 {
			n = min(n, max(1, n/readers)) // of what is left, so that one that waits in vain leaves room for the others
		}
		fits := max(1, replyBytes/max(1, s.average))
		if n > 0 && s.full && n < min(s.window/4, fits) && more.wait() {
			continue // there is more than fits: a moment later there is room for a read that is worth its round trip
		}
		if n > 0 && s.choose(&p, lanes) {
			p.count = min(n, fits)
			if p.streams == 1 {
				p.count = min(p.count, (s.window+1)/2) // the next one is read while this one is handled
			}
			s.reserved += p.count
			for _, l := range p.lanes {
				l.busy++
			}
			return p, true
		}
		s.cond.Wait()
	}
	return plan{}, false
}

// patience lets a goroutine wait for gatherTime in all, while more may gather. The hand's lock is held throughout.
type patience struct {
	in    *hand
	timer *time.Timer
	over  bool
}

// wait waits for a change, or returns false when the time is over.
func (p *patience) wait() bool {
	if p.over {
		return false
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(gatherTime, func() {
			p.in.mu.Lock()
			defer p.in.mu.Unlock()
			p.over = true
			p.in.cond.Broadcast()
		})
	}
	p.in.cond.Wait()
	return true
}

// end must be called when nobody waits any more.
func (p *patience) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// choose picks the lanes of a read, and reports whether there are any: one of which something is to be taken up goes first, alone. The lock
// is held.
func (s *subscription) choose(p *plan, lanes []*lane) bool {
	p.lanes, p.epochs, p.block = p.lanes[:0], p.epochs[:0], readBlock
	now := time.Now()
	for _, l := range lanes {
		if !l.isActive() {
			continue
		}
		if l.take && !s.spec.Broadcast {
			p.take = l
			p.lanes, p.epochs = append(p.lanes[:0], l), append(p.epochs[:0], l.epoch)
			break
		}
		lasts := s.lasting(l, now)
		if lasts < time.Millisecond {
			continue // this process may have stood still: the next beat tells
		}
		p.block = min(p.block, lasts)
		p.lanes, p.epochs = append(p.lanes, l), append(p.epochs, l.epoch)
	}
	p.streams = len(p.lanes)
	if s.inboxes || s.window < 2*p.streams {
		p.streams *= 2
	}
	return len(p.lanes) > 0
}

// done gives back what a plan has reserved. The lock is held.
func (s *subscription) done(p plan) {
	s.reserved = max(0, s.reserved-p.count)
	for _, l := range p.lanes {
		l.busy--
	}
	s.cond.Broadcast()
}

// read receives until the end of ctx, or until the subscription is stopped.
func (s *subscription) read(ctx context.Context, lanes []*lane, readers int) error {
	defer func() {
		s.readers.Add(-1)
		s.mu.Lock()
		s.cond.Broadcast()
		s.mu.Unlock()
	}()
	f, hangUp, err := s.dial(ctx, lanes[0])
	if err != nil {
		return err
	}
	defer hangUp()
	var d decoder
	for {
		p, ok := s.next(ctx, lanes, readers)
		if !ok {
			return nil
		}
		if p.take != nil {
			err = s.takeUp(ctx, p)
		} else {
			err = s.fetch(ctx, f, &d, p)
		}
		if err != nil {
			s.mu.Lock()
			s.done(p)
			s.mu.Unlock()
			return err
		}
	}
}

// dial opens the connection of a reader, and notes by which number its reads can be ended.
func (s *subscription) dial(ctx context.Context, l *lane) (f *feed, hangUp func(), err error) {
	f, err = s.reader.feed(ctx, s.d.cfg, l.stream())
	if err != nil {
		return nil, nil, err
	}
	reply, err := f.ask("client", "id")
	if err != nil && !isReply(err) {
		f.close()
		return nil, nil, err
	}
	var n int
	if err == nil && reply[0] == ':' { // else it is not allowed: reads end by themselves
		n, _, _ = length(reply, 0) // has been read whole
		s.blocked.Store(n, l)
	}
	return f, func() {
		s.blocked.Delete(n)
		f.close()
	}, nil
}

// fetch reads what is new.
func (s *subscription) fetch(ctx context.Context, f *feed, d *decoder, p plan) error {
	raw, err := f.hear(readBlock, s.command(p)...)
	var holds, nudged []*hold
	switch {
	case err == nil:
		if holds, nudged, err = s.decode(d, p, raw); err != nil {
			return err
		}
	case says(err, "UNBLOCKED"):
	case says(err, "NOGROUP"):
		return because(errGroupGone, err)
	default:
		s.reader.learn(ctx, err)
		return err
	}
	if len(holds) == 0 && s.unborn {
		t, err := s.d.commands.topic(ctx, s.spec.Topic)
		if err == nil && t.partitions > 0 {
			err = errBorn
		}
		if err != nil {
			return err
		}
	}
	if len(holds) == 0 {
		f.relax()
	}
	s.accept(p, holds, nudged)
	d.clear()
	return nil
}

// command is the read of a plan. Its COUNT holds for each stream, so the window is shared between them, inboxes counting while they bring
// something. What comes beyond the window, at most as much again and only when inboxes begin to bring something, waits until there is room.
func (s *subscription) command(p plan) []string {
	streams := len(p.lanes) * 2
	args := make([]string, 0, 10+2*streams)
	if s.spec.Broadcast {
		args = append(args, "xread")
	} else {
		args = append(args, "xreadgroup", "group", s.spec.Group, s.spec.Member)
	}
	args = append(args, "count", strconv.Itoa(max(1, p.count/p.streams)), "block", strconv.FormatInt(p.block.Milliseconds(), 10), "streams")
	for _, l := range p.lanes {
		args = append(args, l.stream())
		if !s.spec.Broadcast {
			args = append(args, l.inboxKey)
		}
	}
	for _, l := range p.lanes {
		if s.spec.Broadcast {
			args = append(args, l.cursor)
		} else {
			args = append(args, ">", ">")
		}
	}
	return args
}

// accept takes what a read brought in hand.
func (s *subscription) accept(p plan, holds, nudged []*hold) {
	s.mu.Lock()
	for _, x := range nudged {
		if x.epoch.lane.epoch == x.epoch && !x.epoch.over {
			x.epoch.gone = append(x.epoch.gone, x.entry)
			x.epoch.lane.take = true
		}
	}
	s.full = len(holds) > 0 && len(holds) >= p.count/max(1, p.streams)
	s.inboxes = false
	for _, x := range holds {
		e := x.epoch
		s.inboxes = s.inboxes || x.inbox
		if s.spec.Broadcast {
			e.lane.cursor = x.entry
		}
		switch {
		case e.over || e.lane.epoch != e:
		case s.stopped || e.ending:
			if s.spec.Partitions == 0 && !s.spec.Broadcast {
				kind := 0
				if x.inbox {
					kind = 1
				}
				e.releases[kind] = append(e.releases[kind], x.entry)
			}
		default:
			s.admit(x)
		}
	}
	s.done(p)
	s.mu.Unlock()
	if len(holds) > 0 {
		s.pass()
	}
}

// takeUp takes what nobody holds.
func (s *subscription) takeUp(ctx context.Context, p plan) error {
	l, e := p.take, p.epochs[0]
	reply, err := s.d.commands.eval(ctx, takeScript, l.keys(), s.spec.Group, s.spec.Member, e.fence, p.count)
	if err != nil {
		return err
	}
	answer, _ := reply.([]any) // the script returns a list
	switch number(answer[0]) {
	case 0:
		return errFenced
	case -1:
		return errGroupGone
	}
	var holds, nudged []*hold
	now := time.Now().UnixNano()
	for kind := range 2 {
		entries, _ := answer[1+kind].([]any)
		for _, r := range entries {
			entry, _ := r.([]any)
			fields, _ := entry[2].([]any)
			x := &hold{epoch: e, entry: text(entry[0]), inbox: kind == 1, since: now}
			x.msg.Deliveries = int(number(entry[1]))
			if x.inbox && len(fields) == 2 && fields[0] == nudge {
				nudged = append(nudged, x)
				continue
			}
			s.fill(x, texts(fields), nil)
			holds = append(holds, x)
		}
	}
	s.mu.Lock()
	l.take = number(answer[3]) == 1
	s.mu.Unlock()
	s.accept(p, holds, nil)
	s.mu.Lock()
	for _, x := range nudged { // somebody got it and left: what it told of is being taken now
		if !e.over {
			e.gone = append(e.gone, x.entry)
		}
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	s.gap(l, number(answer[4]))
	return nil
}

// tune finds where a broadcast begins.
func (s *subscription) tune(ctx context.Context) error {
	for i, l := range s.lanes {
		last, err := s.d.last(ctx, l.place)
		if err != nil {
			return err
		}
		if s.late {
			last = id{} // all of it came after the broadcast was opened
		}
		s.mu.Lock()
		if l.cursor == "" {
			l.cursor = last.String()
		}
		l.begin(int64(i), s.spec.Member)
		s.cond.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

// last returns the id of the last entry that a stream ever had.
func (d *Driver) last(ctx context.Context, p place) (id, error) {
	var info *goredis.XInfoStream
	err := d.commands.do(ctx, p.stream(), func(node *goredis.Client) (err error) {
		info, err = node.XInfoStream(ctx, p.stream()).Result()
		return err
	})
	if says(err, "ERR no such key") {
		return id{}, nil
	}
	if err != nil {
		return id{}, err
	}
	at, _ := parseID(info.LastGeneratedID) // the server's own
	return at, nil
}

var _ driver.Subscription = (*subscription)(nil)
