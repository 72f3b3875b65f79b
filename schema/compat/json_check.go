package compat

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema"
)

// jsonCheck shows that every value of a writer's schema is one of the reader's, keyword by keyword of the reader. What it can't show it reports,
// so it may warn without need and never stays silent without proof.
type jsonCheck struct {
	pair
	ctx         context.Context
	steps       int
	next        int
	depth       int             // of the value that is looked at, below the event's data
	assumed     map[string]int  // comparisons that hold, or the depth + 1 of those under way
	journal     []string        // the keys of assumed in order, to take them back
	same        map[[2]int]bool // nodes that are known or assumed to be equal, or not
	sameJournal [][2]int
	patterns    map[string]*regexp.Regexp
}

func compareJSON(ctx context.Context, p pair, writer, reader Version, conf Config) ([]Finding, error) {
	c := &jsonCheck{
		pair: p, ctx: ctx, steps: maxSteps,
		assumed: map[string]int{}, same: map[[2]int]bool{}, patterns: map[string]*regexp.Regexp{},
	}
	_, w, err := loadJSON(writer, &c.next)
	if err != nil {
		return nil, err
	}
	_, r, err := loadJSON(reader, &c.next)
	if err != nil {
		return nil, err
	}
	if writer.Schema.Fingerprint() == reader.Schema.Fingerprint() {
		return nil, nil
	}
	fs := c.contains(newView([]*jsonNode{w}, nil).close(conf.DeclaredOnly), r, "")
	if c.steps <= 0 {
		fs = append(fs, c.undecided("", "the schemas are too large or too entangled to be compared within bounds"))
	}
	return fs, ctx.Err()
}

// spend takes steps from the budget and reports whether any are left.
func (c *jsonCheck) spend(steps int) bool {
	before := c.steps
	if c.steps -= steps; before>>8 != c.steps>>8 && c.ctx.Err() != nil {
		c.steps = 0
	}
	return c.steps > 0
}

// contains returns what of the reader's node the writer's values may break.
func (c *jsonCheck) contains(w *view, r *jsonNode, path string) []Finding {
	if w.never || r.raw == true || w.types() == typeNone {
		return nil
	}
	if !c.spend(1 + len(w.nodes)/16) {
		return nil // compareJSON says so
	}
	key := w.key + "|" + strconv.Itoa(r.id)
	started, known := c.assumed[key]
	if known && started == c.depth+1 {
		return []Finding{c.undecided(path, "the schema refers to itself without a member between")}
	}
	if known || c.among(w, r) {
		return nil
	}
	mark := len(c.journal)
	c.assumed[key] = c.depth + 1
	c.journal = append(c.journal, key)
	fs := c.all(w, r, path)
	c.assumed[key] = 0
	if len(fs) > 0 {
		for _, k := range c.journal[mark:] {
			delete(c.assumed, k)
		}
		c.journal = c.journal[:mark]
	}
	return fs
}

// below is contains for a member or an item of the value.
func (c *jsonCheck) below(w *view, r *jsonNode, path string) []Finding {
	c.depth++
	defer func() { c.depth-- }()
	return c.contains(w, r, path)
}

// among reports whether the writer's view has a node that says the same as the reader's.
func (c *jsonCheck) among(w *view, r *jsonNode) bool {
	return slices.ContainsFunc(w.nodes, func(n *jsonNode) bool { return c.equal(n, r) })
}

// all tries the whole view, and then each of its branches.
func (c *jsonCheck) all(w *view, r *jsonNode, path string) []Finding {
	if w.types() == typeObject && c.impossible(w) {
		return nil
	}
	if values, ok := w.finite(); ok {
		return c.values(w, values, r, path)
	}
	fs := c.nodes(w, r, path)
	if len(fs) == 0 {
		return nil
	}
	parts := w.branches()
	if len(parts) == 0 && c.splits(r) {
		parts = c.kinds(w)
	}
	if len(parts) == 0 {
		return fs
	}
	fs = nil
	for _, p := range parts {
		fs = append(fs, c.contains(p, r, path)...)
		if len(fs) >= MaxFindings {
			break
		}
	}
	return fs
}

// splits reports whether looking at one kind at a time may help: whether the reader has branches.
func (c *jsonCheck) splits(r *jsonNode) bool {
	return slices.ContainsFunc(newView([]*jsonNode{r}, nil).nodes, func(n *jsonNode) bool {
		m := n.object()
		return m["anyOf"] != nil || m["oneOf"] != nil || m["if"] != nil || m["not"] != nil
	})
}

