package rabbitmq

import (
	"encoding/binary"
	"net"
	"sync"
	"time"
)

const (
	// readAhead is how many bytes are read from the network at a time; amqp091 reads 4 KiB.
	readAhead = 64 << 10
	// feedEvery is how often amqp091 is given a heartbeat while all that arrives is taken out: it gives a connection up from which it hears
	// nothing for 1.5 heartbeats, and the broker sends none while it sends other things.
	feedEvery = 250 * time.Millisecond
)

// splitter reads a connection for amqp091, and takes out of it what comes in large numbers: the deliveries of taps, and the answers to what a
// session publishes. amqp091 makes 50 to 70 allocations of each delivery and hands them over one by one. It sees everything else, and so the
// whole life of connections, channels and consumers. Only amqp091's reader calls Read.
type splitter struct {
	net.Conn
	buf      []byte
	from, to int       // what of buf is not looked at
	pass     int64     // bytes of the frame at the front that amqp091 gets
	contents []content // by channel: messages of which not everything has come
	holds    []*hold   // those that have something that their taps do not know
	took     bool      // something was taken out since amqp091 was fed
	fed      time.Time // when that was
	feed     []byte    // of a heartbeat for it
	gather   gather

	mu        sync.Mutex
	byTag     map[string]*hold
	expecting *confirms // of the next channel that begins to confirm
	answering *confirms // of the channel that confirms
}

func newSplitter(conn net.Conn) *splitter {
	return &splitter{Conn: conn, buf: make([]byte, readAhead), byTag: make(map[string]*hold), fed: time.Now()}
}

// take makes the deliveries of a consumer go to a hold, from before it consumes until drop.
func (s *splitter) take(h *hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byTag[h.tag] = h
}

func (s *splitter) drop(h *hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byTag, h.tag)
}

// confirm makes the answers on the next channel that begins to confirm go to c, in place of an earlier one.
func (s *splitter) confirm(c *confirms) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expecting = c
}

// Read implements net.Conn for amqp091.
func (s *splitter) Read(p []byte) (int, error) {
	for {
		if len(s.feed) > 0 {
			n := copy(p, s.feed)
			s.feed = s.feed[n:]
			return n, nil
		}
		if s.pass > 0 && s.from < s.to {
			s.handOver() // before amqp091 learns what comes after it
			n := copy(p, s.buf[s.from:min(int64(s.to), int64(s.from)+s.pass)])
			s.from += n
			s.pass -= int64(n)
			s.took, s.fed = false, time.Now()
			return n, nil
		}
		need, err := s.next()
		if err != nil {
			return 0, err
		}
		if need == 0 {
			continue
		}
		s.handOver()
		if s.hungry() {
			continue
		}
		if err := s.fill(need); err != nil {
			return 0, err
		}
	}
}

// hungry reports whether amqp091 is to be fed.
func (s *splitter) hungry() bool {
	if !s.took || s.pass > 0 {
		return false
	}
	now := time.Now()
	if now.Sub(s.fed) < feedEvery {
		return false
	}
	s.took, s.fed = false, now
	s.feed = []byte{frameHeartbeat, 0, 0, 0, 0, 0, 0, frameEnd}
	return true
}

