package middleware

import (
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/pkg/messaging"
)

// Chain makes one middleware of several, the first outermost, as messaging.Use does. Without any it passes events on. It keeps no reference
// to the slice.
func Chain(m ...messaging.Middleware) messaging.Middleware {
	m = slices.Clone(m)
	return func(next messaging.Handler) messaging.Handler {
		for _, wrap := range slices.Backward(m) {
			next = wrap(next)
		}
		return next
	}
}

// ForTypes limits a middleware to the events whose type one of the patterns matches; others go straight to the handler. Patterns are those
// of messaging.OnType: `*` is one word between dots, `#` any number. Without patterns, and for one that no type can match, it returns an
// error that is messaging.ErrInvalid.
func ForTypes(m messaging.Middleware, patterns ...string) (messaging.Middleware, error) {
	if m == nil {
		return nil, invalid("for types: the middleware is nil")
	}
	if err := checkPatterns(patterns); err != nil {
		return nil, invalid("for types: %v", err)
	}
	return forTypes(m, patterns), nil
}

func forTypes(m messaging.Middleware, patterns []string) messaging.Middleware {
	patterns = slices.Clone(patterns)
	if slices.Contains(patterns, "#") {
		return m
	}
	return func(next messaging.Handler) messaging.Handler {
		wrapped := m(next)
		bindings := make([]messaging.Binding, 0, len(patterns)+1)
		for _, p := range patterns {
			bindings = append(bindings, messaging.OnType(p, wrapped))
		}
		return messaging.Route(append(bindings, messaging.OnType("#", next))...) // the first pattern that matches wins
	}
}

// checkPatterns refuses patterns that no type can match.
func checkPatterns(patterns []string) error {
	if len(patterns) == 0 {
		return fmt.Errorf("no type patterns")
	}
	for _, p := range patterns {
		if p == "" {
			return fmt.Errorf("a type pattern is empty")
		}
		for word := range strings.SplitSeq(p, ".") {
			if len(word) > 1 && strings.ContainsAny(word, "*#") {
				return fmt.Errorf("type pattern %q: * and # stand for whole words between dots", p)
			}
		}
	}
	return nil
}

// invalid returns an error that is messaging.ErrInvalid.
func invalid(format string, args ...any) error {
	return &configError{text: fmt.Sprintf(format, args...)}
}

// configError says what is wrong with a configuration.
type configError struct{ text string }

// Error begins with what was configured.
func (e *configError) Error() string { return e.text }

// Is reports whether target is messaging.ErrInvalid.
func (e *configError) Is(target error) bool { return target == messaging.ErrInvalid }
