package middleware

import (
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// BrakeConfig says when a brake opens and how it probes. The zero value is ready.
//
// The defaults are those of Wolverine (10 events, 15 % failures in 10 minutes) and Dapr (5 consecutive failures, probes up to 60 s apart);
// the single probe is NServiceBus's.
type BrakeConfig struct {
	// Consecutive is how many attempts must fail in a row to open the brake. Defaults to 5, one more than an event has quick tries, so that
	// a lone event that always fails does not open it; negative is never.
	Consecutive int
	// Events is how many attempts the window must hold, and Share which share of them must have failed, to open the brake; both are needed.
	// They default to 10 and 0.15. A negative Events is never.
	Events int
	Share  float64
	// Window is how far back attempts count, in sixty steps. Defaults to 10 minutes.
	Window time.Duration
	// FirstProbe is how long the brake is open before the first probe. It doubles with each probe that fails, up to LastProbe. They default
	// to 1 s and 60 s.
	FirstProbe, LastProbe time.Duration
	// Failure tells which errors count; it is not asked about nil. The others say nothing about what the handler needs: they neither open
	// nor close the brake. Defaults to plain errors and messaging.RetryAfter, and to none that is Permanent, Discard, Snooze or Release.
	// Panics and time-outs count. It must be safe for concurrent use.
	Failure func(error) bool
	// OnChange is called with each change, in order and one at a time, from the goroutine of a handler: it must be fast. It may call State.
	OnChange func(BrakeChange)
}

// BrakeChange is one change of a brake's state.
type BrakeChange struct {
	// From and To are the states before and after it.
	From, To BrakeState
	// ProbeAt is the time of the next probe when To is BrakeOpen.
	ProbeAt time.Time
	// Err is the failure that opened the brake or kept it open; nil for other changes.
	Err error
}

// BrakeState is what a brake does.
type BrakeState uint8

// States of a brake.
const (
	// BrakeClosed: events go through.
	BrakeClosed BrakeState = iota
	// BrakeOpen: events wait for the time of the next probe.
	BrakeOpen
	// BrakeProbing: one event is being handled, the others wait. Circuit breakers call it half-open.
	BrakeProbing
)

// String returns the state's name in lower case.
func (s BrakeState) String() string {
	names := [...]string{"closed", "open", "probing"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

func (c BrakeConfig) withDefaults() BrakeConfig {
	if c.Consecutive == 0 {
		c.Consecutive = 5
	}
	if c.Events == 0 {
		c.Events = 10
	}
	if c.Share == 0 {
		c.Share = 0.15
	}
	if c.Window == 0 {
		c.Window = 10 * time.Minute
	}
	if c.FirstProbe == 0 {
		c.FirstProbe = time.Second
	}
	if c.LastProbe == 0 {
		c.LastProbe = max(time.Minute, c.FirstProbe)
	}
	if c.Failure == nil {
		c.Failure = transient
	}
	return c
}

func (c BrakeConfig) validate() error {
	switch {
	case c.Consecutive < 0 && c.Events < 0:
		return invalid("brake: with neither Consecutive nor Events it never opens")
	case !(c.Share > 0 && c.Share <= 1): // NaN is neither
		return invalid("brake: Share is %v, must be above 0 and at most 1", c.Share)
	case c.Window < windowSteps:
		return invalid("brake: Window is %v, must be above zero", c.Window)
	case c.FirstProbe < 0 || c.LastProbe < c.FirstProbe:
		return invalid("brake: FirstProbe is %v and LastProbe %v, must not be negative nor shrink", c.FirstProbe, c.LastProbe)
	}
	return nil
}

// transient reports whether an error may be the fault of what the handler depends on.
func transient(err error) bool {
	v := messaging.VerdictOf(err)
	return v == messaging.VerdictRetry || v == messaging.VerdictRetryAfter
}
