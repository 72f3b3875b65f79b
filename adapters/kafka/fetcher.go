package kafka

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

const (
	// fetchWait is how long a broker holds a fetch that finds nothing. What was not asked for in it waits as long.
	fetchWait = 500 * time.Millisecond
	// feedBytes and feedBytesLeast bound what is asked of one partition at a time, as far as the window allows.
	feedBytes, feedBytesLeast = 1 << 20, 64 << 10
	// laterBytes is what is asked of a tier, which may have to wait in memory. More is asked of one whose messages are overdue.
	laterBytes = 16 << 10
	// answerBytes bounds one answer.
	answerBytes = 8 << 20
	// lanes is how many connections a subscription fetches a topic's partitions over, for each broker; the inbox has one more. Partitions
	// share them, so that their number does not grow with the number of partitions.
	lanes = 4
)

// fetcher reads some of a subscription's partitions from one broker. The one for no broker looks for leaders.
type fetcher struct {
	s      *subscription
	broker int32
	lane   int
	feeds  []*feed // guarded by the subscription's lock
	rounds int     // guarded likewise
	wake   chan struct{}
}

type fetcherKey struct {
	broker int32
	lane   int
}

// attach gives a feed to the fetcher of its leader. The lock is held.
func (s *subscription) attach(f *feed) {
	key := fetcherKey{s.d.cluster.leader(f.topic, f.partition), f.partition % lanes}
	switch {
	case key.broker == noBroker:
		key.lane = 0
	case f.inbox():
		key.lane = lanes
	}
	s.attachTo(f, key)
}

func (s *subscription) attachTo(f *feed, key fetcherKey) {
	x := s.fetchers[key]
	if x == nil {
		x = &fetcher{s: s, broker: key.broker, lane: key.lane, wake: make(chan struct{}, 1)}
		s.fetchers[key] = x
		if key.broker == noBroker {
			s.start(x.seek)
		} else {
			s.start(x.run)
		}
	}
	f.fetcher = x
	x.feeds = append(x.feeds, f)
	signal(x.wake)
}

// detach takes a feed from its fetcher. The lock is held.
func (s *subscription) detach(f *feed) {
	if x := f.fetcher; x != nil {
		x.feeds = slices.DeleteFunc(x.feeds, func(o *feed) bool { return o == f })
		f.fetcher = nil
	}
}

// seek looks for leaders until each feed has one.
func (x *fetcher) seek(ctx context.Context) {
	pause := backoff.New(retryFirst, retryMost)
	for {
		x.s.mu.Lock()
		feeds := x.feeds
		x.feeds = nil
		x.s.mu.Unlock()
		if len(feeds) == 0 {
			pause.Reset()
			select {
			case <-ctx.Done():
				return
			case <-x.wake:
			}
			continue
		}
		if pause.Wait(ctx) != nil {
			return
		}
		topics := map[string]struct{}{}
		for _, f := range feeds {
			topics[f.topic] = struct{}{}
		}
		_ = x.s.d.cluster.refresh(ctx, sortedKeys(topics)...) // what fails shows as no leader
		x.s.renewAll(ctx, feeds)
		x.s.miss(sortedKeys(topics))
		x.s.mu.Lock()
		for _, f := range feeds {
			if !f.unit.gone && !f.over {
				x.s.attach(f)
			}
		}
		x.s.mu.Unlock()
	}
}

func (x *fetcher) run(ctx context.Context) {
	var c *conn
	defer func() { x.s.d.cluster.hangUp(c) }()
	pause := backoff.New(retryFirst, retryMost)
	for ctx.Err() == nil {
		feeds, wants := x.wants()
		if len(wants) == 0 {
			select {
			case <-ctx.Done():
			case <-x.wake:
			}
			continue
		}
		answers, err := x.ask(ctx, &c, wants)
		if err != nil {
			x.s.displaced(feeds)
			_ = pause.Wait(ctx)
			continue
		}
		pause.Reset()
		x.take(ctx, feeds, answers)
	}
}

func (x *fetcher) ask(ctx context.Context, c **conn, wants []want) ([]got, error) {
	if *c == nil || (*c).dead() {
		x.s.d.cluster.hangUp(*c)
		*c = nil
		fresh, err := x.s.d.cluster.dial(ctx, x.broker)
		if err != nil {
			return nil, err
		}
		*c = fresh
	}
	answers, err := (*c).fetch(ctx, wants, fetchWait, answerBytes)
	if err != nil && (*c).dead() {
		x.s.d.cluster.trouble(err)
	}
	return answers, err
}

// wants collects what there is room for. Another partition comes first each time, since only the first is sure to be answered.
func (x *fetcher) wants() (feeds []*feed, wants []want) {
	s := x.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range x.feeds {
		if s.hungry(f) {
			feeds = append(feeds, f)
		}
	}
	if len(feeds) == 0 {
		return nil, nil
	}
	x.rounds++
	first := feeds[x.rounds%len(feeds)]
	slices.SortStableFunc(feeds, func(a, b *feed) int {
		switch {
		case a == first || b == first:
			return boolCompare(b == first, a == first)
		case a.topic != b.topic:
			if (a.topic == first.topic) != (b.topic == first.topic) {
				return boolCompare(b.topic == first.topic, a.topic == first.topic)
			}
			return boolCompare(a.topic > b.topic, a.topic < b.topic)
		default:
			return a.partition - b.partition
		}
	})
	for _, f := range feeds {
		f.asking = true
		wants = append(wants, want{f.topic, f.partition, f.fetchAt, s.asked(f), f.ledger.log})
	}
	return feeds, wants
}

