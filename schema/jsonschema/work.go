package jsonschema

import (
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of one validation.
const (
	// maxApplied is how many times schemas may be applied to places of the data; a million take about a second.
	maxApplied = 4_000_000
	// maxSteps is how many instructions of patterns the bytes of the data may pass through.
	maxSteps = 250_000_000
	// maxInPlace is how many schemas may apply to one place through each other, and how deep.
	maxInPlace = 4096
	maxChain   = 256
	// maxClosures bounds what is computed about one schema in all.
	maxClosures = 1 << 20
)

// work is an upper bound on what validating costs, by the depth of the data. Alternatives that lead to each other again below a member double
// with every level of the data, so a bound for the schema alone would refuse what is common for flat data.
type work struct {
	applied []float64 // by depth: schemas that apply to one place, at most
	steps   []float64 // by depth: instructions of patterns that a byte passes through, at most
}

// allows reports whether data of that size may be validated.
func (w work) allows(m size, bytes int) bool {
	d := min(m.depth, len(w.applied)-1)
	return w.applied[d]*float64(m.nodes) <= maxApplied && w.steps[d]*float64(bytes) <= maxSteps
}

// estimate computes the bound for data of up to that many levels.
func estimate(root *jsonschema.Schema, nesting int) (work, error) {
	g := &graph{closures: make(map[*jsonschema.Schema]*closure), anchors: make(map[string][]*jsonschema.Schema)}
	g.findAnchors(root)
	if err := g.build(root); err != nil {
		return work{}, err
	}
	var w work
	for range nesting + 1 {
		changed := g.step()
		c := g.closures[root]
		w.applied, w.steps = append(w.applied, c.applied), append(w.steps, c.steps)
		if !changed {
			break
		}
	}
	return w, nil
}

// closure is all that applies to a place when one schema does.
type closure struct {
	members []*jsonschema.Schema // a schema that applies twice stands here twice
	groups  [][]*closure         // for each kind of child of the place, what applies to it
	weight  float64
	pattern float64

	applied, steps         float64 // the bounds for the depth reached
	nextApplied, nextSteps float64
}

// graph holds the closures of all schemas that a schema leads to.
type graph struct {
	closures map[*jsonschema.Schema]*closure
	anchors  map[string][]*jsonschema.Schema
	pending  []*jsonschema.Schema
	total    int
}

// build computes the closures of root and of all that it leads to.
func (g *graph) build(root *jsonschema.Schema) error {
	if _, err := g.closure(root); err != nil {
		return err
	}
	for len(g.pending) > 0 {
		s := g.pending[len(g.pending)-1]
		g.pending = g.pending[:len(g.pending)-1]
		c := g.closures[s]
		for _, targets := range children(c.members) {
			group := make([]*closure, 0, len(targets))
			for _, t := range targets {
				target, err := g.closure(t)
				if err != nil {
					return err
				}
				group = append(group, target)
			}
			c.groups = append(c.groups, group)
			if g.total += len(group); g.total > maxClosures {
				return fmt.Errorf("expected a schema whose parts lead to each other in at most %d ways", maxClosures)
			}
		}
	}
	return nil
}

// closure returns the closure of s, its children still to be found when it is new.
func (g *graph) closure(s *jsonschema.Schema) (*closure, error) {
	if c, ok := g.closures[s]; ok {
		return c, nil
	}
	c := &closure{}
	if err := g.gather(c, s, 0, make(map[*jsonschema.Schema]bool)); err != nil {
		return nil, err
	}
	for _, m := range c.members {
		c.weight += weightOf(m)
		c.pattern += patternsOf(m)
	}
	c.applied, c.steps = c.weight, c.pattern
	g.total += len(c.members)
	g.closures[s] = c
	g.pending = append(g.pending, s)
	return c, nil
}

// gather collects what applies to the same place. A schema that leads to itself there is a circle, which the library reports when it validates.
func (g *graph) gather(c *closure, s *jsonschema.Schema, depth int, trail map[*jsonschema.Schema]bool) error {
	switch {
	case s == nil || trail[s]:
		return nil
	case depth > maxChain:
		return fmt.Errorf("expected at most %d schemas that apply through each other", maxChain)
	case len(c.members) >= maxInPlace:
		return fmt.Errorf("expected at most %d schemas that apply to one place", maxInPlace)
	}
	c.members = append(c.members, s)
	trail[s] = true
	for _, next := range g.inPlace(s) {
		if err := g.gather(c, next, depth+1, trail); err != nil {
			return err
		}
	}
	delete(trail, s)
	return nil
}

// step computes the bounds for one more level of data and reports whether any of them grew.
func (g *graph) step() bool {
	const enough = 1e15 // further growth changes no answer
	changed := false
	for _, c := range g.closures {
		c.nextApplied, c.nextSteps = c.weight, c.pattern
		for _, group := range c.groups {
			var applied, steps float64
			for _, target := range group {
				applied += target.applied
				steps += target.steps
			}
			c.nextApplied, c.nextSteps = max(c.nextApplied, min(applied, enough)), max(c.nextSteps, min(steps, enough))
		}
		changed = changed || c.nextApplied > c.applied || c.nextSteps > c.steps
	}
	for _, c := range g.closures {
		c.applied, c.steps = c.nextApplied, c.nextSteps
	}
	return changed
}