// kinds splits a view by the kinds of its values.
func (c *jsonCheck) kinds(w *view) []*view {
	var parts []*view
	t := w.types()
	for _, s := range singleTypes {
		if t&s.set != 0 && t != s.set {
			parts = append(parts, w.with(c.made(s.set)))
		}
	}
	return parts
}

// made returns a node of the comparison's own: a value of these kinds that has these properties.
func (c *jsonCheck) made(kinds typeSet, present ...string) *jsonNode {
	c.next++
	return &jsonNode{id: c.next, only: kinds, present: present}
}

// placed is a node of the reader with its keyword location.
type placed struct {
	node *jsonNode
	path string
}

// nodes checks the reader's node with what $ref and allOf add.
func (c *jsonCheck) nodes(w *view, r *jsonNode, path string) []Finding {
	closure, complete := readerClosure(r, path)
	var fs []Finding
	if !complete {
		fs = append(fs, c.undecided(path, "a reference leads in a circle or nowhere"))
	}
	for _, p := range closure {
		if p.node.raw == false {
			fs = append(fs, c.finding(p.path, RuleJSONNothing, c.subject(p.path)+" is refused whatever it holds: "+c.events()+" may hold "+w.types().example()))
			continue
		}
		fs = append(fs, c.keywords(w, p, closure)...)
		if len(fs) >= MaxFindings {
			break
		}
	}
	return fs
}

// readerClosure returns the nodes that r asks for, and whether these are all.
func readerClosure(r *jsonNode, path string) (closure []placed, complete bool) {
	complete = true
	under := map[int]bool{}
	seen := map[int]bool{}
	var visit func(n *jsonNode, path string)
	visit = func(n *jsonNode, path string) {
		if n == nil || under[n.id] {
			complete = false
			return
		}
		if seen[n.id] {
			return
		}
		seen[n.id], under[n.id] = true, true
		defer delete(under, n.id)
		ref, hasRef := n.object()["$ref"].(string)
		if hasRef {
			visit(n.reference(ref), path+"/$ref")
		}
		if hasRef && n.doc.legacy {
			return
		}
		closure = append(closure, placed{n, path})
		all, _ := n.object()["allOf"].([]any)
		for i := range all {
			step := strconv.Itoa(i)
			visit(n.child("allOf", step), path+"/allOf/"+step)
		}
	}
	visit(r, path)
	return closure, complete
}

// keywords checks one node of the reader.
func (c *jsonCheck) keywords(w *view, p placed, closure []placed) []Finding {
	if c.among(w, p.node) {
		return nil
	}
	fs := c.kind(w, p)
	t := w.types()
	if t&typeNumber != 0 {
		fs = append(fs, c.number(w, p)...)
	}
	if t&typeString != 0 {
		fs = append(fs, c.text(w, p)...)
	}
	if t&typeArray != 0 {
		fs = append(fs, c.array(w, p, closure)...)
	}
	if t&typeObject != 0 {
		fs = append(fs, c.object(w, p, closure)...)
	}
	return append(fs, c.combine(w, p)...)
}

func (c *jsonCheck) undecided(path, why string) Finding {
	return c.finding(path, RuleUndecided, why+": "+c.events()+" may break "+c.reader)
}

// subject names the place of a keyword location as a reader of the data would: "`lines[].sku`".
func (c *jsonCheck) subject(path string) string {
	var b strings.Builder
	tokens := strings.Split(path, "/")
	for i := 1; i < len(tokens); i++ {
		switch tokens[i] {
		case "properties", "patternProperties":
			i++
			b.WriteString("." + unescaper.Replace(strings.Join(tokens[min(i, len(tokens)):min(i+1, len(tokens))], "")))
		case "items", "prefixItems", "additionalItems", "contains":
			b.WriteString("[]")
		case "additionalProperties":
			b.WriteString(".*")
		case "anyOf", "oneOf", "allOf", "dependentSchemas", "$defs", "definitions":
			i++
		}
	}
	if b.Len() == 0 {
		return "the data"
	}
	return "`" + strings.TrimPrefix(b.String(), ".") + "`"
}

// member appends a property to a place as subject writes it.
func (c *jsonCheck) member(path, name string) string {
	return c.subject(schema.Pointer(path+"/properties", name))
}
