package jsonschema

import (
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// inPlace returns the schemas that apply to the same place as s, because s says so.
func (g *graph) inPlace(s *jsonschema.Schema) []*jsonschema.Schema {
	out := make([]*jsonschema.Schema, 0, len(s.AllOf)+len(s.AnyOf)+len(s.OneOf))
	out = append(out, s.AllOf...)
	out = append(out, s.AnyOf...)
	out = append(out, s.OneOf...)
	for _, one := range []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else} {
		if one != nil {
			out = append(out, one)
		}
	}
	for _, d := range s.DependentSchemas {
		out = append(out, d)
	}
	for _, d := range s.Dependencies {
		if one, ok := d.(*jsonschema.Schema); ok {
			out = append(out, one)
		}
	}
	if d := s.DynamicRef; d != nil {
		out = append(out, d.Ref)
		for _, candidate := range g.anchors[d.Anchor] {
			if d.Anchor != "" && candidate != d.Ref {
				out = append(out, candidate)
			}
		}
	}
	return out
}

// below returns the schemas that apply to members, items and names below the place of s.
func below(s *jsonschema.Schema) []*jsonschema.Schema {
	out := slices.Clone(s.PrefixItems)
	for _, p := range s.Properties {
		out = append(out, p)
	}
	for _, p := range s.PatternProperties {
		out = append(out, p)
	}
	if items, ok := s.Items.([]*jsonschema.Schema); ok {
		out = append(out, items...)
	}
	for _, x := range []any{s.AdditionalProperties, s.Items, s.AdditionalItems} {
		if one, ok := x.(*jsonschema.Schema); ok {
			out = append(out, one)
		}
	}
	for _, one := range []*jsonschema.Schema{
		s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema,
	} {
		if one != nil {
			out = append(out, one)
		}
	}
	return out
}

// findAnchors notes every schema that a $dynamicRef may lead to.
func (g *graph) findAnchors(root *jsonschema.Schema) {
	seen := map[*jsonschema.Schema]bool{root: true}
	for queue := []*jsonschema.Schema{root}; len(queue) > 0; {
		s := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if s.DynamicAnchor != "" {
			g.anchors[s.DynamicAnchor] = append(g.anchors[s.DynamicAnchor], s)
		}
		for _, next := range append(g.inPlace(s), below(s)...) {
			if next != nil && !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
}

// children returns, for each kind of child that a place can have, the schemas that apply to it: each member that a schema names, any other
// member, a member's name, each item that a schema numbers, any other item.
func children(members []*jsonschema.Schema) [][]*jsonschema.Schema {
	names := make(map[string]bool)
	items := 0
	for _, s := range members {
		for name := range s.Properties {
			names[name] = true
		}
		items = max(items, len(s.PrefixItems))
		if numbered, ok := s.Items.([]*jsonschema.Schema); ok {
			items = max(items, len(numbered))
		}
	}
	var out [][]*jsonschema.Schema
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, forMember(members, &name))
	}
	out = append(out, forMember(members, nil), forNames(members))
	for i := range items + 1 {
		out = append(out, forItem(members, i))
	}
	return slices.DeleteFunc(out, func(group []*jsonschema.Schema) bool { return len(group) == 0 })
}

// forMember returns what applies to the member of that name, or to one that no schema names.
func forMember(members []*jsonschema.Schema, name *string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, s := range members {
		named := false
		if name != nil {
			if p, ok := s.Properties[*name]; ok {
				out, named = append(out, p), true
			}
		}
		for re, p := range s.PatternProperties {
			if name == nil || re.MatchString(*name) {
				out = append(out, p)
			}
		}
		if named {
			continue
		}
		if p, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
			out = append(out, p)
		}
		if s.UnevaluatedProperties != nil {
			out = append(out, s.UnevaluatedProperties)
		}
	}
	return out
}

func forNames(members []*jsonschema.Schema) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, s := range members {
		for _, p := range []*jsonschema.Schema{s.PropertyNames, s.ContentSchema} {
			if p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// forItem returns what applies to the item of that number.
func forItem(members []*jsonschema.Schema, i int) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, s := range members {
		numbered, _ := s.Items.([]*jsonschema.Schema)
		rest, _ := s.AdditionalItems.(*jsonschema.Schema)
		if all, ok := s.Items.(*jsonschema.Schema); ok {
			rest = all
		}
		if s.DraftVersion >= 2020 {
			numbered, rest = s.PrefixItems, s.Items2020
		}
		switch {
		case i < len(numbered):
			out = append(out, numbered[i])
		case rest != nil:
			out = append(out, rest)
		}
		for _, p := range []*jsonschema.Schema{s.Contains, s.UnevaluatedItems} {
			if p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// cheap is how many entries of a list are checked in the time of applying a schema.
const cheap = 8

// weightOf returns what applying s alone costs, in applications of an empty schema.
func weightOf(s *jsonschema.Schema) float64 {
	lists := len(s.Required) + len(s.Properties) + len(s.PatternProperties)*cheap + len(s.DependentRequired) + len(s.Dependencies)
	if s.Enum != nil {
		lists += len(s.Enum.Values)
		for _, v := range s.Enum.Values {
			lists += sizeOf(v)
		}
	}
	if s.Const != nil {
		lists += sizeOf(*s.Const)
	}
	for _, need := range s.DependentRequired {
		lists += len(need)
	}
	return 1 + float64(lists)/cheap
}

// sizeOf counts what a comparison with v may visit.
func sizeOf(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += 1 + sizeOf(item)
		}
	case map[string]any:
		for _, item := range v {
			n += 1 + sizeOf(item)
		}
	}
	return n
}

// patternsOf returns what the patterns of s cost for each byte of text.
func patternsOf(s *jsonschema.Schema) float64 {
	steps := stepsOf(s.Pattern)
	for re := range s.PatternProperties {
		steps += stepsOf(re)
	}
	return steps
}
