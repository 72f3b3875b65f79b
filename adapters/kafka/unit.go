package kafka

import (
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// unit is what moves between members as a whole: a partition of the topic with the same partition of each inbox topic. It is one source. The
// subscription's lock guards it.
type unit struct {
	s      *subscription
	number int
	source *driver.Source
	feeds  []*feed // none until it is started
	over   []*feed // of logs that are gone, with something in hand perhaps

	held     int // handed out, or being moved, and without an outcome
	ending   bool
	deadline time.Time // when it is given up, whatever is held
	gone     bool
}

func (s *subscription) newUnit(number int) *unit {
	s.epochs++
	return &unit{
		s: s, number: number,
		source: driver.NewSource(fmt.Sprintf("%s/%s partition %d, epoch %d of %s", s.spec.Topic, s.spec.Group, number, s.epochs, s.spec.Member)),
	}
}

// feed reads one Kafka partition. The subscription's lock guards it.
type feed struct {
	unit      *unit
	topic     string
	partition int
	tier      int // -1 for the topic itself
	fetcher   *fetcher

	fetchAt  int64 // the offset to ask for next
	cut      int   // the size of the latest batch of which an answer had a part alone
	later    int   // bytes to ask a tier for, where that is more than laterBytes
	early    bool  // something read since the latest answer was not due
	asking   bool
	chunks   []records
	buffered int

	head                *driver.Message // read and not handed out
	headTime            int64
	due                 time.Time // the head waits until then
	sights              []sight   // of the log's end, of an inbox topic alone: the last that the head lies beyond, and those after it
	queued              bool      // in the subscription's list of feeds to read from
	inHand, inHandBytes int       // of the window
	halted              bool      // nothing more is handed out: something was released
	unstored            int       // acks that no commit has stored
	over                bool      // the log is gone: what is in hand settles nothing
	doubtful            bool      // the log may be gone: what is being asked for now is not to be trusted
	crowded             bool      // too much is finished behind one that is not

	ledger  ledger
	before  []span // finished by an earlier owner
	stored  committed
	dirty   bool
	trimmed int64 // what was last deleted up to, in an inbox topic
}

// inbox reports whether the feed is a tier of the group's inbox.
func (f *feed) inbox() bool { return f.tier >= 0 }

// peek returns the next message of what was fetched, nil when there is none. It passes over what the group has finished or must not see.
func (f *feed) peek() *driver.Message {
	s := f.unit.s
	for f.head == nil {
		rec, ok := f.advance()
		if !ok {
			return nil
		}
		if f.wasFinished(rec.offset) {
			f.ledger.add(rec.offset, restored)
			f.pass(rec.offset)
			continue
		}
		m := s.blank()
		fields, whole := s.reader.fill(m, rec)
		if fields.dropped && !s.spec.Broadcast {
			f.pass(rec.offset)
			continue
		}
		if !whole {
			s.tell(driver.Notice{Kind: driver.Mismatch, Detail: fmt.Sprintf("%s: headers of offset %d can't be read", f.topic, rec.offset)})
		}
		m.Inbox = f.inbox() && !fields.delayed
		m.Source, m.Ref, m.Seq = f.unit.source, f, uint64(rec.offset) //nolint:gosec // offsets are not negative
		f.head, f.headTime = m, rec.time
	}
	return f.head
}

// hold counts bytes that were fetched, or read. What waits in a tier for its time is bounded by the tier and keeps nobody else from fetching.
func (f *feed) hold(n int) {
	f.buffered += n
	if f.tier <= 0 {
		f.unit.s.buffered += n
	}
}

// advance reads the next record of what was fetched.
func (f *feed) advance() (*record, bool) {
	s := f.unit.s
	for len(f.chunks) > 0 {
		c := &f.chunks[0]
		before := c.size()
		ok := c.read(&s.record)
		f.hold(c.size() - before)
		if c.bad > 0 {
			s.lost(c.bad, fmt.Sprintf("%s partition %d: records that can't be read, before offset %d", f.topic, f.partition, c.next))
			c.bad = 0
		}
		if ok {
			f.pass(s.record.offset - 1) // not the record itself: it is still to be handed out
			return &s.record, true
		}
		f.pass(c.next - 1)
		f.chunks[0] = records{}
		f.chunks = f.chunks[1:]
		if len(f.chunks) == 0 {
			f.chunks = nil
		}
	}
	return nil, false
}

// hasOpen reports whether something was fetched and is not finished.
func (f *feed) hasOpen() bool {
	f.ledger.trim()
	_, open := f.ledger.first()
	return open || f.head != nil || len(f.chunks) > 0
}

// pass notes that nothing up to an offset is still to come.
func (f *feed) pass(offset int64) {
	if offset >= f.ledger.next {
		f.ledger.next = offset + 1
		f.touch()
	}
}

func (f *feed) wasFinished(offset int64) bool {
	for len(f.before) > 0 && f.before[0].to <= offset {
		f.before = f.before[1:]
	}
	return len(f.before) > 0 && f.before[0].from <= offset
}

// touch notes that the position may have moved.
func (f *feed) touch() {
	if f.unit.s.spec.Broadcast || f.dirty {
		return
	}
	f.dirty = true
	f.unit.s.dirty = append(f.unit.s.dirty, f)
	signal(f.unit.s.commitWake)
}

// signal sets a flag.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
