package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/pkg/messaging"
)

// Error is one thing that is wrong. What Load, LoadFS and Parse return joins all of them, each one line; errors.As finds the first. It
// wraps messaging.ErrInvalid, never holds a password or the value of an expanded variable, and wraps the file system's error where there is
// one.
type Error struct {
	// Source is the file's name as it was given, "code" for Loader.Code, or the name of a HERALD_ variable. It is empty for what no source
	// says.
	Source string
	// Line is the line of a file or of Loader.Code, counted from 1; 0 where there is none.
	Line int
	// Key is the key with those above it, joined by dots; empty when a whole file is meant.
	Key string
	// Err says what is wrong and what to write; never nil.
	Err error
}

// Error returns "source:line: key: what is wrong", in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(shown(e.Source))
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	return b.String() + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is messaging.ErrInvalid: every Error is that.
func (e *Error) Is(target error) bool { return target == messaging.ErrInvalid }

// maxProblems bounds an error's text, for files that are something else.
const maxProblems = 100

// problems collects errors.
type problems []*Error

func problem(from origin, key, format string, args ...any) *Error {
	source := from.file
	if from.variable != "" {
		source = from.variable
	}
	return &Error{Source: source, Line: from.line, Key: key, Err: fmt.Errorf(format, args...)}
}

func (p *problems) add(from origin, key, format string, args ...any) {
	*p = append(*p, problem(from, key, format, args...))
}

// join returns all of them as one error: by their sources in the order given, then variables, then lines.
func (p problems) join(sources []string) error {
	place := func(e *Error) int {
		if i := slices.Index(sources, e.Source); i >= 0 {
			return i
		}
		return len(sources)
	}
	slices.SortStableFunc(p, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Line, b.Line))
	})
	var errs []error
	for _, e := range p[:min(len(p), maxProblems)] {
		errs = append(errs, e)
	}
	if more := len(p) - maxProblems; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
