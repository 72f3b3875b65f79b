package kafka

import (
	"context"
	"fmt"
	"math"
	"slices"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/herald-go/herald/pkg/driver"
)

// A topic that is deleted and made again begins another log, whose offsets say nothing about the one before. Each feed keeps the id of the topic
// that it has begun to read. Where the cluster tells another one under the name, the feed is over, and another one reads the new log.

// renewAll renews those of the feeds whose log is another one by now. Who could not be renewed stays as it is, to be tried again.
func (s *subscription) renewAll(ctx context.Context, feeds []*feed) {
	for _, f := range feeds {
		t := s.d.cluster.known(f.topic)
		if t == nil || !t.id.anotherThan(f.ledger.log) {
			continue
		}
		if err := s.renew(ctx, f, t); forbidden(err) {
			s.mu.Lock()
			s.refused("read the topic that was made again, "+f.topic, err)
			s.mu.Unlock()
		}
	}
}

// renew ends a feed, and begins another one at the oldest that the new log holds. What is in hand of the old log is finished where it is, and
// settles nothing: its offsets are other events now.
func (s *subscription) renew(ctx context.Context, f *feed, t *topicInfo) error {
	at := int64(0)
	if f.partition < len(t.leaders) { // else there is none yet, and what comes is read from its beginning
		if err := s.d.cluster.confirm(ctx, f.topic, f.partition, t.id); err != nil {
			return err
		}
		oldest, err := s.d.cluster.listOffsets(ctx, f.topic, every(len(t.leaders), atOldest))
		if err != nil {
			return err
		}
		at = oldest[f.partition]
	}
	detail := fmt.Sprintf("%s partition %d: the topic was deleted and made again, going on at %d", f.topic, f.partition, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.unit.gone || f.over {
		return nil
	}
	if s.d.cfg.OutOfRange == OutOfRangeFail && !s.spec.Broadcast {
		s.failed = fail("receive", s.spec.Topic, fmt.Errorf("%w: %s", driver.ErrPosition, detail))
		s.rouse()
		return nil
	}
	fresh := &feed{unit: f.unit, topic: f.topic, partition: f.partition, tier: f.tier, fetchAt: at, stored: committed{offset: -1}}
	fresh.ledger.log, fresh.ledger.next = t.id, at
	f.end()
	if i := slices.Index(f.unit.feeds, f); i >= 0 {
		f.unit.feeds[i] = fresh
	}
	if f.partition < len(t.leaders) {
		fresh.touch()
	}
	if !f.unit.ending {
		s.attach(fresh)
	}
	s.lost(-1, detail)
	s.rouse()
	return nil
}

// confirm asks a partition's leader whether it holds the topic of an id: other brokers may be behind, and tell of a topic that is gone.
func (c *cluster) confirm(ctx context.Context, topic string, partition int, id topicID) error {
	leader := c.leader(topic, partition)
	if leader == noBroker {
		return errNoLeader
	}
	conn, err := c.shared(ctx, leader)
	if err != nil || !conn.takes(protocol.Fetch, fetchByIDVersion) {
		return err // an older broker can't be asked
	}
	// No log is as long, so that the answer holds no records.
	answers, err := conn.fetch(ctx, []want{{topic: topic, partition: partition, offset: math.MaxInt64, bytes: 1, log: id}}, 0, 1)
	switch {
	case err != nil:
		return err
	case len(answers) != 1:
		return errProtocol
	case is(answers[0].err, kafkago.OffsetOutOfRange):
		return nil
	default:
		return answers[0].err
	}
}

// end ends a feed whose log is gone: nothing more of it is handed out, or stored. The lock is held.
func (f *feed) end() {
	u := f.unit
	u.s.detach(f)
	f.over, f.halted = true, true
	f.hold(-f.buffered)
	f.chunks, f.head = nil, nil
	u.s.unstored -= f.unstored
	f.unstored = 0
	u.over = append(slices.DeleteFunc(u.over, func(o *feed) bool { return o.inHand == 0 }), f)
}

// compare looks whether the topics of all feeds are the ones that were begun, for feeds that nobody fetches now, and for brokers that are asked
// by name.
func (s *subscription) compare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.units {
		for _, f := range u.feeds {
			t := s.d.cluster.known(f.topic)
			if t == nil || !t.id.anotherThan(f.ledger.log) {
				continue
			}
			if f.doubtful = f.asking; !f.asking {
				s.displace(f)
			}
		}
	}
}
