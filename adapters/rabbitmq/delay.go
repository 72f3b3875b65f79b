package rabbitmq

import (
	"math/bits"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Delays of messages to topics are binary: level k holds a message for 2^k seconds, and a message waits in each level whose bit is set in
// its delay, longest first. All topics share the levels. A level is an exchange that puts messages with its header into its queue and hands
// the others on to the next shorter level (its alternate exchange); the queue, too, leads on to there. After the shortest comes an exchange
// that knows the topics. Routing keys stay the types all the way.
//
// The last exchange also leads to the sink, so that a message whose topic is gone when it is due is dropped, and holds nobody up.
const (
	delayLevels = 23 // 2^22 seconds are 48 days
	delayUnit   = time.Second
	// waitMargin makes up for clocks that count whole milliseconds at each of the hops.
	waitMargin = (delayLevels + 2) * time.Millisecond
)

func levelName(k int) string { return "herald..delay.." + strconv.Itoa(k) }

// belowLevel is where messages go after level k.
func belowLevel(k int) string {
	if k == 0 {
		return dueName
	}
	return levelName(k - 1)
}

// delayBits is a delay in units, rounded up.
func delayBits(wait time.Duration) uint { return uint((wait + delayUnit - 1) / delayUnit) } //nolint:gosec // positive and below 2^23

// delay leads a message through the levels that it has to wait in, longest first.
func (s *session) delay(topic string, w *way, wait time.Duration) error {
	w.levels, w.topic = delayBits(wait), topic
	top := bits.Len(w.levels) - 1
	w.exchange = levelName(top)
	return s.declareDelays(topic, top)
}

// appendLevels writes the headers by which a message waits.
func appendLevels(b []byte, w *way) []byte {
	for k := range delayLevels {
		if w.levels>>k&1 == 1 {
			b = appendText(b, headerDelay+strconv.Itoa(k), "1")
		}
	}
	return appendText(b, headerDelayTopic, w.topic)
}

// declareDelays makes the levels up to top, and the way from the last exchange to the topic, once per session.
func (s *session) declareDelays(topic string, top int) error {
	if s.p.d.cfg.Declare != DeclareCreate {
		return nil
	}
	if s.levels == 0 {
		err := steps(
			s.desk.declareSink,
			func() error { return s.desk.exchange(dueName, amqp.ExchangeHeaders, false, nil) },
			func() error { return s.desk.bindQueue(sinkName, "", dueName, amqp.Table{"x-match": "all"}) },
		)
		if err != nil {
			return err
		}
	}
	for ; s.levels <= top; s.levels++ {
		if err := s.desk.declareLevel(s.levels); err != nil {
			return err
		}
	}
	if s.delayed[topic] {
		return nil
	}
	if err := s.desk.bindDue(topic); err != nil {
		return err
	}
	s.delayed[topic] = true
	return nil
}

func (d *desk) declareLevel(k int) error {
	name, below := levelName(k), belowLevel(k)
	where := amqp.Table{"x-match": "all", headerDelay + strconv.Itoa(k): "1"}
	return steps(
		func() error { return d.exchange(name, amqp.ExchangeHeaders, false, alternate(below)) },
		func() error { return d.queue(name, waitingArgs(delayUnit<<k, below)) },
		func() error { return d.bindQueue(name, "", name, where) },
	)
}
