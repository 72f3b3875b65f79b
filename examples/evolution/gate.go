package main

import (
	"context"
	"errors"
	"maps"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gate"
)

// errStopped says that the gate objects.
var errStopped = errors.New("the gate stopped the change")

// covered are the rules that upcasters answer for: they fill in what older events lack.
var covered = []compat.Rule{compat.RuleJSONRequired}

// gate decides whether a version may be published after those before it, as `herald schema check` does: older and newer services must read each
// other's events, and publishers send what their schema declares.
func (s *story) gate(ctx context.Context, version string, allow []compat.Rule) error {
	base, next, err := sets(ctx, version)
	if err != nil {
		return err
	}
	c := gate.Config{Compat: compat.Config{Mode: compat.Full, DeclaredOnly: true, Allow: allow}}
	report, err := gate.Check(ctx, next, base, nil, c)
	if err != nil {
		return err
	}
	for _, p := range report.Problems {
		s.say("  gate: %v", p)
	}
	if len(report.Problems) > 0 {
		s.say("  gate: version %s is stopped", version)
		return errStopped
	}
	s.say("  gate: version %s may be published", version)
	return nil
}

// sets returns the versions before one, and the same with it.
func sets(ctx context.Context, version string) (base, next gate.Set, err error) {
	next = make(gate.Set)
	for _, name := range []string{"schemas", "proposed"} {
		registry, err := folder(name)
		if err != nil {
			return nil, nil, err
		}
		all, err := gate.Load(ctx, registry)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(next, all)
	}
	maps.DeleteFunc(next, func(ref schema.Ref, _ schema.Schema) bool { return schema.CompareVersions(ref.Version, version) > 0 })
	base = maps.Clone(next)
	maps.DeleteFunc(base, func(ref schema.Ref, _ schema.Schema) bool { return schema.CompareVersions(ref.Version, version) == 0 })
	return base, next, nil
}
