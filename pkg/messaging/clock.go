package messaging

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// WithClock sets the clock that tells the wall time: the times of new events and of dead letters, when an event has expired, until when one
// is put off. It is for tests, above all of clocks that disagree. now must be safe for concurrent use; its time may jump. How long something
// lasts, such as time-outs and quick retries, is measured without it, and nothing between members rests on their clocks. Defaults to
// time.Now.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.clock = now } }

// setClock hands the clock on to a driver that reads one.
func (b *Broker) setClock() {
	if b.clock == nil {
		b.clock = time.Now
		return
	}
	if d, ok := b.driver.(driver.Clocked); ok {
		d.UseClock(b.clock)
	}
}
