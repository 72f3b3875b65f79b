package rabbitmq

import (
	"io"
	"net"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// What the tests of counting, looking and mending look at from outside.
var (
	Found        = found
	ErrRestless  = errRestless
	EmptyWait    = emptyWait
	FullWait     = fullWait
	ErrUnsure    = errUnsure
	SurveysAtAll = surveys
)

// Lose cuts the publishing connection, so that nothing can be asked any more over it, and forgets what was asked before.
func (p *Publishes) Lose() error {
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	go func() { _, _ = io.Copy(io.Discard, far) }() // what a client says when it connects
	go func() {
		start := []byte("\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x05en_US")
		for _, f := range [][]byte{Method(0, 10<<16|10, start...), Method(0, 10<<16|30, make([]byte, 8)...), Method(0, 10<<16|41, 0)} {
			_, _ = far.Write(f)
		}
	}()
	conn, err := amqp.Open(near, amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{}}})
	if err != nil {
		return err
	}
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	if err := near.Close(); err != nil {
		return err
	}
	<-closed
	p.s.link.conn, p.s.desk.link, p.s.mended = conn, p.s.link, make(map[string]mend)
	return nil
}

// Missed is how often the session would look again for a topic's groups, after a look has failed.
func (p *Publishes) Missed() (done bool, err error) { return p.s.mend("orders") }

// Groups is a group in a test's hands: what waits on its ladder and in its queues, and what its members say.
type Groups struct {
	Later, Ready int
	Members      []Member
}

// Member is what a member says.
type Member struct {
	ID         string
	Hand, Ever int64
}

// Survey counts a group, of which look returns what is to be seen of its ladder, then of its queues, then of its members, each at its own moment.
func Survey(look func(what string) Groups) (driver.Lag, error) {
	v := survey{
		count: func() (counts, error) {
			later := look("ladder").Later
			queues := look("queues")
			return counts{later: later, ready: queues.Ready, members: len(queues.Members)}, nil
		},
		ask: func(int) (all []inHand, err error) {
			for _, m := range look("members").Members {
				all = append(all, inHand{ID: m.ID, Topic: m.Hand, TopicEver: m.Ever})
			}
			return all, nil
		},
	}
	_, lag, err := v.lag(time.Unix(0, 0))
	return lag, err
}

// End makes the consumer "ours" let its partition go.
func (s *Split) End() { s.h.ending = true }

// InHand is what its member says of the topic: what it holds, and what it ever had.
func (s *Split) InHand() (hand, ever int64) {
	sub := s.h.tap.sub
	if !slices.Contains(sub.taps, s.h.tap) {
		sub.taps, s.h.tap.hold = append(sub.taps, s.h.tap), s.h
	}
	all := sub.inHand()
	return all.Topic, all.TopicEver
}

// Leave lets go of what the consumer holds: returned is called when the broker has taken it back.
func (s *Split) Leave() (returned func()) {
	v := &serving{tap: s.h.tap, h: s.h}
	v.lose()
	return v.forget
}
