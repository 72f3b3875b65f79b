package messaging

import (
	"errors"
	"time"
)

// Verdict is what a handler's return value asks for.
type Verdict uint8

// Verdicts.
const (
	// VerdictDone: nil, the event is finished.
	VerdictDone Verdict = iota
	// VerdictRetry: any plain error, the failure policy decides.
	VerdictRetry
	// VerdictPermanent: made by Permanent.
	VerdictPermanent
	// VerdictRetryAfter: made by RetryAfter.
	VerdictRetryAfter
	// VerdictDiscard: made by Discard.
	VerdictDiscard
	// VerdictSnooze: made by Snooze; no failure.
	VerdictSnooze
	// VerdictRelease: made by Release; no failure.
	VerdictRelease
)

// VerdictOf returns what err asks for, found through any wrapping; the outermost wins. It is for middleware and tests.
func VerdictOf(err error) Verdict {
	switch {
	case err == nil:
		return VerdictDone
	case errors.Is(err, errNoRoute):
		return VerdictRelease // another member may have the route
	}
	return wished(err).verdict
}

// Failure reports whether the verdict counts as a failed attempt.
func (v Verdict) Failure() bool {
	return v == VerdictRetry || v == VerdictPermanent || v == VerdictRetryAfter || v == VerdictDiscard
}

// String returns the verdict's name in lower case.
func (v Verdict) String() string {
	names := [...]string{"done", "retry", "permanent", "retry after", "discard", "snooze", "release"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// verdictError carries a wish through any wrapping.
type verdictError struct {
	verdict Verdict
	reason  Reason
	after   time.Duration
	err     error
}

func (e *verdictError) Error() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.verdict == VerdictSnooze:
		return "snoozed for " + e.after.String()
	default:
		return "released"
	}
}

func (e *verdictError) Unwrap() error { return e.err }

// Permanent marks err as one that no retry mends: the event goes to the dead letters at once, with reason "permanent". It counts as an
// attempt. A nil err stays nil.
func Permanent(err error) error { return wish(VerdictPermanent, ReasonPermanent, 0, err) }

// RetryAfter marks err as worth another attempt, not before d has passed. It counts as an attempt and takes the place of the policy's next
// later delay; quick retries are skipped. When the policy has no later delay left, the event is a dead letter. A nil err stays nil.
func RetryAfter(d time.Duration, err error) error { return wish(VerdictRetryAfter, "", d, err) }

// Discard marks err as one for which the event should be dropped: it is settled, counted, told to Hooks.Discard, and not kept. It counts as
// an attempt. A nil err stays nil.
func Discard(err error) error { return wish(VerdictDiscard, "", 0, err) }

// Snooze returns an error that asks for the event again after d. It is no failure: it counts no attempt.
func Snooze(d time.Duration) error { return &verdictError{verdict: VerdictSnooze, after: d} }

// Release returns an error that gives the event back for any member to take. It is no failure: it counts no attempt. A broadcast, and a
// subscription that blocks a key while its event waits, has nowhere to give it to: they try again themselves after a tenth of a second.
func Release() error { return &verdictError{verdict: VerdictRelease} }

func wish(v Verdict, r Reason, after time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &verdictError{verdict: v, reason: r, after: after, err: err}
}

// refused is a permanent failure with a reason of Herald's own.
func refused(r Reason, err error) error {
	return &verdictError{verdict: VerdictPermanent, reason: r, err: err}
}

// wished finds what err asks for.
func wished(err error) *verdictError {
	var v *verdictError
	if errors.As(err, &v) {
		return v
	}
	return &verdictError{verdict: VerdictRetry, err: err}
}
