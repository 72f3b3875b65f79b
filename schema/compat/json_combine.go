package compat

import (
	"slices"
	"strconv"
)

// combine checks anyOf, oneOf, not, if and what refers dynamically.
func (c *jsonCheck) combine(w *view, p placed) []Finding {
	m := p.node.object()
	var fs []Finding
	if m["anyOf"] != nil && !c.hasSame(w, p.node, "anyOf") {
		fs = append(fs, c.union(w, p, "anyOf")...)
	}
	if m["oneOf"] != nil && !c.hasSame(w, p.node, "oneOf") {
		fs = append(fs, c.union(w, p, "oneOf")...)
	}
	if not := p.node.child("not"); not != nil {
		fs = append(fs, c.negation(w, p, not)...)
	}
	if p.node.child("if") != nil {
		fs = append(fs, c.condition(w, p)...)
	}
	for _, keyword := range []string{"$dynamicRef", "$recursiveRef"} {
		if m[keyword] != nil {
			fs = append(fs, c.undecided(p.path+"/"+keyword, "what the reference means depends on where it is reached from"))
		}
	}
	return fs
}

// hasSame reports whether a node of the view has the same keyword.
func (c *jsonCheck) hasSame(w *view, r *jsonNode, keyword string) bool {
	return slices.ContainsFunc(w.nodes, func(n *jsonNode) bool {
		have, ok := n.object()[keyword]
		return ok && c.sameBelow(n, r, []string{keyword}, have, r.object()[keyword])
	})
}

// union looks for a branch that takes all of the view; for oneOf the others must take none of it.
func (c *jsonCheck) union(w *view, p placed, keyword string) []Finding {
	list, _ := p.node.object()[keyword].([]any)
	var closest []Finding
	nearest := -1
	for i := range list {
		step := strconv.Itoa(i)
		path := p.path + "/" + keyword + "/" + step
		found := c.contains(w, p.node.child(keyword, step), path)
		if len(found) > 0 {
			if nearest < 0 || len(found) < len(closest) {
				closest, nearest = found, i
			}
			continue
		}
		if keyword == "anyOf" {
			return nil
		}
		return c.exclusive(w, p, i, len(list))
	}
	path := p.path + "/" + keyword
	message := c.subject(p.path) + " fits no branch of " + keyword + ": " + c.events() + " may hold " + w.types().example()
	if nearest >= 0 {
		message = c.subject(p.path) + " fits no branch of " + keyword + "; at the closest, branch " + strconv.Itoa(nearest) + ", " + closest[0].Message
	}
	return []Finding{c.finding(path, RuleJSONUnion, message)}
}

// exclusive shows that no branch of oneOf but the one given takes anything of the view.
func (c *jsonCheck) exclusive(w *view, p placed, taken, branches int) []Finding {
	for i := range branches {
		step := strconv.Itoa(i)
		if i != taken && !c.disjoint(w, newView([]*jsonNode{p.node.child("oneOf", step)}, nil), 0) {
			return []Finding{c.undecided(p.path+"/oneOf", c.subject(p.path)+" fits branch "+strconv.Itoa(taken)+" of oneOf and perhaps branch "+step+" too")}
		}
	}
	return nil
}

// negation shows that the view has nothing of what not refuses: because the writer refuses as much, or because the two are apart.
func (c *jsonCheck) negation(w *view, p placed, not *jsonNode) []Finding {
	for _, n := range w.nodes {
		if have := n.child("not"); have != nil && len(c.contains(newView([]*jsonNode{not}, nil), have, "")) == 0 {
			return nil
		}
	}
	if c.disjoint(w, newView([]*jsonNode{not}, nil), 0) {
		return nil
	}
	return []Finding{c.undecided(p.path+"/not", c.subject(p.path)+" is refused where another schema fits")}
}

// condition checks then for what if may take, and else for everything.
func (c *jsonCheck) condition(w *view, p placed) []Finding {
	test := p.node.child("if")
	yes, no := []*jsonNode{test}, []*jsonNode{}
	for _, n := range w.nodes {
		if have := n.child("if"); have != nil && c.equal(have, test) {
			yes, no = append(yes, n.child("then")), append(no, n.child("else"))
		}
	}
	var fs []Finding
	if then := p.node.child("then"); then != nil && !c.disjoint(w, newView([]*jsonNode{test}, nil), 0) {
		fs = append(fs, c.contains(w.with(yes...), then, p.path+"/then")...)
	}
	if other := p.node.child("else"); other != nil && len(c.contains(w, test, p.path+"/if")) > 0 {
		fs = append(fs, c.contains(w.with(no...), other, p.path+"/else")...)
	}
	return fs
}

// maxApart bounds how deep disjoint looks.
const maxApart = 8

// disjoint reports whether it is certain that no value is in both views.
func (c *jsonCheck) disjoint(a, b *view, depth int) bool {
	if !c.spend(1) || depth > maxApart {
		return false
	}
	t := a.types() & b.types()
	if t == typeNone || c.noValue(a, b) || c.noValue(b, a) {
		return true
	}
	if t&^typeNumber == 0 && apart(a, b) || t == typeObject && c.objectsApart(a, b, depth) {
		return true
	}
	for _, side := range [][2]*view{{a, b}, {b, a}} {
		parts := side[0].branches()
		if len(parts) > 0 && !slices.ContainsFunc(parts, func(p *view) bool { return !c.disjoint(p, side[1], depth+1) }) {
			return true
		}
	}
	return false
}

// noValue reports whether a lists its values and b takes none of them.
func (c *jsonCheck) noValue(a, b *view) bool {
	values, ok := a.finite()
	return ok && !slices.ContainsFunc(values, func(value any) bool {
		return !c.spend(1+len(values)/100) || c.mayHold(a, value) && c.mayHold(b, value)
	})
}

// apart reports whether the ranges of two views of numbers don't meet.
func apart(a, b *view) bool {
	for _, side := range [][2]*view{{a, b}, {b, a}} {
		low, high := side[0].lower(), side[1].upper()
		if low.at == nil || high.at == nil {
			continue
		}
		if d := low.at.Cmp(high.at); d > 0 || d == 0 && (low.exclusive || high.exclusive) {
			return true
		}
	}
	return false
}

// objectsApart looks for a property that both have and that differs, or that one has and the other refuses.
func (c *jsonCheck) objectsApart(a, b *view, depth int) bool {
	for _, name := range slices.Concat(a.declared(), b.declared()) {
		inA, inB := a.required(name), b.required(name)
		if !inA && !inB {
			continue
		}
		x, _ := c.at(a, name)
		y, _ := c.at(b, name)
		if inA && y.never || inB && x.never || c.disjoint(x, y, depth+1) {
			return true
		}
	}
	return false
}