// fill reads what has arrived, so that there may be need bytes at the front.
func (s *splitter) fill(need int) error {
	if s.from > 0 {
		s.to = copy(s.buf, s.buf[s.from:s.to])
		s.from = 0
	}
	if need > len(s.buf) {
		s.buf = append(s.buf, make([]byte, 2*need-len(s.buf))...) // and the frames that follow a large one are as large
	}
	s.gather.wait()
	n, err := s.Conn.Read(s.buf[s.to:])
	s.to += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// next takes the frame at the front out, or lets it pass; or it returns how many bytes it must have before it can tell.
func (s *splitter) next() (need int, err error) {
	if s.pass > 0 {
		return 1, nil
	}
	front := s.buf[s.from:s.to]
	if len(front) < frameHead {
		return frameHead, nil
	}
	size := binary.BigEndian.Uint32(front[3:])
	whole := frameHead + int64(size) + 1
	kind, channel := front[0], binary.BigEndian.Uint16(front[1:])
	if size > frameSize || kind != frameMethod && !s.taking(kind, channel) {
		s.pass = whole
		return 0, nil
	}
	if int64(len(front)) < whole {
		return int(whole), nil
	}
	payload := front[frameHead : whole-1]
	taken := false
	if front[whole-1] == frameEnd { // else amqp091 says what is wrong
		taken, err = s.frame(kind, channel, payload)
	}
	if !taken {
		s.pass = whole
		return 0, err
	}
	s.from += int(whole)
	s.took = true
	return 0, err
}

// taking reports whether the frames of a message on a channel are taken out.
func (s *splitter) taking(kind byte, channel uint16) bool {
	return (kind == frameHeader || kind == frameBody) && int(channel) < len(s.contents) && s.contents[channel].taken()
}

// frame takes a frame out, or reports that it is not to be.
func (s *splitter) frame(kind byte, channel uint16, payload []byte) (taken bool, err error) {
	if kind != frameMethod {
		c := &s.contents[channel]
		ended, err := c.read(kind, payload)
		if err == nil && ended {
			s.arrived(c)
		}
		return true, err
	}
	if len(payload) < 4 {
		return false, nil
	}
	args := cursor[[]byte]{b: payload[4:]}
	switch binary.BigEndian.Uint32(payload) {
	case methodDeliver:
		return s.deliver(channel, args)
	case methodReturn:
		return s.comeBack(channel, args)
	case methodAck, methodNack:
		return s.answer(channel, args, binary.BigEndian.Uint32(payload) == methodNack)
	case methodConfirming:
		s.confirming(channel)
	case methodCloseByPeer:
		s.closing(channel)
	}
	return false, nil
}

// content returns the place of a channel's next message.
func (s *splitter) content(channel uint16) *content {
	for int(channel) >= len(s.contents) {
		s.contents = append(s.contents, content{})
	}
	return &s.contents[channel]
}

func (s *splitter) deliver(channel uint16, args cursor[[]byte]) (bool, error) {
	tag := args.short()
	s.mu.Lock()
	h := s.byTag[string(tag)]
	s.mu.Unlock()
	if h == nil {
		return false, nil
	}
	c := s.content(channel)
	c.begin(h, nil)
	c.tag = args.number(8)
	args.u8() // whether it was delivered before
	c.exchange, c.key = append(c.exchange[:0], args.short()...), append(c.key[:0], args.short()...)
	return true, whole(args.bad)
}

func (s *splitter) comeBack(channel uint16, args cursor[[]byte]) (bool, error) {
	answers := s.answers(channel)
	if answers == nil {
		return false, nil
	}
	c := s.content(channel)
	c.begin(nil, answers)
	args.number(2)
	args.short()
	c.exchange, c.key = append(c.exchange[:0], args.short()...), append(c.key[:0], args.short()...)
	return true, whole(args.bad)
}

func (s *splitter) answer(channel uint16, args cursor[[]byte], nack bool) (bool, error) {
	answers := s.answers(channel)
	if answers == nil {
		return false, nil
	}
	tag := args.number(8)
	answers.arriving = append(answers.arriving, answer{tag: tag, multiple: args.u8()&1 != 0, nack: nack})
	return true, whole(args.bad)
}

// answers returns where the answers on a channel go; nil for one that does not publish.
func (s *splitter) answers(channel uint16) *confirms {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answering == nil || s.answering.channel != channel {
		return nil
	}
	return s.answering
}

// confirming notes which channel it is that begins to confirm. Only one does at a time.
func (s *splitter) confirming(channel uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expecting != nil {
		s.expecting.channel = channel
		s.answering, s.expecting = s.expecting, nil
	}
}

// closing makes a session write no more on a channel that the broker has closed, before amqp091 answers it.
func (s *splitter) closing(channel uint16) {
	if c := s.answers(channel); c != nil {
		c.closed.Store(true)
	}
}

// arrived passes on a message that has come whole.
func (s *splitter) arrived(c *content) {
	if c.answers != nil {
		c.answers.arriving = append(c.answers.arriving, answer{back: &returned{string(c.exchange), string(c.key), c.msg.ID, c.msg.Body}})
	} else {
		if len(c.hold.arriving.msgs) == 0 {
			s.holds = append(s.holds, c.hold)
		}
		c.hold.arrive(c)
		s.gather.arrived(c.hold.prefetch)
	}
	c.reset()
}

// handOver tells those who wait what has come for them: once for all that came in one read.
func (s *splitter) handOver() {
	for _, h := range s.holds {
		h.handOver()
	}
	clear(s.holds)
	s.holds = s.holds[:0]
	s.mu.Lock()
	answers := s.answering
	s.mu.Unlock()
	if answers != nil && len(answers.arriving) > 0 {
		answers.handOver()
	}
}
