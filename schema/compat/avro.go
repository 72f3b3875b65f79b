package compat

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/hamba/avro/v2"
)

// avroCheck resolves a writer's schema to a reader's as the Avro specification has it under "Schema Resolution", and reports each place where
// resolution fails, for some value at least.
type avroCheck struct {
	pair
	ctx     context.Context
	steps   int
	seen    map[[2]avro.Schema]bool
	journal [][2]avro.Schema
}

func compareAvro(ctx context.Context, p pair, writer, reader Version) ([]Finding, error) {
	w, err := parseAvro(writer)
	if err != nil {
		return nil, err
	}
	r, err := parseAvro(reader)
	if err != nil {
		return nil, err
	}
	c := &avroCheck{pair: p, ctx: ctx, steps: maxSteps, seen: map[[2]avro.Schema]bool{}}
	fs := c.resolve(w, r, avroName(r))
	if c.steps <= 0 {
		fs = append(fs, c.finding(avroName(r), RuleUndecided, "the schemas are too large to be compared within bounds: "+c.events()+" may break "+c.reader))
	}
	return fs, ctx.Err()
}

func avroName(s avro.Schema) string {
	if n, ok := dereference(s).(avro.NamedSchema); ok {
		return n.Name()
	}
	return string(s.Type())
}

func dereference(s avro.Schema) avro.Schema {
	if r, ok := s.(*avro.RefSchema); ok {
		return r.Schema()
	}
	return s
}

// resolve compares one place. A pair of schemas that was found to fit, or is being looked at, is not looked at again.
func (c *avroCheck) resolve(w, r avro.Schema, path string) []Finding {
	w, r = dereference(w), dereference(r)
	if c.steps--; c.steps <= 0 || c.steps%256 == 0 && c.ctx.Err() != nil {
		c.steps = 0
		return nil
	}
	key := [2]avro.Schema{w, r}
	if c.seen[key] {
		return nil
	}
	mark := len(c.journal)
	c.seen[key] = true
	c.journal = append(c.journal, key)
	fs := c.types(w, r, path)
	if len(fs) > 0 {
		for _, k := range c.journal[mark:] {
			delete(c.seen, k)
		}
		c.journal = c.journal[:mark]
	}
	return fs
}

func (c *avroCheck) types(w, r avro.Schema, path string) []Finding {
	writerUnion, isUnion := w.(*avro.UnionSchema)
	if isUnion {
		return c.fromUnion(writerUnion, r, path)
	}
	if union, ok := r.(*avro.UnionSchema); ok {
		return c.intoUnion(w, union, path)
	}
	if w.Type() != r.Type() {
		if promotes(w.Type(), r.Type()) {
			return c.logical(w, r, path)
		}
		return []Finding{c.finding(path, RuleAvroType, fmt.Sprintf("`%s` changed from %s: %s hold %s, which is not promoted to %s",
			path, c.change(describe(w)+" to "+describe(r), describe(r)+" to "+describe(w)), c.events(), describe(w), describe(r)))}
	}
	switch r := r.(type) {
	case *avro.RecordSchema:
		return c.record(w.(*avro.RecordSchema), r, path)
	case *avro.EnumSchema:
		return c.enum(w.(*avro.EnumSchema), r, path)
	case *avro.FixedSchema:
		return c.fixed(w.(*avro.FixedSchema), r, path)
	case *avro.ArraySchema:
		return c.resolve(w.(*avro.ArraySchema).Items(), r.Items(), path+"[]")
	case *avro.MapSchema:
		return c.resolve(w.(*avro.MapSchema).Values(), r.Values(), path+"{}")
	}
	return c.logical(w, r, path)
}

// promotes is the specification's list of promotions.
func promotes(w, r avro.Type) bool {
	switch w {
	case avro.Int:
		return r == avro.Long || r == avro.Float || r == avro.Double
	case avro.Long:
		return r == avro.Float || r == avro.Double
	case avro.Float:
		return r == avro.Double
	case avro.String:
		return r == avro.Bytes
	case avro.Bytes:
		return r == avro.String
	}
	return false
}

// describe names a type for a message.
func describe(s avro.Schema) string {
	switch s := dereference(s).(type) {
	case avro.NamedSchema:
		return string(s.Type()) + " " + s.Name()
	case *avro.UnionSchema:
		text := "a union of "
		for i, b := range s.Types() {
			if i > 0 {
				text += ", "
			}
			text += describe(b)
		}
		return text
	}
	return string(s.Type())
}

// fromUnion wants every branch of the writer's union to be read. Where both are unions, the reader's first branch that fits is the one that
// readers take.
func (c *avroCheck) fromUnion(w *avro.UnionSchema, r avro.Schema, path string) []Finding {
	var fs []Finding
	for _, branch := range w.Types() {
		found := c.resolve(branch, r, path)
		if _, ok := r.(*avro.UnionSchema); !ok && len(found) > 0 && dereference(branch).Type() != r.Type() {
			found = []Finding{c.finding(path, RuleAvroUnion, fmt.Sprintf("`%s` changed from %s: %s may hold %s",
				path, c.change(describe(w)+" to "+describe(r), describe(r)+" to "+describe(w)), c.events(), describe(branch)))}
		}
		fs = append(fs, found...)
	}
	return fs
}

