package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// AMQP tells how many messages of a queue are ready, and not how many are in hand. So the members are asked: each listens at an exchange of
// its group, and answers what it holds; survey says in what order. Question and answer go over the publishing connections, since a consuming one that publishes would be
// blocked with the publishers.

var _ driver.Lagger = (*Driver)(nil)

// answerWithin is how long members may take to answer.
const answerWithin = 2 * time.Second

var errSilent = errors.New("a member of the group does not say what it holds")

// inHand is a member's answer. It is a wire format.
type inHand struct {
	ID        string `json:"id"`         // of the member
	Topic     int64  `json:"topic"`      // messages that came through the topic
	Inbox     int64  `json:"inbox"`      // messages that came through the inbox
	Sent      int64  `json:"sent"`       // when the oldest was sent, in ms since 1970; 0 for none
	TopicEver int64  `json:"topic_ever"` // messages that ever came through the topic, finished or not
	InboxEver int64  `json:"inbox_ever"` // and through the inbox
}

// Lag implements driver.Lagger. What waits in the group's queue counts as the topic's, even if it came through the inbox. The age is that of
// the oldest message in hand, by the clock of its publisher, and 0 while no member is connected.
//
// A message that goes from a queue to a member, or from a member to where it waits for a later try, is never missing while it is counted. So there
// may be too many for a moment: by what members finished or moved meanwhile. What the broker itself moves, from where it waited back to the group's
// queue or from a member that has gone, it counts nowhere until it is there.
func (d *Driver) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	_, lag, err := d.measure(ctx, topic, group)
	return lag, fail("lag of "+group+" of", topic, explain(err))
}

func (d *Driver) measure(ctx context.Context, topic, group string) (members int, lag driver.Lag, err error) {
	v := survey{
		count: func() (counts, error) { return d.count(ctx, topic, group) },
		ask:   func(members int) ([]inHand, error) { return d.askMembers(ctx, topic, group, members) },
	}
	return v.lag(d.now())
}

func (d *Driver) count(ctx context.Context, topic, group string) (counts, error) {
	var c counts
	err := d.ask(ctx, func(k *desk) (err error) {
		c, err = k.count(topic, group)
		return err
	})
	if err != nil {
		return counts{}, err // c may still be written to
	}
	return c, nil
}

// askMembers collects what the members hold.
func (d *Driver) askMembers(ctx context.Context, topic, group string, members int) (held []inHand, err error) {
	if members == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errSilent)
	defer cancel()
	l, err := d.publishing.await(ctx)
	if err != nil {
		return nil, err
	}
	answers := make(chan []inHand, 1)
	err = d.askOnce(ctx, l, func(k *desk) error {
		all, err := k.interview(ctx, askExchange(topic, group), members)
		answers <- all
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-answers, nil
}

// replies is the pseudo-queue by which RabbitMQ hands answers to the channel that asked.
const replies = "amq.rabbitmq.reply-to"

func (d *desk) interview(ctx context.Context, exchange string, members int) ([]inHand, error) {
	ch, err := d.channel()
	if err != nil {
		return nil, err
	}
	deliveries, err := ch.Consume(replies, "", true, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	if err := ch.PublishWithContext(ctx, exchange, "", false, false, amqp.Publishing{ReplyTo: replies}); err != nil {
		return nil, err
	}
	var all []inHand
	for len(all) < members {
		select {
		case m, ok := <-deliveries:
			if !ok {
				return nil, errSilent
			}
			var h inHand
			if json.Unmarshal(m.Body, &h) == nil {
				all = append(all, h)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return all, nil
}

// listen lets a member be asked.
func (s *subscription) listen(ch *amqp.Channel) (<-chan amqp.Delivery, error) {
	exchange := askExchange(s.spec.Topic, s.spec.Group)
	if err := ch.ExchangeDeclare(exchange, amqp.ExchangeFanout, true, true, false, false, nil); err != nil {
		return nil, err
	}
	q, err := ch.QueueDeclare("", false, true, true, false, amqp.Table{"x-queue-type": "classic"})
	if err != nil {
		return nil, err
	}
	if err := ch.QueueBind(q.Name, "", exchange, false, nil); err != nil {
		return nil, err
	}
	return ch.Consume(q.Name, "", true, true, false, false, nil)
}

// answer tells the one who asked what this member holds. It does not wait.
func (s *subscription) answer(to string) {
	l, _, _ := s.d.publishing.state()
	if l == nil || l.blocked() != nil || to == "" {
		return // who asked gives up soon, and asks again
	}
	body, _ := json.Marshal(s.inHand()) // numbers always have a JSON form
	s.d.begin(l, func(k *desk) error {
		ch, err := k.channel()
		if err != nil {
			return err
		}
		return ch.Publish("", to, false, false, amqp.Publishing{Body: body})
	})
}

func (s *subscription) inHand() inHand {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := inHand{ID: s.id, TopicEver: int64(s.came), InboxEver: int64(s.again)} //nolint:gosec // counts
	for _, t := range s.taps {
		if t.hold == nil {
			continue
		}
		all.Topic += t.hold.fromTopic
		all.Inbox += t.hold.fromInbox
		if oldest := t.hold.oldest(); oldest > 0 && (all.Sent == 0 || oldest < all.Sent) {
			all.Sent = oldest
		}
	}
	return all
}
