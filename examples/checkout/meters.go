package main

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// place is a group at a topic.
type place struct{ topic, group string }

// meter is what the hooks count for one group. Hooks run on the goroutines that do the work, so they do no more than add one.
type meter struct {
	retries, later, dead, redriven atomic.Int64
	lag                            atomic.Int64 // unknownLag where the broker can't tell
}

// unknownLag stands for a lag that nobody knows.
const unknownLag = -1

// meters holds the meters of all groups. The map is complete before the broker opens and never changes, so that it needs no lock.
type meters map[place]*meter

func newMeters(members []*member) meters {
	m := make(meters, len(members))
	for _, g := range members {
		m[place{g.topic, g.group}] = &meter{}
	}
	return m
}

// hooks returns the hooks that do the counting. A program with Prometheus would count there in the same way.
func (m meters) hooks() messaging.Hooks {
	return messaging.Hooks{
		Retry: func(d *messaging.Delivery, _ error, _ time.Duration, later bool) {
			g, ok := m[place{d.Topic, d.Group}]
			switch {
			case !ok:
			case later:
				g.later.Add(1)
			default:
				g.retries.Add(1)
			}
		},
		DeadLetter: func(l *messaging.DeadLetter) {
			if g, ok := m[place{l.Topic, l.Group}]; ok {
				g.dead.Add(1)
			}
		},
	}
}

// follow asks the broker for the groups' lags until ctx ends. It has a goroutine of its own: a broker that answers slowly must not hold up
// the view.
func (m meters) follow(ctx context.Context, b *messaging.Broker) {
	for pause(ctx, 100*time.Millisecond) == nil {
		for p, g := range m {
			lag, err := b.Lag(ctx, p.topic, p.group)
			switch {
			case err == nil:
				g.lag.Store(lag.Count + lag.Later)
			case errors.Is(err, messaging.ErrUnsupported):
				g.lag.Store(unknownLag)
			default: // the next answer will do
			}
		}
	}
}

// speed is a count's rate, smoothed over about half a second.
type speed struct {
	count int64
	at    time.Time // of the last update; first the beginning
	rate  float64
}

// update takes a new count and returns the rate per second.
func (s *speed) update(count int64, now time.Time) float64 {
	passed := now.Sub(s.at).Seconds()
	if passed <= 0 {
		return s.rate
	}
	latest := float64(count-s.count) / passed
	s.rate += (latest - s.rate) * (1 - math.Exp(-passed/0.5))
	s.count, s.at = count, now
	return s.rate
}
