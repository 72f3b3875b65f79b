package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Violation is one place where data does not fit its schema.
type Violation struct {
	// Pointer is the place in the data as a JSON Pointer (RFC 6901): "" is the data itself, "/items/0/price" a member of it. Avro and
	// Protobuf data have the pointers that their JSON encodings would have.
	Pointer string
	// Keyword is the rule of the schema, such as "required" or "type".
	Keyword string
	// Expected says what the schema asks for. It quotes the schema and the names of members, never a value of the data.
	Expected string
}

// String returns the pointer and what was expected in one line. The data itself is "/".
func (v Violation) String() string {
	pointer := v.Pointer
	if pointer == "" {
		pointer = "/"
	}
	return pointer + ": expected " + v.Expected
}

// MaxViolations is how many violations an Error holds at most; hostile data can break a schema in as many places as it has bytes.
const MaxViolations = 16

// Error says that data does not fit its schema. It never holds the data's values.
type Error struct {
	// Ref names the schema. It is empty when a Validator was asked directly.
	Ref Ref
	// Violations are the places, in the order of the data, at least one and at most MaxViolations.
	Violations []Violation
	// More is how many further violations were left out.
	More int
}

// NewError returns the error of these violations, or nil when there are none. It sorts them by pointer and keeps the first of each (pointer,
// keyword, expected). It is for implementers of Validator.
func NewError(violations []Violation) *Error {
	if len(violations) == 0 {
		return nil
	}
	slices.SortStableFunc(violations, func(a, b Violation) int {
		return comparePointers(a.Pointer, b.Pointer)
	})
	violations = slices.Compact(violations)
	more := max(0, len(violations)-MaxViolations)
	return &Error{Violations: violations[: len(violations)-more : len(violations)-more], More: more}
}

// comparePointers puts what contains first, and array elements by their number.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(x, y string) int {
		if isNumbers(x) && isNumbers(y) {
			return compareNumbers(x, y)
		}
		return strings.Compare(x, y)
	})
}

// Error returns the schema's name and every violation held, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(ErrMismatch.Error())
	if e.Ref != (Ref{}) {
		b.WriteString(" " + e.Ref.String())
	}
	for i, v := range e.Violations {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(v.String())
	}
	if e.More > 0 {
		b.WriteString("; and " + strconv.Itoa(e.More) + " more")
	}
	return b.String()
}

// Unwrap returns ErrMismatch.
func (e *Error) Unwrap() error { return ErrMismatch }

// pointerEscaper is RFC 6901, section 3.
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer appends a reference token to a JSON Pointer, escaped.
func Pointer(base, token string) string {
	if !strings.ContainsAny(token, "~/") {
		return base + "/" + token
	}
	return base + "/" + pointerEscaper.Replace(token)
}
