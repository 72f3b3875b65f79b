package redis

import (
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Clocked = (*Driver)(nil)

// clock tells the wall time that messages are stamped with. The zero value is time.Now.
type clock struct {
	now atomic.Pointer[func() time.Time]
}

// left returns how long it is until t.
func (c *clock) left(t time.Time) time.Duration {
	if now := c.now.Load(); now != nil {
		return t.Sub((*now)())
	}
	return time.Until(t)
}

// UseClock implements driver.Clocked. When a message is due is measured on this clock as it is sent, and counted on the server's clock from
// there on: other members need not agree with either.
func (d *Driver) UseClock(now func() time.Time) { d.clock.now.Store(&now) }
