package compat

import (
	"maps"
	"regexp"
	"slices"

	"github.com/herald-go/herald/schema"
)

// object checks the keywords of objects.
func (c *jsonCheck) object(w *view, p placed, closure []placed) []Finding {
	m := p.node.object()
	var fs []Finding
	for _, name := range texts(m["required"]) {
		if !c.spend(1) || w.required(name) {
			continue
		}
		lack := " may lack it"
		if _, declared := c.at(w, name); !declared {
			lack = " lack it"
		}
		fs = append(fs, c.finding(schema.Pointer(p.path+"/properties", name), RuleJSONRequired, c.member(p.path, name)+
			c.change(" became required: ", " is no longer required, but "+c.reader+" requires it: ")+c.events()+lack))
	}
	fs = append(fs, c.properties(w, p)...)
	fs = append(fs, c.patternProperties(w, p)...)
	fs = append(fs, c.additional(w, p)...)
	fs = append(fs, c.unevaluated(w, p, closure)...)
	fs = append(fs, c.propertyNames(w, p)...)
	fs = append(fs, c.dependencies(w, p)...)
	return append(fs, c.propertyCounts(w, p)...)
}

// at returns what the view says of a property, and whether any node names it. It is never if the property can't be there.
func (c *jsonCheck) at(w *view, name string) (property *view, declared bool) {
	var subs []*jsonNode
	refused, bounded := false, false
	if !c.spend(1 + len(w.nodes)/16) {
		return newView(nil, nil), false
	}
	for _, n := range w.nodes {
		found, names := c.matching(n, name)
		subs = append(subs, found...)
		declared = declared || names || n.requires(name)
		bounded = bounded || n.bounded()
		refused = refused || c.nameRefused(n, name)
	}
	property = newView(subs, nil).close(w.closed)
	property.never = property.never || refused || w.closed && !declared && !bounded && !w.open()
	return property, declared
}

// impossible reports whether the objects of a view need a property that they can't have.
func (c *jsonCheck) impossible(w *view) bool {
	for _, n := range w.nodes {
		for name := range n.requiredNames() {
			if at, _ := c.at(w, name); at.types() == typeNone {
				return true
			}
		}
	}
	return false
}

// matching returns the schemas of a node for a property: those of its name, of each pattern that it matches, or of additionalProperties.
func (c *jsonCheck) matching(n *jsonNode, name string) (found []*jsonNode, declared bool) {
	m := n.object()
	if s := n.child("properties", name); s != nil {
		found = append(found, s)
	}
	patterns, _ := m["patternProperties"].(map[string]any)
	for pattern := range patterns {
		if c.matches(pattern, name) {
			found = append(found, n.child("patternProperties", pattern))
		}
	}
	if len(found) > 0 {
		return found, true
	}
	if s := c.residual(n, name); s != nil {
		found = append(found, s)
	}
	return found, false
}

func (c *jsonCheck) nameRefused(n *jsonNode, name string) bool {
	names := n.child("propertyNames")
	if names == nil {
		return false
	}
	ok, known := c.accepts(names, name)
	return known && !ok
}

// matches reports whether a pattern finds something in a name. A pattern that can't be compiled has been refused with its schema.
func (c *jsonCheck) matches(pattern, name string) bool {
	c.spend(1)
	re, ok := c.patterns[pattern]
	if !ok {
		re, _ = regexp.Compile(pattern)
		c.patterns[pattern] = re
	}
	return re != nil && re.MatchString(name)
}

// properties checks what the reader says of the properties that it names.
func (c *jsonCheck) properties(w *view, p placed) []Finding {
	names, _ := p.node.object()["properties"].(map[string]any)
	var fs []Finding
	for _, name := range slices.Sorted(maps.Keys(names)) {
		path := schema.Pointer(p.path+"/properties", name)
		have, declared := c.at(w, name)
		found := c.below(have, p.node.child("properties", name), path)
		if len(found) > 0 && !declared && len(have.nodes) == 0 {
			found = []Finding{c.finding(path, RuleJSONPropertyConstrained, c.subject(path)+c.change(" is new in an open object: ", " left an open object: ")+
				c.events()+" may hold anything under this name")}
		}
		fs = append(fs, found...)
	}
	return fs
}

// others returns what the view says of properties that no version names: one view for each pattern that is not the reader's too, and one for
// additionalProperties. reader may be nil.
func (c *jsonCheck) others(w *view, reader *jsonNode) []*view {
	var covered map[string]any
	if reader != nil {
		covered, _ = reader.object()["patternProperties"].(map[string]any)
	}
	var rest []*jsonNode
	var patterned []*view
	bounded := false
	for _, n := range w.nodes {
		m := n.object()
		patterns, _ := m["patternProperties"].(map[string]any)
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			if covered[pattern] == nil {
				patterned = append(patterned, newView([]*jsonNode{n.child("patternProperties", pattern)}, nil).close(w.closed))
			}
		}
		bounded = bounded || n.bounded()
		if s := c.residual(n, ""); s != nil {
			rest = append(rest, s)
		}
	}
	open := newView(rest, nil).close(w.closed)
	open.never = open.never || w.closed && !bounded && !w.open()
	return append(patterned, open)
}