func boolCompare(after, before bool) int {
	switch {
	case after == before:
		return 0
	case after:
		return 1
	default:
		return -1
	}
}

// portion is how much to ask of a partition. The lock is held.
func (s *subscription) portion(f *feed) int {
	most := min(feedBytes, max(feedBytesLeast, s.spec.WindowBytes/(4*max(1, len(s.units)))))
	if f.tier > 0 {
		return min(most, max(laterBytes, f.later))
	}
	return most
}

// asked is how much to ask of a partition whose batches are large: brokers cut off what does not fit, and only the first partition of an answer
// is sure of one batch. It is a portion rounded up to whole batches of the size that was last cut off, and a little more where they differ, but
// not more than twice the portion. The lock is held.
func (s *subscription) asked(f *feed) int {
	portion := s.portion(f)
	if f.cut == 0 {
		return portion
	}
	n := (portion + f.cut - 1) / f.cut
	if whole := n*f.cut + f.cut/16; whole <= 2*portion {
		return whole
	}
	return portion
}

// hungry reports whether to fetch more of a partition. What is fetched ahead takes half of the window at most, and a quarter more that was
// asked for before that showed. The lock is held.
func (s *subscription) hungry(f *feed) bool {
	if f.asking || f.halted || f.unit.ending || f.unit.gone || s.stopped {
		return false
	}
	if f.tier > 0 {
		return f.buffered == 0 && f.head == nil
	}
	if f.buffered == 0 && f.head == nil {
		return s.buffered < max(s.spec.WindowBytes/2, feedBytes)
	}
	return f.buffered < s.portion(f)/2 && s.buffered+s.heldBytes < s.spec.WindowBytes/2
}

// displaced gives feeds whose broker did not answer to whoever looks for their leader.
func (s *subscription) displaced(feeds []*feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range feeds {
		f.asking = false
		s.displace(f)
	}
}

// displace is displaced for one feed that is not being asked for. The lock is held.
func (s *subscription) displace(f *feed) {
	if f.fetcher == nil || f.fetcher.broker == noBroker || f.unit.gone || f.over {
		return
	}
	s.detach(f)
	s.attachTo(f, fetcherKey{broker: noBroker})
}

// take hands what was fetched to the feeds.
func (x *fetcher) take(ctx context.Context, feeds []*feed, answers []got) {
	byFeed := make(map[partKey]*got, len(answers))
	for i := range answers {
		byFeed[partKey{answers[i].topic, answers[i].partition}] = &answers[i]
	}
	var moved, outside []*feed
	x.s.mu.Lock()
	for _, f := range feeds {
		f.asking = false
		g := byFeed[partKey{f.topic, f.partition}]
		switch {
		case g == nil || f.unit.gone || f.over:
		case f.doubtful:
			f.doubtful = false
			moved = append(moved, f)
		case g.err == nil:
			f.took(g)
		case is(g.err, kafkago.OffsetOutOfRange):
			outside = append(outside, f)
		case denied(g.err):
			x.s.refused("fetch "+f.topic, g.err)
		default:
			moved = append(moved, f)
		}
	}
	x.s.mu.Unlock()
	if len(moved) > 0 {
		x.s.displaced(moved)
	}
	for _, f := range outside {
		x.s.outOfRange(ctx, f)
	}
}

// took appends what was fetched. The lock is held.
func (f *feed) took(g *got) {
	s := f.unit.s
	data, next := whole(g.data)
	if n := cutOff(g.data[len(data):]); n > 0 {
		f.cut = n
	}
	f.reached(g.highWater)
	if len(data) == 0 {
		return
	}
	f.chunks = append(f.chunks, newRecords(data, f.fetchAt, g.aborted))
	f.hold(len(data))
	f.fetchAt = max(f.fetchAt, next)
	f.overdue(f.fetchAt < g.highWater)
	s.offer(f)
}

// whole cuts off a batch that did not come whole, and returns the offset that follows.
func whole(data []byte) (_ []byte, next int64) {
	at := 0
	for len(data)-at > atMagic {
		b := data[at:]
		length := int(int32(binary.BigEndian.Uint32(b[atLength:]))) + 12 //nolint:gosec // the wire's sign
		if length <= atMagic || length > len(b) {
			break
		}
		next = int64(binary.BigEndian.Uint64(b)) + 1 //nolint:gosec // the wire's sign
		if b[atMagic] == magic2 && length >= batchHeader {
			next += int64(max(0, int32(binary.BigEndian.Uint32(b[atLastDelta:])))) //nolint:gosec // the wire's sign
		}
		at += length
	}
	return data[:at:at], next
}

// cutOff returns how large the batch is of which the rest of an answer is the beginning, 0 where that does not show.
func cutOff(rest []byte) int {
	if len(rest) <= atMagic {
		return 0
	}
	return max(0, int(int32(binary.BigEndian.Uint32(rest[atLength:])))+12) //nolint:gosec // the wire's sign
}
