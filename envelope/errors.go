package envelope

import (
	"errors"
	"strconv"
)

// The sentinels to branch on with errors.Is. None of them is worth a retry:
// the same input gives the same answer.
var (
	// ErrInvalid says that an event can't be published as it is.
	ErrInvalid = errors.New("invalid event")
	// ErrTooLarge says that an event or a record exceeds one of its Limits.
	ErrTooLarge = errors.New("event too large")
	// ErrMalformed says that a record claims to be an event and is not one.
	ErrMalformed = errors.New("malformed event")
)

// Error is the one error type of this package. It never holds data, header
// values or attribute values, except what an error given to Failed says.
type Error struct {
	// Field names what is wrong: an attribute by its JSON member, such as
	// "eventId", a binary attribute by its header, such as
	// "herald-expires-at", an attribute of CloudEvents being read by its name,
	// such as "expirytime" or `extension "name"`, a user header as `header "key"`, or "message".
	Field string
	// Reason says what was expected.
	Reason string
	// Err is ErrInvalid, ErrTooLarge or ErrMalformed.
	Err error
}

// Error returns the sentinel, the field and the reason in one line.
func (e *Error) Error() string {
	return e.Err.Error() + ": " + e.Field + ": " + e.Reason
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

func invalid(field, reason string) *Error {
	return &Error{Field: field, Reason: reason, Err: ErrInvalid}
}

func malformed(field, reason string) *Error {
	return &Error{Field: field, Reason: reason, Err: ErrMalformed}
}

func tooLarge(field, unit string, got, limit int) *Error {
	reason := "expected at most " + strconv.Itoa(limit) + " " + unit + ", got " + strconv.Itoa(got)
	return &Error{Field: field, Reason: reason, Err: ErrTooLarge}
}
