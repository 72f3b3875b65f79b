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

// left returns how long m has to wait from now on, and 0 or less where it need not.
func (c *clock) left(m *driver.Message) time.Duration {
	if m.NotBefore.IsZero() {
		return 0
	}
	wall := time.Now()
	if now := c.now.Load(); now != nil {
		wall = (*now)()
	}
	return m.Due(wall).Sub(wall)
}

// UseClock implements driver.Clocked. When a message is due is measured on this clock as it is sent, and counted on the server's clock from
// there on: other members need not agree with either.
func (d *Driver) UseClock(now func() time.Time) { d.clock.now.Store(&now) }
