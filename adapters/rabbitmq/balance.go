package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// balanceEvery is how often a member looks how many members there are.
const balanceEvery = 500 * time.Millisecond

// keepMember answers what this member holds, keeps the group bound for its types and, where the group has partitions, makes it count and
// gives away partitions that it has beyond its share. Every member waits for every partition, and the broker lets one of them have it;
// whoever has more than the share gives the rest up, and waits behind the others then. The broker does not tell the number of those who
// wait, so that members are counted by a queue that holds nothing.
func (s *subscription) keepMember(ctx context.Context) {
	pauses := backoff.New(pauseLeast, pauseMost)
	for {
		l, err := s.d.consuming.await(ctx)
		if err != nil {
			return
		}
		_ = s.balance(ctx, l) // the taps tell what is wrong
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// balance works over one channel until it is lost or ctx ends.
func (s *subscription) balance(ctx context.Context, l *link) error {
	ch, err := l.conn.Channel()
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	questions, err := s.listen(ch)
	if err != nil {
		return err
	}
	tick, members, err := s.counted(ch)
	if err != nil {
		return err
	}
	if tick != nil {
		defer tick.Stop()
	}
	pace := pace{pause: rebindSoon}
	again := time.NewTimer(pace.pause)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if s.d.cfg.Declare == DeclareCreate && pace.next(s.fromTopic()) {
				_ = s.rebind(ctx, l) // and again the next time
			}
			again.Reset(pace.pause)
			continue
		case <-ticks(tick):
		case q, ok := <-questions:
			if !ok {
				return errChannelClosed
			}
			s.answer(q.ReplyTo)
			continue
		case err := <-closed:
			return err
		case <-ctx.Done():
			return nil
		}
		q, err := ch.QueueDeclarePassive(members, true, false, false, false, nil)
		if err != nil {
			return err
		}
		s.giveAway(q.Consumers)
	}
}

// counted makes this member of a group with partitions count, and returns what tells when to count the others. A group with one queue needs
// neither: the broker shares it out.
func (s *subscription) counted(ch *amqp.Channel) (tick *time.Ticker, queue string, err error) {
	if !s.ordered() {
		return nil, "", nil
	}
	queue = membersQueue(s.spec.Topic, s.spec.Group)
	if _, err := ch.Consume(queue, "", true, false, false, false, nil); err != nil {
		return nil, "", err
	}
	return time.NewTicker(balanceEvery), queue, nil
}

func ticks(t *time.Ticker) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// giveAway asks the last of the taps that have a partition beyond the share to give it up.
func (s *subscription) giveAway(members int) {
	if members < 1 {
		return
	}
	share := (len(s.taps) + members - 1) / members
	s.mu.Lock()
	var active []*tap
	for _, t := range s.taps {
		if t.hold != nil && t.hold.active && !t.hold.gone {
			active = append(active, t)
		}
	}
	s.mu.Unlock()
	for _, t := range active[min(share, len(active)):] {
		select {
		case t.yield <- struct{}{}:
		default: // asked already
		}
	}
}

// fromTopic is how many messages have come through the topic so far.
func (s *subscription) fromTopic() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}
