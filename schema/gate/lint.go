package gate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/internal/outline"
)

// The rules of Lint. Each can be turned off by its name.
const (
	// LintName asks for types named <entity>.<action>, such as order.placed.
	LintName Rule = "lint-name"
	// LintVersion asks for whole numbers as versions, without gaps.
	LintVersion Rule = "lint-version"
	// LintDescription asks for a description of the event.
	LintDescription Rule = "lint-description"
	// LintFieldDescription asks for a description of every field: description in JSON Schema, doc in Avro, a comment in Protobuf.
	LintFieldDescription Rule = "lint-field-description"
	// LintFieldCase asks for one way of writing field names within a schema: camelCase or snake_case.
	LintFieldCase Rule = "lint-field-case"
	// LintSize asks for schemas of 64 KiB at most with all they refer to.
	LintSize Rule = "lint-size"
	// LintFields asks for at most 200 fields.
	LintFields Rule = "lint-fields"
	// LintEnum asks for a default wherever values are enumerated: without one a reader can't take a value that a later version adds.
	LintEnum Rule = "lint-closed-enum"
	// LintRequired asks that at least one field is required, in formats that know the word: an event that may be empty says nothing.
	LintRequired Rule = "lint-required"
	// LintReserved asks that the numbers of removed Protobuf fields are reserved.
	LintReserved Rule = compat.RuleProtoUnreserved
)

const (
	lintMaxBytes  = 64 << 10
	lintMaxFields = 200
)

// LintRules returns every rule of Lint. The slice is the caller's.
func LintRules() []Rule {
	return []Rule{
		LintName, LintVersion, LintDescription, LintFieldDescription, LintFieldCase, LintSize, LintFields, LintEnum, LintRequired, LintReserved,
	}
}

// Lint returns what could be better, sorted by type and version, without the rules that are off. A schema that can't be read is a problem of
// RuleInvalid. The error is for ctx alone.
func Lint(ctx context.Context, set Set, off ...Rule) ([]Problem, error) {
	var all []Problem
	refs := set.Refs()
	for i, ref := range refs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &linter{ref: ref, schema: set[ref], seen: map[*outline.Node]bool{}}
		var older *schema.Ref
		if i > 0 && refs[i-1].Type == ref.Type {
			older = &refs[i-1]
		}
		l.names(older)
		l.content()
		if older != nil {
			l.reserved(ctx, compat.Version{Ref: *older, Schema: set[*older]})
		}
		all = append(all, l.problems...)
	}
	return ordered(slices.DeleteFunc(all, func(p Problem) bool { return slices.Contains(off, p.Rule) })), nil
}

// linter looks at one schema.
type linter struct {
	ref      schema.Ref
	schema   schema.Schema
	problems []Problem
	seen     map[*outline.Node]bool
	fields   int
	camel    string // the first field in camelCase, and the first in snake_case
	snake    string
}

func (l *linter) say(rule Rule, path, format string, args ...any) {
	l.problems = append(l.problems, problem(l.ref, l.schema, rule, path, fmt.Sprintf(format, args...)))
}

var (
	eventName   = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*(\.[a-z][a-z0-9]*([_-][a-z0-9]+)*)+$`)
	wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
)

// names looks at the type and the version.
func (l *linter) names(older *schema.Ref) {
	if older == nil && !eventName.MatchString(l.ref.Type) {
		l.say(LintName, "", "expected a type named <entity>.<action> in lower case, such as order.placed")
	}
	switch {
	case !wholeNumber.MatchString(l.ref.Version):
		l.say(LintVersion, "", "expected a whole number as version, such as 2")
	case older != nil && wholeNumber.MatchString(older.Version) && atoi(l.ref.Version) != atoi(older.Version)+1:
		l.say(LintVersion, "", "version %s follows version %s: expected no gap", l.ref.Version, older.Version)
	}
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// content looks at the schema itself.
func (l *linter) content() {
	if size := weight(l.schema); size > lintMaxBytes {
		l.say(LintSize, "", "expected at most %d bytes with all it refers to, got %d", lintMaxBytes, size)
	}
	root, err := outline.Read(l.schema)
	if err != nil {
		l.say(RuleInvalid, "", "%v", err)
		return
	}
	if root.Description == "" && root.Resolve().Description == "" {
		l.say(LintDescription, "", "the event has no description: say when it is published")
	}
	l.node(root, "")
	if l.fields > lintMaxFields {
		l.say(LintFields, "", "expected at most %d fields, got %d", lintMaxFields, l.fields)
	}
	if l.camel != "" && l.snake != "" {
		l.say(LintFieldCase, "", "field names are written in two ways: `%s` and `%s`", l.camel, l.snake)
	}
	top := root.Resolve()
	required := slices.ContainsFunc(top.Properties, func(p outline.Property) bool { return p.Required })
	if l.schema.Format == schema.JSONSchema && len(top.Properties) > 0 && !required {
		l.say(LintRequired, "", "no field is required: an empty event fits")
	}
}

func weight(s schema.Schema) int {
	size := len(s.Text)
	for _, r := range s.References {
		size += weight(r.Schema)
	}
	return size
}

// node looks at a node and below. Each is looked at once, wherever it is shared.
func (l *linter) node(n *outline.Node, path string) {
	if n == nil || l.seen[n] {
		return
	}
	l.seen[n] = true
	if len(n.Enum) > 1 && !n.HasDefault && l.schema.Format != schema.Protobuf { // Protobuf keeps what it does not know
		l.say(LintEnum, path, "the values are enumerated without a default: a reader can't take one that a later version adds")
	}
	for i := range n.Properties {
		l.field(&n.Properties[i], path)
	}
	l.node(n.Elem, path+"[]")
	for _, b := range n.Branches {
		l.node(b, path)
	}
	l.node(n.Target, path)
}

func (l *linter) field(p *outline.Property, path string) {
	l.fields++
	at := strings.TrimPrefix(path+"."+p.Name, ".")
	if p.Node == nil {
		return
	}
	if p.Node.Description == "" {
		l.say(LintFieldDescription, at, "`%s` has no description", at)
	}
	switch {
	case l.snake == "" && strings.Contains(strings.Trim(p.Name, "_"), "_"):
		l.snake = p.Name
	case l.camel == "" && !strings.Contains(p.Name, "_") && strings.ToLower(p.Name) != p.Name:
		l.camel = p.Name
	}
	l.node(p.Node, at)
}

// reserved looks at what the version before had.
func (l *linter) reserved(ctx context.Context, older compat.Version) {
	fs, err := compat.Unreserved(ctx, older, compat.Version{Ref: l.ref, Schema: l.schema})
	if err != nil {
		return // content has said so
	}
	for _, f := range fs {
		l.say(LintReserved, f.Path, "%s", f.Message)
	}
}
