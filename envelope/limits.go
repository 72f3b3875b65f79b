package envelope

// The limits that a zero field of Limits stands for.
const (
	// DefaultMessage is below what a stock Kafka broker takes (1,048,588
	// bytes), which leaves room for what brokers and retries add.
	DefaultMessage = 1_000_000
	// DefaultHeaderBytes is the default of Limits.HeaderBytes.
	DefaultHeaderBytes = 64 << 10
	// DefaultHeaderCount is the default of Limits.HeaderCount.
	DefaultHeaderCount = 128
	// DefaultNesting is the default of Limits.Nesting.
	DefaultNesting = 64
	// MaxNesting is the highest Limits.Nesting that has an effect; it bounds
	// the stack that a hostile document can ask for.
	MaxNesting = 1000
)

// Limits bound an event in both directions. A field of zero or less means its
// default, so the zero value is the default limits.
type Limits struct {
	// Message is the most bytes that attributes, headers and data may have
	// together, as written. See [Event.Size] and [Record.Size].
	Message int
	// HeaderBytes is the most bytes that the keys and values of the user's
	// headers may have together.
	HeaderBytes int
	// HeaderCount is the most user headers an event may have.
	HeaderCount int
	// Nesting is the most levels that arrays and objects of a json form may
	// have; the document itself is the first.
	Nesting int
}

// WithDefaults returns the limits with every unset field filled in.
func (l Limits) WithDefaults() Limits {
	if l.Message <= 0 {
		l.Message = DefaultMessage
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = DefaultHeaderBytes
	}
	if l.HeaderCount <= 0 {
		l.HeaderCount = DefaultHeaderCount
	}
	if l.Nesting <= 0 {
		l.Nesting = DefaultNesting
	}
	l.Nesting = min(l.Nesting, MaxNesting)
	return l
}

// headers checks the number and bytes of user headers.
func (l Limits) headers(count, bytes int) *Error {
	if count > l.HeaderCount {
		return tooLarge("headers", "headers", count, l.HeaderCount)
	}
	if bytes > l.HeaderBytes {
		return tooLarge("headers", "bytes", bytes, l.HeaderBytes)
	}
	return nil
}
