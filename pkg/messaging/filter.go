package messaging

import (
	"fmt"
	"slices"
	"strings"
)

// filter is a compiled set of type patterns. The zero value takes all.
type filter struct {
	exact    map[string]struct{}
	patterns []string
}

// newFilter compiles patterns; none, or one that is "#", takes all.
func newFilter(patterns []string) filter {
	var f filter
	if len(patterns) == 0 || slices.Contains(patterns, "#") {
		return f
	}
	f.exact = make(map[string]struct{}, len(patterns))
	for _, p := range patterns {
		if isPattern(p) {
			f.patterns = append(f.patterns, p)
		} else {
			f.exact[p] = struct{}{}
		}
	}
	return f
}

func (f *filter) match(typ string) bool {
	if f.exact == nil {
		return true
	}
	if _, ok := f.exact[typ]; ok {
		return true
	}
	for _, p := range f.patterns {
		if matchType(p, typ) {
			return true
		}
	}
	return false
}

func isPattern(p string) bool { return strings.ContainsAny(p, "*#") }

// matchType matches word by word, as AMQP's topic exchange does: `*` is one word, `#` none or more.
func matchType(pattern, typ string) bool {
	head, rest, more := strings.Cut(pattern, ".")
	if head == "#" {
		if !more {
			return true
		}
		for {
			if matchType(rest, typ) {
				return true
			}
			_, next, ok := strings.Cut(typ, ".")
			if !ok {
				// No word is left for the rest, which matches only when it is made of # alone.
				return strings.Trim(rest, "#.") == ""
			}
			typ = next
		}
	}
	word, left, ok := strings.Cut(typ, ".")
	if head != "*" && head != word {
		return false
	}
	if !more {
		return !ok
	}
	if !ok {
		return strings.Trim(rest, "#.") == "" && !strings.Contains(rest, "*")
	}
	return matchType(rest, left)
}

// validatePattern refuses what no type can match.
func validatePattern(p string) error {
	if p == "" || len(p) > 255 {
		return fmt.Errorf("%w: type pattern %q must have 1 to 255 characters", ErrInvalid, p)
	}
	for _, word := range strings.Split(p, ".") {
		if isPattern(word) && len(word) > 1 {
			return fmt.Errorf("%w: type pattern %q: * and # stand for whole words between dots", ErrInvalid, p)
		}
	}
	for i := range len(p) {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-*#", rune(p[i])) {
			return fmt.Errorf("%w: type pattern %q: %q is not allowed in a type", ErrInvalid, p, p[i])
		}
	}
	return nil
}
