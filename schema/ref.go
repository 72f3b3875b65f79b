package schema

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/herald-go/herald/envelope"
)

// Ref names a schema by the type and the version of the events whose data it describes. Versions are compared as package envelope does: ""
// and "1.0" are version "1".
type Ref struct {
	Type, Version string
}

// RefOf returns the canonical name of the schema of an event's data.
func RefOf(e *envelope.Event) Ref {
	return Ref{Type: e.Type, Version: envelope.CanonicalVersion(e.Version)}
}

// Canonical returns r with the shortest spelling of its version. It suits a map key.
func (r Ref) Canonical() Ref {
	r.Version = envelope.CanonicalVersion(r.Version)
	return r
}

// String returns "order.placed version 1".
func (r Ref) String() string {
	return r.Type + " version " + envelope.CanonicalVersion(r.Version)
}

// errRef says how a type or a version must be.
var errRef = errors.New("expected a type of [A-Za-z0-9._:/-]{1,255} and a version of 1 to 64 bytes of [A-Za-z0-9._-]")

// Validate reports whether an event can have this type and a registry this version.
func (r Ref) Validate() error {
	v := envelope.CanonicalVersion(r.Version)
	if !isText(r.Type, 255, "._:/-") || !isText(v, 64, "._-") {
		return fmt.Errorf("%q version %q: %w", clip(r.Type), clip(r.Version), errRef)
	}
	return nil
}

// isText reports whether s has 1 to limit bytes, each a letter, a digit or one of more.
func isText(s string, limit int, more string) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// clip keeps a message short whatever it quotes.
func clip(s string) string { return s[:min(len(s), 100)] }

// Compare orders references by type and then by version, as CompareVersions does.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Type, o.Type), CompareVersions(r.Version, o.Version))
}

// CompareVersions orders versions: dotted numbers by their numbers ("2" before "10", "1" equal to "1.0"), and any other text after them, byte
// by byte.
func CompareVersions(a, b string) int {
	a, b = envelope.CanonicalVersion(a), envelope.CanonicalVersion(b)
	na, nb := isNumbers(a), isNumbers(b)
	switch {
	case na && nb:
		return compareNumbers(a, b)
	case na:
		return -1
	case nb:
		return 1
	}
	return cmp.Compare(a, b)
}

func isNumbers(v string) bool {
	for _, part := range strings.Split(v, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

// compareNumbers compares part by part as text, because a version may have more digits than an integer holds.
func compareNumbers(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return 0
}
