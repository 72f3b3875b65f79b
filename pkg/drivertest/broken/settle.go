package broken

import (
	"context"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

func settleFaults() []Fault {
	return []Fault{
		settling("commits the highest ack", "settle/an ack settles no other message", commitsHighest),
		settling("loses acks", "settle/what is acked never comes again", losesAcks()),
		settling("waits for the network in Settle", "away/Settle does not wait for the network", waitsInSettle),
		acksAllOnClose(), settlesStale(), givesUpEarly(),
	}
}

// settling is a fault in Settle.
func settling(name, caught string, f func(s *sub, outcomes []driver.Outcome)) Fault {
	return Fault{Name: name, Caught: caught, Wrap: func(good driver.Driver) driver.Driver { return wrap(good, faults{settle: f}) }}
}

// commitsHighest keeps one offset: an ack finishes all that was delivered before.
func commitsHighest(s *sub, outcomes []driver.Outcome) {
	for _, o := range outcomes {
		if o.Verdict != driver.Ack {
			s.give([]driver.Outcome{o})
			continue
		}
		held := s.hand()
		s.give(verdict(held[:slices.Index(held, o.Message)+1], driver.Ack))
	}
}

// losesAcks forgets the last ack of a batch of outcomes, each seventh time.
func losesAcks() func(s *sub, outcomes []driver.Outcome) {
	return func(s *sub, outcomes []driver.Outcome) {
		s.mu.Lock()
		s.seen += len(outcomes)
		lose := s.seen >= 7 && len(outcomes) > 0
		if lose {
			s.seen = 0
		}
		s.mu.Unlock()
		if lose {
			outcomes = outcomes[:len(outcomes)-1]
		}
		s.give(outcomes)
	}
}

func waitsInSettle(s *sub, outcomes []driver.Outcome) {
	s.conn.mu.Lock()
	down, up := s.conn.down, s.conn.up
	s.conn.mu.Unlock()
	if down {
		<-up
	}
	s.give(outcomes)
}

func acksAllOnClose() Fault {
	f := faults{closeSub: func(ctx context.Context, s *sub) error {
		s.give(verdict(s.hand(), driver.Ack))
		return s.next.Close(ctx)
	}}
	return Fault{
		Name: "acks all on Close", Caught: "close/what was unsettled at Close goes to others at once",
		Wrap: func(good driver.Driver) driver.Driver { return wrap(good, f) },
	}
}

// settlesStale settles by the message's name, whoever holds it by now.
func settlesStale() Fault {
	var stale memory
	key := func(s *sub, m *driver.Message) string { return s.spec.Topic + " " + s.spec.Group + " " + m.ID }
	f := faults{
		closeSub: func(ctx context.Context, s *sub) error {
			s.mu.Lock()
			s.gone = true
			s.mu.Unlock()
			return s.next.Close(ctx)
		},
		settle: func(s *sub, outcomes []driver.Outcome) {
			s.mu.Lock()
			gone := s.gone
			s.mu.Unlock()
			for _, o := range outcomes {
				if gone && o.Verdict == driver.Ack {
					stale.note(key(s, o.Message))
				}
			}
			s.give(outcomes)
		},
		receive: func(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
			for {
				got, err := s.take(ctx, most, maxBytes)
				if err != nil {
					return nil, err
				}
				var fresh []*driver.Message
				for _, m := range got {
					if stale.has(key(s, m)) {
						s.give(verdict([]*driver.Message{m}, driver.Ack))
					} else {
						fresh = append(fresh, m)
					}
				}
				if len(fresh) > 0 {
					return fresh, nil
				}
			}
		},
	}
	return Fault{
		Name: "settles what another member holds", Caught: "settle/an outcome never settles what another member holds",
		Wrap: func(good driver.Driver) driver.Driver { return wrap(good, f) },
	}
}

// givesUpEarly hands a partition over while its messages are in hand.
func givesUpEarly() Fault {
	f := faults{receive: func(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error) {
		got, err := s.take(ctx, most, maxBytes)
		watched := map[*driver.Source]bool{}
		for _, m := range got {
			if watched[m.Source] {
				continue
			}
			watched[m.Source] = true
			m.Source.Watch(func(state driver.SourceState) {
				if state != driver.Ending {
					return
				}
				mine := slices.DeleteFunc(s.hand(), func(h *driver.Message) bool { return h.Source != m.Source })
				s.give(verdict(mine, driver.Release))
			})
		}
		return got, err
	}}
	return Fault{
		Name:   "gives a partition up before its handlers end",
		Caught: "source/a source that is handed over ends first, takes outcomes, and only then is lost",
		Wrap:   func(good driver.Driver) driver.Driver { return wrap(good, f) },
	}
}
