package rabbitmq

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Clocked = (*Driver)(nil)

// UseClock implements driver.Clocked. The clock tells how long a message with a NotBefore waits, stamps what is written, and says how old that
// is when a Lag is asked for. What waits in the broker waits by the broker's clock from then on, for a time and not until one.
func (d *Driver) UseClock(now func() time.Time) { d.clock.Store(&now) }

// now is the wall time. How long something takes in this process is measured by time.Now.
func (d *Driver) now() time.Time {
	if now := d.clock.Load(); now != nil {
		return (*now)()
	}
	return time.Now()
}
