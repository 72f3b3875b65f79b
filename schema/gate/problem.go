package gate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

// Rule names what a problem breaks. Besides the rules of this package it can be any of package compat.
type Rule = compat.Rule

// The rules of Check, next to those of package compat.
const (
	// RuleChanged says that a version that was published has another schema now.
	RuleChanged Rule = "changed-in-place"
	// RuleRemoved says that a version that was published is gone.
	RuleRemoved Rule = "removed"
	// RuleInvalid says that a schema can't be read.
	RuleInvalid Rule = "invalid"
)

// Rules returns the rules of Check that are not of package compat. The slice is the caller's.
func Rules() []Rule { return []Rule{RuleChanged, RuleRemoved, RuleInvalid} }

// Problem is one thing that the gate objects to.
type Problem struct {
	// Type and Version name the schema.
	Type    string `json:"type"`
	Version string `json:"version"`
	// Source is where it came from, a file's path in its folder; "" if it is gone.
	Source string `json:"source,omitempty"`
	// Path is the place in the schema, as compat.Finding has it; "" is the whole.
	Path string `json:"path,omitempty"`
	// Rule is what was broken; a problem is let pass by naming it.
	Rule Rule `json:"rule"`
	// Direction and Against are set for findings of package compat: which reading breaks, and with which version.
	Direction compat.Direction `json:"direction,omitempty"`
	Against   string           `json:"against,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
}

// String returns the problem in one line: "order.placed/2.json: /properties/total: message (rule, backward)".
func (p Problem) String() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
	} else {
		b.WriteString(schema.Ref{Type: p.Type, Version: p.Version}.String())
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.Message + " (" + string(p.Rule))
	if p.Direction != "" {
		b.WriteString(", " + string(p.Direction))
	}
	b.WriteString(")")
	return b.String()
}

func problem(ref schema.Ref, s schema.Schema, rule Rule, path, message string) Problem {
	return Problem{Type: ref.Type, Version: ref.Version, Source: s.Source, Path: path, Rule: rule, Message: message}
}

// ordered sorts problems by type, version, path and rule.
func ordered(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(schema.Ref{Type: a.Type, Version: a.Version}.Compare(schema.Ref{Type: b.Type, Version: b.Version}),
			cmp.Compare(a.Against, b.Against), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return ps
}
