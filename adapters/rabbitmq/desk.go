package rabbitmq

import (
	"errors"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// desk is a channel for declarations and questions. A refusal closes its channel; the next request opens another. It belongs to one
// goroutine, and its calls wait for the broker: they end when the link is gone.
type desk struct {
	link *link
	ch   *amqp.Channel
}

// channel returns an open channel.
func (d *desk) channel() (*amqp.Channel, error) {
	if d.ch != nil && !d.ch.IsClosed() {
		return d.ch, nil
	}
	ch, err := d.link.conn.Channel()
	if err != nil {
		return nil, err
	}
	d.ch = ch
	return ch, nil
}

// close gives the channel back.
func (d *desk) close() {
	if d.ch != nil {
		_ = d.ch.Close() // an error means that it is closed
		d.ch = nil
	}
}

// exchange declares a durable exchange.
func (d *desk) exchange(name, kind string, autoDelete bool, args amqp.Table) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	return ch.ExchangeDeclare(name, kind, true, autoDelete, false, false, args)
}

// hasExchange reports whether an exchange exists.
func (d *desk) hasExchange(name string) (bool, error) {
	ch, err := d.channel()
	if err != nil {
		return false, err
	}
	return found(ch.ExchangeDeclarePassive(name, amqp.ExchangeTopic, true, false, false, false, nil))
}

// queue declares a durable queue.
func (d *desk) queue(name string, args amqp.Table) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	_, err = ch.QueueDeclare(name, true, false, false, false, args)
	return err
}

// look returns what a queue tells of itself, and whether it exists.
func (d *desk) look(name string) (amqp.Queue, bool, error) {
	ch, err := d.channel()
	if err != nil {
		return amqp.Queue{}, false, err
	}
	q, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
	there, err := found(err)
	return q, there, err
}

// found tells a missing thing from trouble.
func found(err error) (bool, error) {
	if err == nil {
		return true, nil
	}
	if code(err) == amqp.NotFound && !unreachable(err) {
		return false, nil
	}
	return false, err
}

func (d *desk) bindQueue(queue, key, exchange string, args amqp.Table) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	return ch.QueueBind(queue, key, exchange, false, args)
}

func (d *desk) bindExchange(to, key, from string, args amqp.Table) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	return ch.ExchangeBind(to, key, from, false, args)
}

// deleteQueue deletes a queue with what it holds; one that is not there is no error.
func (d *desk) deleteQueue(name string) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	_, err = ch.QueueDelete(name, false, false, false)
	_, err = found(err)
	return err
}

func (d *desk) deleteExchange(name string) error {
	ch, err := d.channel()
	if err != nil {
		return err
	}
	_, err = found(ch.ExchangeDelete(name, false, false))
	return err
}

// mayPublish asks whether an exchange is there and takes messages from this user: a message in a transaction that is rolled back is checked
// and never routed.
func (d *desk) mayPublish(exchange, key string) error {
	ch, err := d.link.conn.Channel() // one of its own: permissions are remembered by channel
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	if err := ch.Tx(); err != nil {
		return err
	}
	if err := ch.Publish(exchange, key, false, false, amqp.Publishing{}); err != nil {
		return err
	}
	return ch.TxRollback()
}

// steps runs them in order until one fails.
func steps(all ...func() error) error {
	for _, step := range all {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// exchangeIfAllowed lets a user without the right to declare use what is there.
func (d *desk) exchangeIfAllowed(name, kind string, autoDelete bool, args amqp.Table) error {
	err := d.exchange(name, kind, autoDelete, args)
	if code(err) != amqp.AccessRefused {
		return err
	}
	there, lookErr := d.hasExchange(name)
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	if there {
		return nil
	}
	return err
}

// missing is an error for something that should be there.
func missing(what, name string) error {
	return because(driver.ErrUnknownTopic, errors.New(what+" "+name+" does not exist"))
}
