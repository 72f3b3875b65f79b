package schema

import (
	"context"
	"errors"
)

// The sentinels to branch on with errors.Is.
var (
	// ErrUnknown says that a registry answered that it has no schema for a type and version. A registry that could not answer gives
	// another error.
	ErrUnknown = errors.New("unknown schema")
	// ErrInvalidSchema says that a schema is none: its text does not parse, names what its references don't hold, or asks for more than
	// the limits allow. No retry mends it.
	ErrInvalidSchema = errors.New("invalid schema")
	// ErrMismatch says that data does not fit its schema. It is what every *Error wraps.
	ErrMismatch = errors.New("data does not fit its schema")
)

// Registry finds schemas. Implementations must be safe for concurrent use.
type Registry interface {
	// Schema returns the schema of a type and version, with all that it refers to. It must accept every spelling of the version, must
	// return an error that wraps ErrUnknown when there is no such schema, may block until ctx ends when it has to ask, and must not
	// change what it returned before.
	Schema(ctx context.Context, ref Ref) (Schema, error)
}

// Lister is a registry that can say what it holds.
type Lister interface {
	// List returns what the registry holds, canonical and sorted by Ref.Compare. The slice is the caller's. It may block until ctx ends.
	List(ctx context.Context) ([]Ref, error)
}
