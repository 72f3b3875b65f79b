package messaging

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Reason says why an event is a dead letter.
type Reason string

// Reasons.
const (
	// ReasonExhausted: every attempt that the policy allows has failed.
	ReasonExhausted Reason = "exhausted"
	// ReasonPermanent: the handler said so with Permanent.
	ReasonPermanent Reason = "permanent"
	// ReasonDecode: the data is not what the handler's definition says.
	ReasonDecode Reason = "decode"
	// ReasonVersion: no handler for this version of the type.
	ReasonVersion Reason = "version"
	// ReasonSchema: the data does not fit the schema of its type and version, or there is none and the policy asks for one.
	ReasonSchema Reason = "schema"
	// ReasonUnhandled: inside the filter, and for ten minutes no member had a route for it.
	ReasonUnhandled Reason = "unhandled"
	// ReasonMalformed: the message claims to be an envelope and is a broken one.
	ReasonMalformed Reason = "malformed"
	// ReasonExpired: its ExpiresAt had passed before it was handled.
	ReasonExpired Reason = "expired"
	// ReasonPoison: the broker delivered it over and over without one recorded failure: it seems to kill the process.
	ReasonPoison Reason = "poison"
)

// Defaults of the failure policy. They follow what NServiceBus, Spring and SmallRye ship: a few immediate tries for races and dropped
// connections, a few delayed ones for outages, then a person.
var (
	defaultQuick = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}
	defaultLater = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}
)

// Delays of what is tried until it works, because giving up would lose: storing a dead letter or a copy for later.
const (
	moveRetryFirst = time.Second
	moveRetryMost  = time.Minute
)

// unroutedFor is how long an event without a route here is offered to other members before it is a dead letter, and unroutedEvery how often.
const (
	unroutedFor   = 10 * time.Minute
	unroutedEvery = 10 * time.Second
)

// RetryPolicy is what follows a failed attempt. The zero value is the default policy; to have no tries of a kind, set an empty, non-nil
// slice.
type RetryPolicy struct {
	// Quick are the delays before tries in this process, which keep the event's place in the order of its key. Defaults to 0, 100 ms and
	// 500 ms.
	Quick []time.Duration
	// Later are the delays before redeliveries through the group's inbox. After the last one follow the dead letters. Each redelivery has
	// its own quick tries. Defaults to 10 s, 1 min and 10 min.
	Later []time.Duration
	// WhenLater says what becomes of the key's next events while one waits for a redelivery. Defaults to Overtake.
	WhenLater WhenLater
}

// WhenLater says what becomes of a key's next events while one of its events waits to be redelivered later.
type WhenLater uint8

// Policies for the order of a key while one of its events waits.
const (
	// Overtake lets the key's next events be handled meanwhile. An event that has waited here for half of Capabilities.HoldLimit is put
	// off in the same way, at no attempt.
	Overtake WhenLater = iota
	// Block waits in this process instead of using the inbox, with the key standing still. The event keeps its place in the window while
	// it waits; its wait is cut short by a shutdown, and then starts again. Where the broker limits how long an event may be held, delays
	// that add up to more than half of that limit are refused when the subscription is opened, and an event with a key that is held for
	// longer all the same, behind others that fail, is left to the broker to take away: it comes again, in its order.
	Block
)

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.Quick == nil {
		p.Quick = defaultQuick
	}
	if p.Later == nil {
		p.Later = defaultLater
	}
	return p
}

func (p RetryPolicy) validate(hold time.Duration) error {
	for _, d := range p.Quick {
		if d < 0 || d > time.Minute {
			return fmt.Errorf("%w: quick retry delay %v must be between 0 and 1m", errInvalid, d)
		}
	}
	for _, d := range p.Later {
		if d < 0 {
			return fmt.Errorf("%w: later retry delay %v is negative", errInvalid, d)
		}
	}
	if total := p.total(); p.WhenLater == Block && hold > 0 && total > hold/waitShare {
		return fmt.Errorf("%w: retry delays of %v in all with Block: the broker lets an event be held for %v only, and half of it is for waiting",
			ErrUnsupported, total, hold)
	}
	return nil
}

// total is how long the delays of one event add up to at most; with Block it is held all the while.
func (p RetryPolicy) total() time.Duration {
	var quick, later time.Duration
	for _, d := range p.Quick {
		quick += longest(d)
	}
	for _, d := range p.Later {
		later += longest(d)
	}
	return later + quick*time.Duration(len(p.Later)+1)
}

// longest is the most that lengthened makes of d.
func longest(d time.Duration) time.Duration { return d + d/4 }

// lengthened adds up to a quarter: a promised lower bound stays one.
func lengthened(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d + rand.N(d/4+1) //nolint:gosec // spreads load, guards nothing
}
