package messaging

import (
	"errors"
	"time"
)

// verdict is what an error asks for.
type verdict uint8

const (
	verdictRetry verdict = iota
	verdictPermanent
	verdictAfter
	verdictDiscard
	verdictSnooze
	verdictRelease
)

// verdictError carries a wish through any wrapping.
type verdictError struct {
	verdict verdict
	reason  Reason
	after   time.Duration
	err     error
}

func (e *verdictError) Error() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.verdict == verdictSnooze:
		return "snoozed for " + e.after.String()
	default:
		return "released"
	}
}

func (e *verdictError) Unwrap() error { return e.err }

// Permanent marks err as one that no retry mends: the event goes to the dead letters at once, with reason "permanent". It counts as an
// attempt. A nil err stays nil.
func Permanent(err error) error { return wish(verdictPermanent, ReasonPermanent, 0, err) }

// RetryAfter marks err as worth another attempt, not before d has passed. It counts as an attempt and takes the place of the policy's next
// delay; quick retries are skipped. A nil err stays nil.
func RetryAfter(d time.Duration, err error) error { return wish(verdictAfter, "", d, err) }

// Discard marks err as one for which the event should be dropped: it is settled, counted, told to Hooks.Discard, and not kept. It counts as
// an attempt. A nil err stays nil.
func Discard(err error) error { return wish(verdictDiscard, "", 0, err) }

// Snooze returns an error that asks for the event again after d. It is no failure: it counts no attempt.
func Snooze(d time.Duration) error { return &verdictError{verdict: verdictSnooze, after: d} }

// Release returns an error that gives the event back for any member to take, at once. It is no failure: it counts no attempt.
func Release() error { return &verdictError{verdict: verdictRelease} }

func wish(v verdict, r Reason, after time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &verdictError{verdict: v, reason: r, after: after, err: err}
}

// refused is a permanent failure with a reason of Herald's own.
func refused(r Reason, err error) error {
	return &verdictError{verdict: verdictPermanent, reason: r, err: err}
}

// wished finds what err asks for.
func wished(err error) *verdictError {
	var v *verdictError
	if errors.As(err, &v) {
		return v
	}
	return &verdictError{verdict: verdictRetry, err: err}
}
