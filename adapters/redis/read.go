package redis

import (
	"context"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

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
	for sent := (plan{}); ; {
		p, ok := sent, len(sent.lanes) > 0
		if !ok {
			if p, ok = s.next(ctx, lanes, readers); !ok {
				return nil
			}
			if p.take == nil {
				err = f.send(s.command(p)...)
			}
		}
		sent = plan{}
		switch {
		case err != nil:
		case p.take != nil:
			err = s.takeUp(ctx, p)
		default:
			sent, err = s.fetch(ctx, f, &d, p, func() (plan, bool) { return s.ahead(ctx, lanes, readers) })
		}
		if err != nil {
			s.mu.Lock()
			s.done(p)
			s.done(sent)
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

// fetch reads the answer of a read that was sent, and sends the one that follows it, if there is one, before it looks into the answer.
func (s *subscription) fetch(ctx context.Context, f *feed, d *decoder, p plan, next func() (plan, bool)) (sent plan, err error) {
	raw, err := f.answer(readBlock)
	if err == nil {
		if following, ok := next(); ok {
			sent = following
			if err := f.send(s.command(sent)...); err != nil {
				return sent, err
			}
		}
	}
	return sent, s.take(ctx, f, d, p, raw, err)
}

// take takes what a read was answered.
func (s *subscription) take(ctx context.Context, f *feed, d *decoder, p plan, raw []byte, err error) error {
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
	answer, err := standing(reply)
	if err != nil {
		return err
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
