package gate

import (
	"context"
	"fmt"
	"slices"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

// Config says what Check holds a set to. The zero value is the mode backward, and nothing is let pass.
type Config struct {
	// Compat is handed to package compat. The rules that Compat.Allow names are let pass by Check too.
	Compat compat.Config
	// All compares every version with those before it, not only the new ones.
	All bool
}

// Report is what Check found.
type Report struct {
	// New are the versions that neither the base nor the lock has; Removed those that one of them has and the set has not; Changed those
	// whose schema is another one than there. All are sorted.
	New     []schema.Ref
	Changed []schema.Ref
	Removed []schema.Ref
	// Compared is how many versions were compared with versions before them.
	Compared int
	// Problems are why the set must not be published, sorted by type and version; none means that it may.
	Problems []Problem
}

// Check decides whether the set may be published. base is what is published where the set goes to, lock what was published; either may be nil.
// With neither, every version counts as new. A version that is new is compared with those before it in the set and the base together, by the
// mode, and one that was published with the new ones before it, should some have been put in. A version that was published may change its
// documentation and layout only, and may not go away.
//
// Schemas that can't be read are problems; the error is for ctx alone.
func Check(ctx context.Context, set, base Set, lock Lock, c Config) (*Report, error) {
	g := &gateCheck{ctx: ctx, set: set, base: base, lock: lock, conf: c, report: &Report{}}
	for _, ref := range set.Refs() {
		g.version(ref)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	g.removed()
	r := g.report
	r.Problems = ordered(slices.DeleteFunc(r.Problems, func(p Problem) bool { return slices.Contains(c.Compat.Allow, p.Rule) }))
	return r, nil
}

type gateCheck struct {
	ctx       context.Context
	set, base Set
	lock      Lock
	conf      Config
	report    *Report
}

// version checks one schema of the set.
func (g *gateCheck) version(ref schema.Ref) {
	s := g.set[ref]
	digest, err := compat.Fingerprint(g.ctx, compat.Version{Ref: ref, Schema: s})
	if err != nil {
		g.invalid(ref, s, err)
		return
	}
	locked, inLock := g.lock[ref]
	before, inBase := g.base[ref]
	if !inLock && !inBase {
		g.report.New = append(g.report.New, ref)
	}
	changed := inLock && locked.Fingerprint != digest
	where := LockFile
	if inBase && !changed {
		was, err := compat.Fingerprint(g.ctx, compat.Version{Ref: ref, Schema: before})
		changed, where = err != nil || was != digest, "the base"
	}
	if changed {
		g.report.Changed = append(g.report.Changed, ref)
		g.add(problem(ref, s, RuleChanged, "", "version "+ref.Version+" was published with another schema, as "+where+" has it: publish the change as a new version"))
	}
	switch {
	case g.conf.All, !inLock && !inBase, changed && !inBase:
		g.compare(ref, s, nil)
	case slices.ContainsFunc(g.report.New, func(other schema.Ref) bool { return other.Type == ref.Type }):
		g.compare(ref, s, g.report.New)
	}
}

func (g *gateCheck) add(ps ...Problem) { g.report.Problems = append(g.report.Problems, ps...) }

func (g *gateCheck) invalid(ref schema.Ref, s schema.Schema, err error) {
	if g.ctx.Err() == nil {
		g.add(problem(ref, s, RuleInvalid, "", err.Error()))
	}
}

// compare holds a version to those before it, of which only some count where only is not nil.
func (g *gateCheck) compare(ref schema.Ref, s schema.Schema, only []schema.Ref) {
	older := g.before(ref)
	if len(older) == 0 {
		// Nothing to compare with, but a text that can't be compiled is better known now.
		v := compat.Version{Ref: ref, Schema: s}
		if _, err := compat.Compare(g.ctx, v, v, compat.NewReadsOld, g.conf.Compat); err != nil {
			g.invalid(ref, s, err)
		}
		return
	}
	g.report.Compared++
	fs, err := compat.Check(g.ctx, older, compat.Version{Ref: ref, Schema: s}, g.conf.Compat)
	if err != nil {
		g.invalid(ref, s, err)
		return
	}
	for _, f := range fs {
		if only != nil && !slices.Contains(only, schema.Ref{Type: ref.Type, Version: f.Older}) {
			continue // both were published: nothing can be done about it
		}
		p := problem(ref, s, f.Rule, f.Path, f.Message)
		p.Direction, p.Against = f.Direction, f.Older
		g.add(p)
	}
}

// before returns the versions of a type before ref, oldest first, of the set and the base together.
func (g *gateCheck) before(ref schema.Ref) []compat.Version {
	together := Set{}
	for _, from := range []Set{g.base, g.set} {
		for other, s := range from {
			if other.Type == ref.Type && other.Compare(ref) < 0 {
				together[other] = s
			}
		}
	}
	var older []compat.Version
	for _, other := range together.Refs() {
		older = append(older, compat.Version{Ref: other, Schema: together[other]})
	}
	return older
}

// removed finds what was published and is gone.
func (g *gateCheck) removed() {
	gone := Set{}
	for ref := range g.lock {
		gone[ref] = schema.Schema{}
	}
	for ref := range g.base {
		gone[ref] = schema.Schema{}
	}
	for _, ref := range gone.Refs() {
		if _, ok := g.set[ref]; ok {
			continue
		}
		g.report.Removed = append(g.report.Removed, ref)
		g.add(problem(ref, schema.Schema{}, RuleRemoved, "", fmt.Sprintf("version %s was published and is gone: events of it may still be on their way", ref.Version)))
	}
}
