package schema

// Validator checks data against one compiled schema. Implementations must be safe for concurrent use and must not keep or change data.
type Validator interface {
	// Validate returns nil when data fits the schema, else an *Error, whose Ref it leaves empty. It must bound its recursion and what it
	// allocates by the length of data, and must not panic whatever data holds.
	Validate(data []byte) error
}

// Compiler compiles schemas of one format. Implementations must be safe for concurrent use.
type Compiler interface {
	// Format returns the format whose schemas the compiler takes.
	Format() Format
	// Compile returns the validator of a schema. The schema's references are all that it may read: it must open no file and no connection.
	// A schema that can't be compiled, or not within the compiler's limits, is an error that wraps ErrInvalidSchema.
	Compile(s Schema) (Validator, error)
}

// The limits on schemas that every compiler keeps, unless its configuration says otherwise.
const (
	// MaxText is the most bytes that a schema may have together with all it refers to.
	MaxText = 1 << 20
	// MaxReferences is the most references that a schema may have, all levels taken together.
	MaxReferences = 256
	// MaxReferenceDepth is the most levels of references to references.
	MaxReferenceDepth = 32
)
