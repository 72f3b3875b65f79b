package jsonschema

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxPattern is how many instructions a pattern may compile to: a text of a thousand counted repetitions stays a few thousand.
const maxPattern = 10_000

// pattern is a compiled pattern and what it costs. The engine is Go's, whose time is linear in the text whatever the pattern.
type pattern struct {
	*regexp.Regexp
	steps int // instructions, each of which a byte of text may pass through
}

// compilePattern is the library's engine.
func compilePattern(text string) (jsonschema.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxPattern {
		return nil, fmt.Errorf("expected a pattern of at most %d instructions, got %d", maxPattern, len(prog.Inst))
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{Regexp: re, steps: len(prog.Inst)}, nil
}

// stepsOf returns what a compiled pattern costs for each byte of text.
func stepsOf(r jsonschema.Regexp) float64 {
	p, ok := r.(*pattern)
	if !ok || p == nil {
		return 0
	}
	return float64(p.steps)
}