// declared returns the names that the view's nodes name, sorted.
func (v *view) declared() []string {
	names := map[string]bool{}
	for _, n := range v.nodes {
		properties, _ := n.object()["properties"].(map[string]any)
		for name := range properties {
			names[name] = true
		}
		for name := range n.requiredNames() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// patternProperties checks what the reader says of properties whose names match a pattern.
func (c *jsonCheck) patternProperties(w *view, p placed) []Finding {
	patterns, _ := p.node.object()["patternProperties"].(map[string]any)
	if len(patterns) == 0 {
		return nil
	}
	var fs []Finding
	declared := w.declared()
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		path := schema.Pointer(p.path+"/patternProperties", pattern)
		want := p.node.child("patternProperties", pattern)
		for _, name := range declared {
			if c.matches(pattern, name) {
				have, _ := c.at(w, name)
				fs = append(fs, c.below(have, want, path)...)
			}
		}
		var same []*jsonNode
		for _, n := range w.nodes {
			if s := n.child("patternProperties", pattern); s != nil {
				same = append(same, s)
			}
		}
		if len(same) > 0 {
			fs = append(fs, c.below(newView(same, nil).close(w.closed), want, path)...)
			continue
		}
		fs = append(fs, c.newPattern(w, want, path)...)
	}
	return fs
}

func (c *jsonCheck) newPattern(w *view, want *jsonNode, path string) []Finding {
	for _, have := range c.others(w, nil) {
		if len(c.below(have, want, path)) > 0 {
			return []Finding{c.finding(path, RuleJSONPropertyConstrained, c.subject(path)+": the reader constrains names that match this pattern: "+
				c.events()+" may hold others under them")}
		}
	}
	return nil
}

// additional checks what the reader says of properties that it does not name.
func (c *jsonCheck) additional(w *view, p placed) []Finding {
	want := p.node.child("additionalProperties")
	if want == nil || want.raw == true {
		return nil
	}
	m := p.node.object()
	named, _ := m["properties"].(map[string]any)
	patterns, _ := m["patternProperties"].(map[string]any)
	covered := func(name string) bool {
		_, ok := named[name]
		for pattern := range patterns {
			ok = ok || c.matches(pattern, name)
		}
		return ok
	}
	return c.uncovered(w, p.node, want, p.path+"/additionalProperties", covered)
}

// uncovered checks the writer's properties that are left to one schema of the reader, by name and then by those that nobody names.
func (c *jsonCheck) uncovered(w *view, reader, want *jsonNode, path string, covered func(string) bool) []Finding {
	var fs []Finding
	for _, name := range w.declared() {
		if covered(name) {
			continue
		}
		have, _ := c.at(w, name)
		found := c.below(have, want, path)
		if len(found) > 0 && want.raw == false {
			at := schema.Pointer(path[:len(path)-len("/additionalProperties")]+"/properties", name)
			found = []Finding{c.finding(at, RuleJSONPropertyRefused, c.subject(at)+c.change(" left a closed object: ", " is new in a closed object: ")+
				c.events()+" may hold it, and "+c.reader+" refuses it")}
		}
		fs = append(fs, found...)
	}
	for _, have := range c.others(w, reader) {
		if len(c.below(have, want, path)) > 0 {
			return append(fs, c.finding(path, RuleJSONAdditional, "the object"+c.change(" now", " no longer")+" bounds properties that it does not name: "+
				c.events()+" may hold some that "+c.reader+" refuses"))
		}
	}
	return fs
}

// propertyCounts checks minProperties and maxProperties.
func (c *jsonCheck) propertyCounts(w *view, p placed) []Finding {
	m := p.node.object()
	fs := c.counts(w, p, "minProperties", "maxProperties", RuleJSONPropertyCount, "properties", w.requiredCount())
	most := count(m["maxProperties"], -1)
	if len(fs) == 0 || most < 0 {
		return fs
	}
	// A closed object has at most as many as it names.
	for _, n := range w.nodes {
		properties, _ := n.object()["properties"].(map[string]any)
		if n.object()["additionalProperties"] == false && n.object()["patternProperties"] == nil && len(properties) <= most {
			return slices.DeleteFunc(fs, func(f Finding) bool { return f.Path == p.path+"/maxProperties" })
		}
	}
	return fs
}
