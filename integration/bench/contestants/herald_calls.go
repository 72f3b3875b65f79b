package contestants

import (
	"context"
	"errors"
	"sync"

	"github.com/herald-go/herald/envelope"

	"github.com/herald-go/herald/integration/bench/contest"
)

// heraldCalls is Herald for a program that has its events at once, as that of [kafkaProduce] has: it publishes a thousand a call, from one
// goroutine for each partition.
type heraldCalls struct{ herald }

// HeraldCallsName is the name of that contestant.
const HeraldCallsName = "Herald by calls"

// seeHerald is why it does nothing else.
const seeHerald = "see Herald"

// Profile implements contest.Contestant.
func (h heraldCalls) Profile() contest.Profile {
	p := h.herald.Profile()
	p.Name, p.Settings = HeraldCallsName, "4 goroutines, by key, that publish 1,000 events a call; else as Herald"
	return p
}

// Prepare implements contest.Contestant.
func (h heraldCalls) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if t.Work != contest.Pipelined {
		return contest.Cannot(seeHerald)
	}
	return h.herald.Prepare(ctx, t, events)
}

// Open implements contest.Contestant.
func (h heraldCalls) Open(ctx context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	s, err := h.session(ctx, t, events)
	return &callsSession{s}, err
}

type callsSession struct{ *heraldSession }

// Stream implements contest.Session.
func (s *callsSession) Stream(ctx context.Context, from, to int) error {
	errs := make([]error, kafkaPartitions)
	var all sync.WaitGroup
	for p := range kafkaPartitions {
		all.Go(func() { errs[p] = s.streamKeys(ctx, from, to, p) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// streamKeys publishes the events of a share of the keys.
func (s *callsSession) streamKeys(ctx context.Context, from, to, share int) error {
	call := make([]envelope.Event, 0, kafkaBatch)
	for i := from; i < to; i++ {
		if partition(s.events.Key(i), kafkaPartitions) != share {
			continue
		}
		if call = append(call, s.event(i)); len(call) < kafkaBatch {
			continue
		}
		if err := s.b.Publish(ctx, s.t.Topic, call...); err != nil {
			return err
		}
		call = call[:0]
	}
	if len(call) == 0 {
		return nil
	}
	return s.b.Publish(ctx, s.t.Topic, call...)
}