func (c *avroCheck) intoUnion(w avro.Schema, r *avro.UnionSchema, path string) []Finding {
	var closest []Finding
	for _, branch := range r.Types() {
		found := c.resolve(w, branch, path)
		if len(found) == 0 {
			return nil
		}
		if sameNamed(w, dereference(branch)) {
			closest = found
		}
	}
	if closest != nil {
		return closest
	}
	return []Finding{c.finding(path, RuleAvroUnion, fmt.Sprintf("`%s` is %s, which has no branch for %s: %s may hold it", path, describe(r), describe(w), c.events()))}
}

func sameNamed(w, r avro.Schema) bool {
	a, ok := w.(avro.NamedSchema)
	b, ok2 := r.(avro.NamedSchema)
	if !ok || !ok2 {
		return w.Type() == r.Type()
	}
	return a.Type() == b.Type() && a.Name() == b.Name()
}

// named compares unqualified names and the reader's aliases, as the specification has it for records, enums and fixed.
func (c *avroCheck) named(w, r avro.NamedSchema, path string) []Finding {
	if w.Name() == r.Name() || slices.Contains(r.Aliases(), w.FullName()) {
		return nil
	}
	return []Finding{c.finding(path, RuleAvroName, fmt.Sprintf("`%s`: the %s %s, and %s is no alias of the reader's: %s are not resolved",
		path, w.Type(), c.change("is now called "+r.Name(), "was called "+r.Name()), w.FullName(), c.events()))}
}

func (c *avroCheck) record(w, r *avro.RecordSchema, path string) []Finding {
	fs := c.named(w, r, path)
	written := map[string]*avro.Field{}
	for _, f := range w.Fields() {
		written[f.Name()] = f
	}
	for _, f := range r.Fields() {
		at := path + "." + f.Name()
		from := written[f.Name()]
		for _, alias := range f.Aliases() {
			if from == nil {
				from = written[alias]
			}
		}
		if from != nil {
			fs = append(fs, c.resolve(from.Type(), f.Type(), at)...)
		} else if !f.HasDefault() {
			fs = append(fs, c.finding(at, RuleAvroDefault, fmt.Sprintf("`%s` %s has no default: %s lack it", f.Name(),
				c.change("was added and", "was removed; "+c.reader+" asks for it, where it"), c.events())))
		}
		if len(fs) >= MaxFindings {
			break
		}
	}
	return fs
}

func (c *avroCheck) enum(w, r *avro.EnumSchema, path string) []Finding {
	fs := c.named(w, r, path)
	if r.HasDefault() {
		return fs
	}
	known := map[string]bool{}
	for _, s := range r.Symbols() {
		known[s] = true
	}
	for _, s := range w.Symbols() {
		if !known[s] && len(fs) < MaxFindings {
			fs = append(fs, c.finding(path, RuleAvroSymbol, fmt.Sprintf("`%s`: the symbol %s %s and the reader's enum has no default: %s may hold it",
				path, s, c.change("was removed", "was added"), c.events())))
		}
	}
	return fs
}

func (c *avroCheck) fixed(w, r *avro.FixedSchema, path string) []Finding {
	fs := c.named(w, r, path)
	if w.Size() != r.Size() {
		from, to := strconv.Itoa(w.Size()), strconv.Itoa(r.Size())
		fs = append(fs, c.finding(path, RuleAvroFixed, fmt.Sprintf("`%s` changed from %s bytes: %s hold %s", path, c.change(from+" to "+to, to+" to "+from), c.events(), from)))
	}
	return append(fs, c.logical(w, r, path)...)
}

// logical compares what the same bytes mean. The specification has decimals match by scale and precision; other units are compared because a
// reader would take milliseconds for microseconds and never know. Where one side has no logical type, the bytes are read as what they are.
func (c *avroCheck) logical(w, r avro.Schema, path string) []Finding {
	a, b := logicalOf(w), logicalOf(r)
	if a == b || a == "" || b == "" {
		return nil
	}
	return []Finding{c.finding(path, RuleAvroLogical, fmt.Sprintf("`%s` changed from %s: %s mean %s and are read as %s",
		path, c.change(a+" to "+b, b+" to "+a), c.events(), a, b))}
}

func logicalOf(s avro.Schema) string {
	l, ok := s.(avro.LogicalTypeSchema)
	if !ok || l.Logical() == nil {
		return ""
	}
	if d, ok := l.Logical().(*avro.DecimalLogicalSchema); ok {
		return fmt.Sprintf("decimal(%d,%d)", d.Precision(), d.Scale())
	}
	return string(l.Logical().Type())
}
