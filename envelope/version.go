package envelope

import "strings"

const defaultVersion = "1"

// CanonicalVersion returns the shortest spelling of a version: "" is "1", and
// of dotted numbers the trailing ".0" are dropped, so "1.0.0" is "1". Any
// other text stands for itself. It suits a map key.
func CanonicalVersion(v string) string {
	if v == "" {
		return defaultVersion
	}
	if !strings.HasSuffix(v, ".0") || !dottedNumber(v) {
		return v
	}
	for strings.HasSuffix(v, ".0") {
		v = v[:len(v)-len(".0")]
	}
	return v
}

// SameVersion reports whether a and b spell the same version: "1", "1.0",
// "1.0.0" and "" do, "1" and "1.1" don't.
func SameVersion(a, b string) bool {
	return a == b || CanonicalVersion(a) == CanonicalVersion(b)
}

// dottedNumber reports whether v is digits between single dots.
func dottedNumber(v string) bool {
	digits := 0
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && digits > 0:
			digits = 0
		default:
			return false
		}
	}
	return digits > 0
}
