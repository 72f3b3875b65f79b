package compat

import (
	"maps"
	"slices"

	"github.com/herald-go/herald/schema"
)

// propertyNames checks the names that the writer may use.
func (c *jsonCheck) propertyNames(w *view, p placed) []Finding {
	want := p.node.child("propertyNames")
	if want == nil || want.raw == true {
		return nil
	}
	path := p.path + "/propertyNames"
	var fs []Finding
	for _, name := range w.declared() {
		have, _ := c.at(w, name)
		ok, known := c.accepts(want, name)
		if have.never || have.types() == typeNone || known && ok {
			continue
		}
		at := schema.Pointer(p.path+"/properties", name)
		fs = append(fs, c.finding(at, RuleJSONPropertyRefused, c.subject(at)+" is refused by propertyNames: "+c.events()+" may hold it"))
	}
	names := []*jsonNode{c.made(typeString)}
	for _, n := range w.nodes {
		if s := n.child("propertyNames"); s != nil {
			names = append(names, s)
		}
	}
	closed := true
	for _, have := range c.others(w, nil) {
		closed = closed && have.never
	}
	if !closed && len(c.below(newView(names, nil), want, path)) > 0 {
		fs = append(fs, c.finding(path, RuleJSONAdditional, "the names of properties are"+c.change(" now", " no longer")+" bounded: "+c.events()+" may hold others"))
	}
	return fs
}

// dependencies checks dependentRequired, dependentSchemas, and dependencies of draft-07, which is both.
func (c *jsonCheck) dependencies(w *view, p placed) []Finding {
	var fs []Finding
	for _, keyword := range p.node.dependencyKeywords() {
		byName, _ := p.node.object()[keyword].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			if have, _ := c.at(w, name); have.never || !c.spend(1) {
				continue
			}
			path := schema.Pointer(p.path+"/"+keyword, name)
			if list, ok := byName[name].([]any); ok {
				fs = append(fs, c.dependentRequired(w, p, name, texts(list), path)...)
				continue
			}
			if want := p.node.child(keyword, name); want != nil {
				fs = append(fs, c.contains(c.given(w, name), want, path)...)
			}
		}
	}
	return fs
}

// dependencyKeywords returns the keywords that the node's draft knows.
func (n *jsonNode) dependencyKeywords() []string {
	if n.doc != nil && n.doc.legacy {
		return []string{"dependencies"}
	}
	return []string{"dependentRequired", "dependentSchemas"}
}

// given returns the view of those objects that have the property.
func (c *jsonCheck) given(w *view, name string) *view {
	more := []*jsonNode{c.made(typeObject, name)}
	for _, n := range w.nodes {
		for _, keyword := range n.dependencyKeywords() {
			more = append(more, n.child(keyword, name))
		}
	}
	return w.with(slices.DeleteFunc(more, func(n *jsonNode) bool { return n == nil })...)
}

func (c *jsonCheck) dependentRequired(w *view, p placed, name string, wanted []string, path string) []Finding {
	var fs []Finding
	for _, want := range wanted {
		if want == name || w.required(want) || slices.ContainsFunc(w.nodes, func(n *jsonNode) bool { return n.depends(name, want) }) {
			continue
		}
		fs = append(fs, c.finding(path, RuleJSONDependency, c.member(p.path, want)+c.change(" became", " is no longer")+" required together with `"+name+"`: "+
			c.events()+" may have `"+name+"` alone"))
	}
	return fs
}

// depends reports whether n requires a property together with another one.
func (n *jsonNode) depends(name, wanted string) bool {
	for _, keyword := range n.dependencyKeywords() {
		byName, _ := n.object()[keyword].(map[string]any)
		if slices.Contains(texts(byName[name]), wanted) {
			return true
		}
	}
	return false
}

// inPlace are the keywords whose subschemas look at the same value and hold only under conditions.
var inPlace = []string{"anyOf", "oneOf", "if", "dependentSchemas", "not", "$dynamicRef"}

// bounded reports whether n says itself what it thinks of properties that it does not name.
func (n *jsonNode) bounded() bool {
	return n.object()["additionalProperties"] != nil || n.object()["unevaluatedProperties"] != nil
}

// residual returns what n says of a property that it does not name itself: additionalProperties, or unevaluatedProperties where it is certain
// that nothing else evaluates it. The name "" stands for one that nobody names.
func (c *jsonCheck) residual(n *jsonNode, name string) *jsonNode {
	if s := n.child("additionalProperties"); s != nil {
		return s
	}
	s := n.child("unevaluatedProperties")
	if s == nil {
		return nil
	}
	own, complete := readerClosure(n, "")
	for _, o := range own {
		m := o.node.object()
		other := o.node != n && (o.node.bounded() || name != "" && c.names(o.node, name))
		if !complete || other || slices.ContainsFunc(inPlace, func(k string) bool { return m[k] != nil }) {
			return nil
		}
	}
	return s
}

// names reports whether a node names a property, or has a pattern for it.
func (c *jsonCheck) names(n *jsonNode, name string) bool {
	m := n.object()
	properties, _ := m["properties"].(map[string]any)
	if _, ok := properties[name]; ok {
		return true
	}
	patterns, _ := m["patternProperties"].(map[string]any)
	for pattern := range patterns {
		if c.matches(pattern, name) {
			return true
		}
	}
	return false
}

// unevaluated checks unevaluatedProperties: what the node, its $ref and allOf name is evaluated. Where more depends on conditions, only
// properties that are certainly evaluated are let pass.
func (c *jsonCheck) unevaluated(w *view, p placed, _ []placed) []Finding {
	want := p.node.child("unevaluatedProperties")
	if want == nil || want.raw == true {
		return nil
	}
	path := p.path + "/unevaluatedProperties"
	own, _ := readerClosure(p.node, "")
	conditional := false
	for _, o := range own {
		m := o.node.object()
		if m["additionalProperties"] != nil || o.node != p.node && m["unevaluatedProperties"] != nil {
			return nil
		}
		conditional = conditional || slices.ContainsFunc(inPlace, func(k string) bool { return m[k] != nil })
	}
	covered := func(name string) bool {
		return slices.ContainsFunc(own, func(o placed) bool { return c.names(o.node, name) })
	}
	fs := c.uncovered(w, p.node, want, p.path+"/additionalProperties", covered)
	if len(fs) > 0 && conditional {
		return []Finding{c.undecided(path, "which properties are unevaluated depends on conditions")}
	}
	for i := range fs {
		if fs[i].Path == p.path+"/additionalProperties" {
			fs[i].Path = path
		}
	}
	return fs
}
