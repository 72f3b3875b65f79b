package driver

import "errors"

// Errors that a driver wraps, so that what stands above can tell them apart.
var (
	// ErrUnsupported marks what this broker can't do.
	ErrUnsupported = errors.New("not supported by this broker")
	// ErrClosed marks a call on something that was closed.
	ErrClosed = errors.New("closed")
	// ErrWithdrawn is the error beside Unavailable for a message that its caller took back before its first byte.
	ErrWithdrawn = errors.New("withdrawn before it was written")
	// ErrDisconnected is the error beside Unavailable for a FailFast message while the broker is away.
	ErrDisconnected = errors.New("not connected")
	// ErrUnknownTopic marks a topic that does not exist and may not be created.
	ErrUnknownTopic = errors.New("unknown topic")
	// ErrConflict marks a group or topic that exists with other properties (filter, partitions, arguments).
	ErrConflict = errors.New("exists with other properties")
	// ErrPosition marks a start or a position that the broker can't give any more, or that it never had.
	ErrPosition = errors.New("position not available")
	// ErrInUse marks a group that can't be deleted or reset while members are connected.
	ErrInUse = errors.New("group has members")
)

// Fate is what became of one published message.
type Fate uint8

// Fates. The zero value is none of them, so that a forgotten fate shows.
const (
	// Stored: the broker has taken responsibility at the stated durability.
	Stored Fate = iota + 1
	// Unroutable: not stored, because the topic has no group yet and the address says refuse.
	Unroutable
	// Invalid: the broker will never take this message. Not stored.
	Invalid
	// TooLarge: larger than the broker takes. Not stored.
	TooLarge
	// Denied: this user may not publish there. Not stored.
	Denied
	// Unavailable: surely not stored, and may be tried again.
	Unavailable
	// Unconfirmed: it may be stored or not. It never turns into another fate.
	Unconfirmed
)

// String returns the fate's name in lower case.
func (f Fate) String() string {
	names := [...]string{"none", "stored", "unroutable", "invalid", "too large", "denied", "unavailable", "unconfirmed"}
	if int(f) < len(names) {
		return names[f]
	}
	return "unknown"
}
