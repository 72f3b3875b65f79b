package compat

import (
	"slices"
	"strconv"
)

// tuple is what a node says of an array's items: of the first ones one by one, and of the rest; nil is nothing.
type tuple struct {
	first []*jsonNode
	rest  *jsonNode
	// The keywords that hold them, for paths.
	firstAt, restAt string
}

// items reads prefixItems and items of 2020-12, or items and additionalItems of draft-07.
func (n *jsonNode) items() tuple {
	t := tuple{firstAt: "/prefixItems/", restAt: "/items"}
	list, _ := n.object()["prefixItems"].([]any)
	if n.doc != nil && n.doc.legacy {
		list, _ = n.object()["items"].([]any)
		if list == nil {
			t.rest = n.child("items")
			return t
		}
		t.firstAt, t.restAt = "/items/", "/additionalItems"
	}
	for i := range list {
		t.first = append(t.first, n.child(t.firstAt[1:len(t.firstAt)-1], strconv.Itoa(i)))
	}
	t.rest = n.child(t.restAt[1:])
	if s := n.child("unevaluatedItems"); s != nil && t.rest == nil && n.plainItems() {
		t.rest, t.restAt = s, "/unevaluatedItems"
	}
	return t
}

// plainItems reports whether only the node's own prefix evaluates items, so that unevaluatedItems means all others.
func (n *jsonNode) plainItems() bool {
	return !slices.ContainsFunc(append([]string{"$ref", "allOf", "contains"}, inPlace...), func(k string) bool { return n.object()[k] != nil })
}

// at returns the schema of one item, or nil.
func (t *tuple) at(i int) *jsonNode {
	if i < len(t.first) {
		return t.first[i]
	}
	return t.rest
}

// item returns what the view says of the item i, or of all beyond every prefix if i is negative.
func (v *view) item(i int) *view {
	var subs []*jsonNode
	for _, n := range v.nodes {
		if n.raw == nil {
			continue
		}
		t := n.items()
		sub := t.rest
		if i >= 0 {
			sub = t.at(i)
		}
		if sub != nil {
			subs = append(subs, sub)
		}
	}
	return newView(subs, nil).close(v.closed)
}

// prefix returns the longest prefix that a node of the view has.
func (v *view) prefix() int {
	longest := 0
	for _, n := range v.nodes {
		if n.raw != nil {
			longest = max(longest, len(n.items().first))
		}
	}
	return longest
}

// length returns the most items that an array of the view has, or -1.
func (v *view) length() int {
	most := v.most("maxItems")
	if prefix := v.prefix(); v.item(-1).never && (most < 0 || prefix < most) {
		// Beyond the longest prefix nothing is let in; within it a shorter closed tuple may end sooner, which only makes this a bound.
		most = prefix
	}
	return most
}

// array checks the keywords of arrays.
func (c *jsonCheck) array(w *view, p placed, closure []placed) []Finding {
	m := p.node.object()
	fs := c.elements(w, p)
	fs = append(fs, c.itemCounts(w, p)...)
	if m["uniqueItems"] == true && !w.has("uniqueItems", true) && (w.length() < 0 || w.length() > 1) {
		fs = append(fs, c.finding(p.path+"/uniqueItems", RuleJSONUnique, c.subject(p.path)+c.change(" may no longer", " may now")+" repeat items: "+
			c.events()+" may"))
	}
	if want := p.node.child("contains"); want != nil {
		fs = append(fs, c.holds(w, p, want)...)
	}
	if want := p.node.child("unevaluatedItems"); want != nil && want.raw != true && !itemsEvaluated(p.node) {
		fs = append(fs, c.undecided(p.path+"/unevaluatedItems", "which items are unevaluated is not worked out"))
	}
	return fs
}

// itemsEvaluated reports whether n, its $ref or allOf evaluate every item.
func itemsEvaluated(n *jsonNode) bool {
	own, _ := readerClosure(n, "")
	return slices.ContainsFunc(own, func(o placed) bool { return o.node.items().rest != nil })
}

// elements checks the items one by one as far as a version has a prefix, and then the rest.
func (c *jsonCheck) elements(w *view, p placed) []Finding {
	want := p.node.items()
	longest := max(len(want.first), w.prefix())
	most := w.length()
	var fs []Finding
	for i := range longest {
		if most >= 0 && i >= most || !c.spend(1) {
			return fs
		}
		have, reader := w.item(i), want.at(i)
		if reader == nil {
			continue
		}
		path := p.path + want.restAt
		if i < len(want.first) {
			path = p.path + want.firstAt + strconv.Itoa(i)
		}
		found := c.below(have, reader, path)
		if len(found) > 0 && reader.raw == false {
			found = []Finding{c.finding(path, RuleJSONItemRefused, c.subject(p.path)+": item "+strconv.Itoa(i)+c.change(" left", " is new in")+" a closed tuple: "+
				c.events()+" may have it")}
		}
		fs = append(fs, found...)
	}
	if want.rest == nil || most >= 0 && most <= longest {
		return fs
	}
	path := p.path + want.restAt
	found := c.below(w.item(-1), want.rest, path)
	if len(found) > 0 && want.rest.raw == false {
		found = []Finding{c.finding(path, RuleJSONItemRefused, c.subject(p.path)+" takes"+c.change(" no longer", " now")+" more than "+strconv.Itoa(longest)+" items: "+
			c.events()+" may have more")}
	}
	return append(fs, found...)
}

func (c *jsonCheck) itemCounts(w *view, p placed) []Finding {
	fs := c.counts(w, p, "minItems", "maxItems", RuleJSONItemCount, "items", w.least("minItems"))
	most, length := count(p.node.object()["maxItems"], -1), w.length()
	if most >= 0 && length >= 0 && length <= most {
		fs = slices.DeleteFunc(fs, func(f Finding) bool { return f.Path == p.path+"/maxItems" })
	}
	return fs
}

// holds checks contains with minContains and maxContains.
func (c *jsonCheck) holds(w *view, p placed, want *jsonNode) []Finding {
	m := p.node.object()
	least, most := count(m["minContains"], 1), count(m["maxContains"], -1)
	path := p.path + "/contains"
	enough := least == 0
	bounded := most < 0 || w.length() >= 0 && w.length() <= most
	for _, n := range w.nodes {
		have := n.child("contains")
		if have == nil {
			continue
		}
		asks, allows := count(n.object()["minContains"], 1), count(n.object()["maxContains"], -1)
		if asks >= least && len(c.below(newView([]*jsonNode{have}, nil), want, path)) == 0 {
			enough = true
		}
		bounded = bounded || allows >= 0 && allows <= most && c.equal(have, want)
	}
	if w.least("minItems") >= least && w.prefix() == 0 && len(c.below(w.item(-1), want, path)) == 0 {
		enough = true
	}
	switch {
	case enough && bounded:
		return nil
	case !enough && !w.has("contains", nil):
		return []Finding{c.finding(path, RuleJSONContains, c.subject(p.path)+c.change(" must now", " must no longer")+" hold a certain item: "+
			c.events()+" may lack it")}
	}
	return []Finding{c.undecided(path, c.subject(p.path)+" is asked for other items")}
}
