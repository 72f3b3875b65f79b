package driver

import "time"

// Clocked is implemented by drivers that compare wall time with what comes from elsewhere: [Message.NotBefore], stamps of other processes.
type Clocked interface {
	// UseClock sets the clock that tells the wall time; until it is called that is time.Now. messaging.New calls it at most once, before
	// the driver's first Send and Subscribe; it must be safe beside whatever the driver does by itself, and must not block. now is safe for
	// concurrent use. Its time may jump, either way, at any moment: how long something lasts must be measured by time.Now, and what must
	// hold between processes must not rest on their clocks (leases, fencing).
	UseClock(now func() time.Time)
}
