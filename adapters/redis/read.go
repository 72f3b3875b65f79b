package redis

import (
	"context"
	"slices"
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
}

// gatherRoom is how long a reader that finds more than fits waits for more room.
const gatherRoom = time.Millisecond

// next waits for room and returns the next read; ok is false when there shall be none any more. readers is how many share the window.
func (s *subscription) next(ctx context.Context, lanes []*lane, readers int) (p plan, ok bool) {
	waited := false
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil && !s.stopped {
		n := s.room()
		if readers > 1 {
			n = min(n, max(1, n/readers)) // of what is left, so that one that waits in vain leaves room for the others
		}
		if n > 0 && s.full && n < s.window/4 && !waited {
			waited = true // there is more than fits: a moment later there is room for a read that is worth its round trip
			s.mu.Unlock()
			pause(ctx, gatherRoom)
			s.mu.Lock()
			continue
		}
		if n > 0 && s.choose(&p, lanes) {
			p.count = n
			s.reserved += n
			for _, l := range p.lanes {
				l.busy++
			}
			return p, true
		}
		s.cond.Wait()
	}
	return plan{}, false
}

// choose picks the lanes of a read, and reports whether there are any: one of which something is to be taken up goes first, alone. The lock
// is held.
func (s *subscription) choose(p *plan, lanes []*lane) bool {
	p.lanes, p.epochs = p.lanes[:0], p.epochs[:0]
	for _, l := range lanes {
		if !l.isActive() {
			continue
		}
		if l.take && !s.spec.Broadcast {
			p.take = l
			p.lanes, p.epochs = append(p.lanes[:0], l), append(p.epochs[:0], l.epoch)
			break
		}
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
	line, hangUp, err := s.dial(ctx, lanes[0])
	if err != nil {
		return err
	}
	defer hangUp()
	for {
		p, ok := s.next(ctx, lanes, readers)
		if !ok {
			return nil
		}
		if p.take != nil {
			err = s.takeUp(ctx, p)
		} else {
			err = s.fetch(ctx, line, p)
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
func (s *subscription) dial(ctx context.Context, l *lane) (line *goredis.Conn, hangUp func(), err error) {
	node, err := s.reader.at(ctx, l.stream())
	if err != nil {
		return nil, nil, err
	}
	line = node.Conn()
	n, err := line.Do(ctx, "client", "id").Int64()
	if err != nil && !isReply(err) {
		_ = line.Close() // the reason is told
		return nil, nil, err
	}
	if err == nil { // else it is not allowed: reads end by themselves
		s.blocked.Store(n, l)
	}
	return line, func() {
		s.blocked.Delete(n)
		_ = line.Close() // nothing is lost with it
	}, nil
}

// fetch reads what is new.
func (s *subscription) fetch(ctx context.Context, line *goredis.Conn, p plan) error {
	cmd := goredis.NewRawCmd(ctx, s.command(p)...)
	err := line.Process(ctx, cmd)
	if err == nil {
		err = asError(cmd.Val())
	}
	var holds, nudged []*hold
	switch {
	case err == nil:
		if holds, nudged, err = s.decode(p, cmd.Val()); err != nil {
			return err
		}
	case err == goredis.Nil, says(err, "UNBLOCKED"): //nolint:errorlint // never wrapped
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
	s.accept(p, holds, nudged)
	return nil
}

// command is the read of a plan. Its COUNT holds for each stream, so the window is shared between them, inboxes counting while they bring
// something. What comes beyond the window, at most as much again and only when inboxes begin to bring something, waits until there is room.
func (s *subscription) command(p plan) []any {
	count := max(1, p.count/p.streams)
	streams := len(p.lanes) * 2
	args := make([]any, 0, 10+2*streams)
	if s.spec.Broadcast {
		args = append(args, "xread")
	} else {
		args = append(args, "xreadgroup", "group", s.spec.Group, s.spec.Member)
	}
	args = append(args, "count", count, "block", readBlock.Milliseconds(), "streams")
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

// slabHolds is how many messages are allocated at once: one that stays in hand for long keeps so many in memory.
const slabHolds = 16

// decode makes messages of an answer: a list of streams, each with a list of entries. It runs without the lock.
func (s *subscription) decode(p plan, raw []byte) (holds, nudged []*hold, err error) {
	r := parser{raw: raw}
	var e entry
	var spans []span
	var slab []hold
	now := time.Now().UnixNano()
	for range r.head('*') {
		r.head('*')
		key := string(r.bytes(r.text()))
		n := r.head('*')
		at := p.index(key)
		if r.err != nil || at < 0 {
			return nil, nil, errReply
		}
		holds = slices.Grow(holds, n)
		for range n {
			if spans = r.entry(&e, spans); r.err != nil {
				return nil, nil, r.err
			}
			if len(slab) == 0 {
				slab = make([]hold, min(slabHolds, n))
			}
			x := &slab[0]
			slab = slab[1:]
			x.epoch, x.entry, x.since = p.epochs[at], e.id, now
			x.inbox = key != p.lanes[at].stream()
			x.msg.Deliveries = 1
			if x.inbox && e.body == nil && len(e.fields) == 2 && e.fields[0] == nudge {
				nudged = append(nudged, x)
				continue
			}
			s.fill(x, e.fields, e.body)
			holds = append(holds, x)
		}
	}
	return holds, nudged, r.err
}

// index returns the number of the lane that a stream or an inbox belongs to.
func (p plan) index(key string) int {
	for i, l := range p.lanes {
		if key == l.stream() || key == l.inboxKey {
			return i
		}
	}
	return -1
}

// fill reads an entry into a hold; without a body that was found already, it is looked for among the fields.
func (s *subscription) fill(x *hold, fields []string, body []byte) {
	m := &x.msg
	if body != nil {
		readAttributes(m, fields, body)
	} else {
		readFields(m, fields)
	}
	m.Source = x.epoch.source
	m.Inbox = x.inbox
	if s.spec.Broadcast {
		m.Deliveries = 0
	}
	if !x.inbox {
		m.Position = position(x.epoch.lane.part, x.entry)
	}
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
		s.wake()
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
		l.begin(int64(i), 0, s.spec.Member)
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
