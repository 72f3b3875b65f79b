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

// matchType matches word by word, as AMQP's topic exchange does: `*` is one word, `#` none or more. When it is stuck, only the last `#` can
// mend that by taking another word, so the time is bounded by the product of the lengths, whoever chose the type.
func matchType(pattern, typ string) bool {
	p, t := words{pattern, true}, words{typ, true}
	var afterHash, taken words
	for p.more || t.more {
		word, rest := p.cut()
		if p.more && word == "#" {
			if !rest.more {
				return true
			}
			p, afterHash, taken = rest, rest, t
			continue
		}
		left, following := t.cut()
		if p.more && t.more && (word == "*" || word == left) {
			p, t = rest, following
			continue
		}
		if !taken.more {
			return false
		}
		_, taken = taken.cut()
		p, t = afterHash, taken
	}
	return true
}

// words are what is left of words joined by dots; without more, none is.
type words struct {
	text string
	more bool
}

// cut returns the next word and what follows it.
func (w words) cut() (string, words) {
	word, rest, more := strings.Cut(w.text, ".")
	return word, words{rest, more}
}

// validatePattern refuses what no type can match.
func validatePattern(p string) error {
	if p == "" || len(p) > 255 {
		return fmt.Errorf("%w: type pattern %q must have 1 to 255 characters", errInvalid, p)
	}
	for _, word := range strings.Split(p, ".") {
		if isPattern(word) && len(word) > 1 {
			return fmt.Errorf("%w: type pattern %q: * and # stand for whole words between dots", errInvalid, p)
		}
	}
	for i := range len(p) {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-*#", rune(p[i])) {
			return fmt.Errorf("%w: type pattern %q: %q is not allowed in a type", errInvalid, p, p[i])
		}
	}
	return nil
}
