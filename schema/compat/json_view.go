package compat

import (
	"slices"
	"strconv"
	"strings"
)

// view is what a writer's value is known to satisfy: all of its nodes. Nodes reached by $ref and allOf are among them.
type view struct {
	nodes []*jsonNode
	taken []taken // anyOf and oneOf of which one branch is among the nodes
	never bool    // no value satisfies it
	// closed says that properties that no node declares are not there, though they could be.
	closed bool
	key    string
}

// taken is a keyword of a node.
type taken struct {
	node    int
	keyword string
}

// newView returns the view of these nodes together.
func newView(nodes []*jsonNode, done []taken) *view {
	v := &view{taken: done}
	seen := map[int]bool{}
	for _, n := range nodes {
		v.add(n, seen)
	}
	slices.SortFunc(v.nodes, func(a, b *jsonNode) int { return a.id - b.id })
	var key strings.Builder
	for _, n := range v.nodes {
		key.WriteString(strconv.Itoa(n.id) + ",")
	}
	for _, t := range done {
		key.WriteString("-" + strconv.Itoa(t.node) + t.keyword)
	}
	v.key = key.String()
	return v
}

func (v *view) add(n *jsonNode, seen map[int]bool) {
	if n == nil || seen[n.id] {
		return
	}
	seen[n.id] = true
	switch raw := n.raw.(type) {
	case bool:
		v.never = v.never || !raw
		return
	case nil:
		v.nodes = append(v.nodes, n)
		return
	}
	ref, hasRef := n.object()["$ref"].(string)
	if hasRef {
		v.add(n.reference(ref), seen)
	}
	if hasRef && n.doc.legacy {
		return
	}
	v.nodes = append(v.nodes, n)
	if not := n.child("not"); not != nil && (not.raw == true || len(not.object()) == 0 && not.raw != false) {
		v.never = true
	}
	all, _ := n.object()["allOf"].([]any)
	for i := range all {
		v.add(n.child("allOf", strconv.Itoa(i)), seen)
	}
}

// with returns the view of v and more.
func (v *view) with(more ...*jsonNode) *view {
	return v.derive(append(slices.Clone(v.nodes), more...), v.taken)
}

func (v *view) derive(nodes []*jsonNode, done []taken) *view {
	w := newView(nodes, done)
	w.never = w.never || v.never
	return w.close(v.closed)
}

// close sets closed, which is for views of the writer alone.
func (v *view) close(closed bool) *view {
	if closed {
		v.closed = true
		v.key = "c" + v.key
	}
	return v
}

// types returns the kinds that a value of the view can have.
func (v *view) types() typeSet {
	if v.never {
		return typeNone
	}
	t := typeAll
	for _, n := range v.nodes {
		t &= n.types()
	}
	return t
}

func (n *jsonNode) types() typeSet {
	if n.raw == nil {
		return n.only
	}
	if !n.counted {
		n.only, n.counted = n.readTypes(), true
	}
	return n.only
}

func (n *jsonNode) readTypes() typeSet {
	t := typesOf(n.object()["type"])
	values, ok := n.values()
	if !ok {
		return t
	}
	var of typeSet
	for _, value := range values {
		of |= typeOf(value)
	}
	return t & of
}

// values returns enum, or const as an enum of one.
func (n *jsonNode) values() ([]any, bool) {
	m := n.object()
	if c, ok := m["const"]; ok {
		return []any{c}, true
	}
	values, ok := m["enum"].([]any)
	return values, ok
}

// finite returns the values among which those of the view are, if the schema lists them.
func (v *view) finite() ([]any, bool) {
	var least []any
	found := false
	for _, n := range v.nodes {
		if values, ok := n.values(); ok && (!found || len(values) < len(least)) {
			least, found = values, true
		}
	}
	if found {
		return least, true
	}
	switch v.types() {
	case typeNull:
		return []any{nil}, true
	case typeBoolean:
		return []any{false, true}, true
	case typeBoolean | typeNull:
		return []any{nil, false, true}, true
	}
	return nil, false
}

// required reports whether every object of the view has the property.
func (v *view) required(name string) bool {
	for _, n := range v.nodes {
		if n.requires(name) {
			return true
		}
	}
	return false
}

func (n *jsonNode) requires(name string) bool { return n.requiredNames()[name] }

func (n *jsonNode) requiredNames() map[string]bool {
	if n.required == nil {
		n.required = map[string]bool{}
		for _, p := range append(texts(n.object()["required"]), n.present...) {
			n.required[p] = true
		}
	}
	return n.required
}

// requiredCount returns how many properties every object of the view has at least.
func (v *view) requiredCount() int {
	names := map[string]bool{}
	least := 0
	for _, n := range v.nodes {
		for name := range n.requiredNames() {
			names[name] = true
		}
		least = max(least, count(n.object()["minProperties"], 0))
	}
	return max(least, len(names))
}

// least returns the largest lower count of a keyword, most the smallest upper one or -1.
func (v *view) least(keyword string) int {
	least := 0
	for _, n := range v.nodes {
		least = max(least, count(n.object()[keyword], 0))
	}
	return least
}

func (v *view) most(keyword string) int {
	most := -1
	for _, n := range v.nodes {
		if c := count(n.object()[keyword], -1); c >= 0 && (most < 0 || c < most) {
			most = c
		}
	}
	return most
}

// open reports whether the view has branches that are not taken, so that not all it asks for is known.
func (v *view) open() bool {
	return slices.ContainsFunc(v.nodes, func(n *jsonNode) bool {
		m := n.object()
		for _, keyword := range []string{"anyOf", "oneOf"} {
			if m[keyword] != nil && !slices.Contains(v.taken, taken{n.id, keyword}) {
				return true
			}
		}
		return m["if"] != nil || m["dependentSchemas"] != nil || m["dependencies"] != nil || m["$dynamicRef"] != nil
	})
}

// branches splits the view at its first anyOf or oneOf that is not taken. Of oneOf only that some branch holds is used.
func (v *view) branches() []*view {
	for _, n := range v.nodes {
		for _, keyword := range []string{"anyOf", "oneOf"} {
			list, ok := n.object()[keyword].([]any)
			t := taken{n.id, keyword}
			if !ok || slices.Contains(v.taken, t) {
				continue
			}
			out := make([]*view, 0, len(list))
			for i := range list {
				branch := n.child(keyword, strconv.Itoa(i))
				out = append(out, v.derive(append(slices.Clone(v.nodes), branch), append(slices.Clone(v.taken), t)))
			}
			return out
		}
	}
	return nil
}
