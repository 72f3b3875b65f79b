package compat

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// accepts asks the validator whether a node takes a value. known is false when the node can't be compiled by itself.
func (c *jsonCheck) accepts(n *jsonNode, value any) (ok, known bool) {
	switch raw := n.raw.(type) {
	case nil:
		m, _ := value.(map[string]any)
		lacks := slices.ContainsFunc(n.present, func(p string) bool { _, has := m[p]; return !has })
		return typeOf(value)&n.only != 0 && !lacks, true
	case bool:
		return raw, true
	}
	s, done := n.doc.compiled[n]
	if !done {
		s, _ = compileNode(n)
		n.doc.compiled[n] = s
	}
	if s == nil {
		return false, false
	}
	return s.Validate(value) == nil, true
}

func compileNode(n *jsonNode) (*jsonschema.Schema, error) {
	return n.doc.compiler.Compile(n.root + "#" + n.pointer)
}

// values checks the values of a finite view one by one.
func (c *jsonCheck) values(w *view, values []any, r *jsonNode, path string) []Finding {
	closure, _ := readerClosure(r, path)
	var fs []Finding
	for _, value := range values {
		if !c.spend(1 + len(values)/100) {
			return append(fs, c.undecided(path, "there are too many values to try"))
		}
		if !c.mayHold(w, value) {
			continue
		}
		ok, known := c.accepts(r, value)
		if !known {
			return append(fs, c.undecided(path, "the value "+short(value)+" can't be tried"))
		}
		if !ok {
			fs = append(fs, c.refused(value, closure, path))
		}
	}
	return fs
}

// mayHold reports whether a value satisfies the whole view, as far as is known.
func (c *jsonCheck) mayHold(w *view, value any) bool {
	for _, n := range w.nodes {
		if ok, known := c.accepts(n, value); known && !ok {
			return false
		}
	}
	return true
}

// refused says which keyword of the reader refuses a value.
func (c *jsonCheck) refused(value any, closure []placed, path string) Finding {
	tail := c.events() + " may hold " + short(value)
	for _, p := range closure {
		m := p.node.object()
		if typesOf(m["type"])&typeOf(value) == 0 {
			return c.finding(p.path+"/type", RuleJSONType, c.subject(path)+c.change(" may no longer be ", " may now be ")+typeOf(value).String()+": "+tail)
		}
		if allowed, ok := p.node.values(); ok && !containsValue(allowed, value) {
			keyword := "/enum"
			if _, isConst := m["const"]; isConst {
				keyword = "/const"
			}
			return c.finding(p.path+keyword, RuleJSONEnum, c.subject(path)+c.change(" may no longer be ", " may now be ")+short(value)+": "+tail)
		}
		if m["anyOf"] != nil || m["oneOf"] != nil {
			return c.finding(p.path, RuleJSONUnion, c.subject(path)+" fits no branch, or several of oneOf: "+tail)
		}
	}
	return c.finding(path, RuleJSONValue, c.subject(path)+" is refused: "+tail)
}

func containsValue(list []any, value any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return equalValues(e, value) })
}

// equalValues compares as JSON Schema does: numbers by their value.
func equalValues(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && (x == y || rational(x) != nil && rational(y) != nil && rational(x).Cmp(rational(y)) == 0)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equalValues)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if e, ok := y[k]; !ok || !equalValues(v, e) {
				return false
			}
		}
		return true
	}
	return a == b
}

// annotations say nothing about which values are valid (2020-12 Core, 7.7; Validation, 9). The sets of definitions are looked at where they
// are referred to.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "$comment": true, "deprecated": true, "readOnly": true,
	"writeOnly": true, "$schema": true, "$id": true, "$anchor": true, "$defs": true, "definitions": true,
}

// equal reports whether two nodes say the same, whatever their annotations and definitions are called. Circles are equal unless something in
// them differs.
func (c *jsonCheck) equal(a, b *jsonNode) bool {
	if a.raw == nil || b.raw == nil || !c.spend(1) {
		return false
	}
	key := [2]int{a.id, b.id}
	if known, ok := c.same[key]; ok {
		return known
	}
	mark := len(c.sameJournal)
	c.same[key] = true // for circles
	c.sameJournal = append(c.sameJournal, key)
	if c.sameNode(a, b) {
		return true
	}
	// What was found equal on the assumption that these two are may not be.
	for _, k := range c.sameJournal[mark:] {
		delete(c.same, k)
	}
	c.sameJournal = c.sameJournal[:mark]
	c.same[key] = false
	return false
}

func (c *jsonCheck) sameNode(a, b *jsonNode) bool {
	x, isMap := a.raw.(map[string]any)
	y, isMap2 := b.raw.(map[string]any)
	if !isMap || !isMap2 {
		return a.raw == b.raw && !isMap
	}
	for keyword := range y {
		if _, ok := x[keyword]; !ok && !annotations[keyword] {
			return false
		}
	}
	for keyword, value := range x {
		if annotations[keyword] {
			continue
		}
		other, ok := y[keyword]
		if !ok || !c.sameKeyword(a, b, keyword, value, other) {
			return false
		}
	}
	return true
}

// sameKeyword compares the values of one keyword of two nodes.
func (c *jsonCheck) sameKeyword(a, b *jsonNode, keyword string, x, y any) bool {
	switch keyword {
	case "$ref":
		from, _ := x.(string)
		to, _ := y.(string)
		m, n := a.reference(from), b.reference(to)
		return m != nil && n != nil && c.equal(m, n)
	case "$dynamicRef", "$recursiveRef":
		return false // depends on where it is reached from
	case "enum", "const", "required":
		return equalValues(x, y)
	}
	return c.sameBelow(a, b, []string{keyword}, x, y)
}

// sameBelow compares what holds schemas, at any place below a keyword.
func (c *jsonCheck) sameBelow(a, b *jsonNode, tokens []string, x, y any) bool {
	if m, n := a.child(tokens...), b.child(tokens...); m != nil && n != nil && !isMapOfSchemas(tokens) {
		return c.equal(m, n)
	}
	switch v := x.(type) {
	case []any:
		o, ok := y.([]any)
		if !ok || len(v) != len(o) {
			return false
		}
		for i := range v {
			if !c.sameBelow(a, b, append(slices.Clone(tokens), strconv.Itoa(i)), v[i], o[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		o, ok := y.(map[string]any)
		if !ok || len(v) != len(o) {
			return false
		}
		for k := range v {
			if _, has := o[k]; !has || !c.sameBelow(a, b, append(slices.Clone(tokens), k), v[k], o[k]) {
				return false
			}
		}
		return true
	}
	return equalValues(x, y)
}

// isMapOfSchemas reports whether the tokens lead to an object whose members are schemas under names of the user's.
func isMapOfSchemas(tokens []string) bool {
	if len(tokens) != 1 {
		return false
	}
	switch tokens[0] {
	case "properties", "patternProperties", "dependentSchemas", "dependencies", "dependentRequired":
		return true
	}
	return false
}
