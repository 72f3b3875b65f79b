package broken

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

func receiveFaults() []Fault {
	return []Fault{
		receiving("acks before the handler", "settle/what is not acked comes again after a crash, and nothing else", acksOnReceive),
		receiving("delivers one twice without a cause", "receive/without a fault each message comes once", duplicates),
		receiving("hands over straight what it returns, too", "receive/what is handed over straight and what Receive returns are one sequence",
			handsOverTwice),
		receiving("delivers a mutated event", "attributes/every attribute survives", mutates),
		receiving("stops on what is malformed", "attributes/a message without attributes is delivered and does not stop the subscription",
			stopsOnMalformed),
		receiving("returns more than max", "receive/Receive returns at least one message and at most max", ignoresMax),
		receiving("ignores maxBytes", "receive/Receive holds at most maxBytes of bodies but at least one message", ignoresMaxBytes),
		receiving("loses what a cancelled Receive had", "receive/a cancelled Receive loses no message", losesOnCancel),
		receiving("trusts a header for the inbox", "inbox/nothing that came through the topic is marked", trustsHeader),
		receiving("changes what is in hand", "receive/a received message stays unchanged until it is settled", reusesBodies),
		receiving("lends what is not its own", "receive/an exclusive body can be changed and extended, and nothing else changes", lendsAPart),
		receiving("skips what the filter wants", "filter/at least what matches is delivered", filtersTooMuch),
		receiving("drops what it prefetched on Close", "close/what was unsettled at Close goes to others at once", acksPrefetched),
		receiving("hides why a Receive was cancelled", "receive/Receive returns the cause of its context", hidesCause),
		receiving("ends with an error of its own", "receive/Receive returns io.EOF after Close", endsOtherwise),
		ending("goes on after Stop", "receive/Receive returns io.EOF after Stop", faults{stop: func(*sub) {}}),
		diesOnReconnect(),
	}
}

type receive = func(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error)

// receiving is a fault in Receive.
func receiving(name, caught string, f receive) Fault {
	return Fault{Name: name, Caught: caught, Wrap: func(good driver.Driver) driver.Driver { return wrap(good, faults{receive: f}) }}
}

func acksOnReceive(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	s.give(verdict(got, driver.Ack))
	return got, err
}

func duplicates(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	s.mu.Lock()
	again := s.buffer
	s.buffer = nil
	s.mu.Unlock()
	if len(again) > 0 {
		return again, nil
	}
	got, err := s.take(ctx, most, maxBytes)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range got {
		if s.seen++; s.seen%100 == 0 {
			s.buffer = []*driver.Message{clone(m)}
		}
	}
	return got, err
}

func handsOverTwice(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	if err == nil && s.spec.Deliver != nil {
		s.spec.Deliver(got)
	}
	return got, err
}

func mutates(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	for _, m := range got {
		if len(m.Headers) > 32 {
			m.Headers = m.Headers[:32]
		}
	}
	return got, err
}

func stopsOnMalformed(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	for _, m := range got {
		if m.ID == "" {
			return nil, fmt.Errorf("malformed message at %s", m.Position)
		}
	}
	return got, err
}

func ignoresMax(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	return s.take(ctx, 2*most+1, maxBytes)
}

func ignoresMaxBytes(ctx context.Context, s *sub, most, _ int) ([]*driver.Message, error) {
	return s.take(ctx, most, 1<<30)
}

// losesOnCancel leaves a call behind when its caller has gone, and throws away what that call gets.
func losesOnCancel(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	for {
		s.mu.Lock()
		call, abandoned := s.call, s.abandoned
		if call == nil {
			call, abandoned = make(chan received, 1), false
			s.call = call
			go func() {
				got, err := s.take(context.WithoutCancel(ctx), most, maxBytes)
				call <- received{got, err}
			}()
		}
		s.abandoned = false
		s.mu.Unlock()
		select {
		case r := <-call:
			s.mu.Lock()
			s.call = nil
			s.mu.Unlock()
			if !abandoned || r.err != nil {
				return r.got, r.err
			}
			s.give(verdict(r.got, driver.Ack))
		case <-ctx.Done():
			s.mu.Lock()
			s.abandoned = true
			s.mu.Unlock()
			return nil, context.Cause(ctx)
		}
	}
}

func trustsHeader(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	for _, m := range got {
		if _, marked := m.Lookup("herald-inbox"); marked {
			m.Inbox = true
		}
	}
	return got, err
}

func hidesCause(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return got, err
}

func endsOtherwise(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	if errors.Is(err, io.EOF) {
		err = driver.ErrClosed
	}
	return got, err
}

// reusesBodies reads into the memory of what it handed out before.
func reusesBodies(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	before := s.hand()
	got, err := s.take(ctx, most, maxBytes)
	for i, m := range got {
		if i < len(before) {
			copy(before[i].Body, m.Body)
		}
	}
	return got, err
}

// lendsAPart calls bodies exclusive that lie one behind the other in one piece of memory.
func lendsAPart(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.take(ctx, most, maxBytes)
	var all []byte
	for _, m := range got {
		all = append(all, m.Body...)
	}
	for _, m := range got {
		m.Body, all, m.Exclusive = all[:len(m.Body)], all[len(m.Body):], true
	}
	return got, err
}

// filtersTooMuch knows no pattern: what is not named in full is skipped.
func filtersTooMuch(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	for {
		got, err := s.take(ctx, most, maxBytes)
		if err != nil || len(s.spec.Types) == 0 {
			return got, err
		}
		var wanted, skipped []*driver.Message
		for _, m := range got {
			if slices.Contains(s.spec.Types, m.Type) {
				wanted = append(wanted, m)
			} else {
				skipped = append(skipped, m)
			}
		}
		s.give(verdict(skipped, driver.Ack))
		if len(wanted) > 0 {
			return wanted, nil
		}
	}
}

// acksPrefetched fetches ahead and stores the progress of what nobody has seen.
func acksPrefetched(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
	s.mu.Lock()
	if n := min(most, len(s.buffer)); n > 0 {
		got := s.buffer[:n]
		s.buffer = s.buffer[n:]
		s.mu.Unlock()
		return got, nil
	}
	s.mu.Unlock()
	got, err := s.take(ctx, most+16, maxBytes)
	if err != nil || len(got) <= most {
		return got, err
	}
	s.give(verdict(got[most:], driver.Ack))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer = append(s.buffer, got[most:]...)
	return got[:most], nil
}

// diesOnReconnect never hears of what came after the first disconnect.
func diesOnReconnect() Fault {
	f := faults{
		notice: func(c *conn, n driver.Notice) {
			if n.Kind != driver.Disconnected {
				return
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, s := range c.subs {
				s.mu.Lock()
				s.dead = true
				s.mu.Unlock()
			}
		},
		receive: func(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
			got, err := s.take(ctx, most, maxBytes)
			s.mu.Lock()
			dead := s.dead
			s.mu.Unlock()
			if !dead || err != nil {
				return got, err
			}
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-s.closed:
				return nil, io.EOF
			}
		},
	}
	return Fault{
		Name: "dies silently on a reconnect", Caught: "reconnect/a subscription resumes by itself, with the same window and one consumer",
		Wrap: func(good driver.Driver) driver.Driver { return wrap(good, f) },
	}
}

// memory is what a fault remembers between connections.
type memory struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (m *memory) note(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids == nil {
		m.ids = map[string]bool{}
	}
	m.ids[id] = true
}

func (m *memory) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids[id]
}
