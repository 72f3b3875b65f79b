package middleware

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// Brake is a circuit breaker that holds events instead of failing them: when too many attempts fail it opens, and handlers wait, which stops
// intake, instead of using up the attempts of one event after the other. From time to time one event goes through as a probe; when it
// succeeds the brake closes and all go on. A waiting event counts no attempt and keeps its place in the order of its key; see the package on
// waiting.
//
// A brake belongs to what may fail, such as a payment service: give one value to every subscription whose handlers need it. It is local to
// the process and safe for concurrent use.
type Brake struct {
	cfg BrakeConfig

	mu      sync.Mutex
	state   BrakeState
	period  uint64 // grows with each opening: what began before it says nothing after it
	window  window
	running int           // failures since the last success
	delay   time.Duration // before the next probe
	probeAt time.Time
	changed chan struct{} // closed with each change, for those that wait; nil while closed
	untold  []BrakeChange // for OnChange
	telling bool          // somebody calls OnChange
}

// NewBrake returns a closed brake. A configuration out of range is an error that is messaging.ErrInvalid.
func NewBrake(cfg BrakeConfig) (*Brake, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Brake{cfg: cfg, window: window{length: cfg.Window}}, nil
}

// State returns what the brake does now. It never blocks for long.
func (b *Brake) State() BrakeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Middleware is the messaging.Middleware. Attempts that have begun when the brake opens are not stopped. A failed probe is a failed attempt
// like any other, so that an event that can never succeed can't hold the brake open for ever.
func (b *Brake) Middleware(next messaging.Handler) messaging.Handler {
	return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		t, ok := b.enter(ctx)
		if !ok {
			return again()
		}
		err := errNoReturn // what is counted when the handler panics or ends its goroutine
		defer func() { b.leave(t, b.judge(ctx, err), err) }()
		err = next.Handle(ctx, d)
		return err
	})
}

var errNoReturn = errors.New("handler did not return")

// ticket is what an attempt needs to leave.
type ticket struct {
	period uint64
	probe  bool
}

// outcome is what an attempt says about what the handler depends on.
type outcome uint8

const (
	silent outcome = iota
	success
	failure
)

// judge tells what an attempt says. What was interrupted by draining or a revocation says nothing.
func (b *Brake) judge(ctx context.Context, err error) outcome {
	if err == nil {
		return success
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, messaging.ErrDraining), errors.Is(cause, messaging.ErrRevoked):
		return silent
	case errors.Is(err, errNoReturn), b.cfg.Failure(err):
		return failure
	default:
		return silent
	}
}

// enter waits until the event may go on, and reports whether it may; otherwise it has waited long enough for this attempt.
func (b *Brake) enter(ctx context.Context) (ticket, bool) {
	b.mu.Lock()
	if b.state == BrakeClosed {
		t := ticket{period: b.period}
		b.mu.Unlock()
		return t, true
	}
	b.mu.Unlock()
	now := time.Now()
	for end := waitUntil(ctx, now); now.Before(end) && ctx.Err() == nil; now = time.Now() {
		t, ok, wake, changed := b.ask(now, end)
		if ok {
			return t, true
		}
		if !sleep(ctx, wake.Sub(now), changed) {
			break
		}
	}
	return ticket{}, false
}

// ask lets one event through as a probe when it is time, and any when the brake is closed; otherwise it returns when to ask again, at most
// end, and what is closed if that is to be sooner.
func (b *Brake) ask(now, end time.Time) (t ticket, ok bool, wake time.Time, changed <-chan struct{}) {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == BrakeClosed:
		return ticket{period: b.period}, true, end, nil
	case b.state == BrakeProbing:
		return ticket{}, false, end, b.changed
	case now.Before(b.probeAt):
		return ticket{}, false, earlier(b.probeAt, end), b.changed
	}
	b.become(BrakeProbing, nil)
	return ticket{period: b.period, probe: true}, true, end, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// leave counts an attempt.
func (b *Brake) leave(t ticket, o outcome, err error) {
	if o == silent && !t.probe {
		return
	}
	now := time.Now()
	b.mu.Lock()
	if t.period == b.period {
		if t.probe {
			b.probed(now, o, err)
		} else {
			b.count(now, o, err)
		}
	}
	tell := len(b.untold) > 0
	b.mu.Unlock()
	if tell {
		b.tell()
	}
}

// count counts an attempt made with a closed brake. b.mu is held.
func (b *Brake) count(now time.Time, o outcome, err error) {
	b.window.add(now, o == failure)
	if o == success {
		b.running = 0
		return
	}
	b.running++
	if !b.tooMany(now) {
		return
	}
	b.period++
	b.delay = b.cfg.FirstProbe
	b.probeAt = now.Add(b.delay)
	b.become(BrakeOpen, err)
}

// tooMany reports whether the failures are enough to open the brake. b.mu is held.
func (b *Brake) tooMany(now time.Time) bool {
	if b.cfg.Consecutive > 0 && b.running >= b.cfg.Consecutive {
		return true
	}
	if b.cfg.Events < 0 {
		return false
	}
	all, failed := b.window.sum(now)
	return all >= b.cfg.Events && float64(failed) >= b.cfg.Share*float64(all)
}

// probed acts on the end of a probe. b.mu is held.
func (b *Brake) probed(now time.Time, o outcome, err error) {
	switch o {
	case success:
		b.running = 0
		b.window.reset()
		b.become(BrakeClosed, nil)
		return
	case failure:
		b.delay = min(2*b.delay, b.cfg.LastProbe)
		b.probeAt = now.Add(b.delay)
	default:
		b.probeAt = now // another event may tell more
	}
	b.become(BrakeOpen, err)
}

// become changes the state and wakes all who wait. b.mu is held.
func (b *Brake) become(state BrakeState, err error) {
	change := BrakeChange{From: b.state, To: state, Err: err}
	if state == BrakeOpen {
		change.ProbeAt = b.probeAt
	}
	b.state = state
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	if state != BrakeClosed {
		b.changed = make(chan struct{})
	}
	if b.cfg.OnChange != nil {
		b.untold = append(b.untold, change)
	}
}

// tell calls OnChange for what changed, in order and one at a time, without holding b.mu. Whoever finds somebody else telling leaves it to
// them.
func (b *Brake) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.telling {
		return
	}
	b.telling = true
	defer func() { b.telling = false }()
	for len(b.untold) > 0 {
		change := b.untold[0]
		b.untold = b.untold[1:]
		b.call(change)
	}
}

// call calls OnChange. b.mu is held, but not meanwhile.
func (b *Brake) call(change BrakeChange) {
	b.mu.Unlock()
	defer b.mu.Lock()
	b.cfg.OnChange(change)
}
