package catalog

import (
	"strings"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

// matches reports whether a type and version is one that a text means: "order.placed", "order.placed@2" or "order.*".
func matches(pattern string, ref schema.Ref) bool {
	if i := strings.LastIndexByte(pattern, '@'); i >= 0 {
		if !envelope.SameVersion(pattern[i+1:], ref.Version) {
			return false
		}
		pattern = pattern[:i]
	}
	return matchWords(strings.Split(pattern, "."), strings.Split(ref.Type, "."))
}

// matchWords matches words, by a table so that many # cost no more than one.
func matchWords(pattern, words []string) bool {
	reach := make([]bool, len(words)+1) // reach[i]: the pattern so far matches the first i words
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(words)+1)
		for i := range reach {
			switch {
			case p == "#":
				next[i] = reach[i] || i > 0 && next[i-1]
			case i > 0 && reach[i-1]:
				next[i] = p == "*" || p == words[i-1]
			}
		}
		reach = next
	}
	return reach[len(words)]
}

// isExact reports whether a text means one type.
func isExact(pattern string) bool { return !strings.ContainsAny(pattern, "*#") }

// refOf returns the reference of a text that means one type; version "" is any.
func refOf(pattern string) (typ, version string) {
	typ, version, _ = strings.Cut(pattern, "@")
	return typ, version
}
