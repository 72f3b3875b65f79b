package jsonschema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/herald-go/herald/schema"
)

// violations lists the leaves of what the library reports.
func violations(e *jsonschema.ValidationError) []schema.Violation {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		out := []schema.Violation{violation(e)}
		if best := nearest(e.Causes); best != nil {
			out = append(out, best...)
		}
		return out
	case *kind.Not, *kind.Contains, *kind.MinContains, *kind.PropertyNames:
		return []schema.Violation{violation(e)}
	}
	if len(e.Causes) == 0 {
		return leaf(e)
	}
	var out []schema.Violation
	for _, c := range e.Causes {
		out = append(out, violations(c)...)
	}
	return out
}

// nearest returns the violations of the alternative that data came closest to: the one that fails deepest, then in the fewest places.
func nearest(alternatives []*jsonschema.ValidationError) []schema.Violation {
	var best []schema.Violation
	bestDepth := -1
	for _, a := range alternatives {
		all := violations(a)
		depth := 0
		for _, v := range all {
			depth = max(depth, strings.Count(v.Pointer, "/"))
		}
		if depth > bestDepth || depth == bestDepth && len(all) < len(best) {
			best, bestDepth = all, depth
		}
	}
	return best
}

// leaf splits what names several members.
func leaf(e *jsonschema.ValidationError) []schema.Violation {
	at := pointer(e.InstanceLocation)
	var out []schema.Violation
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			out = append(out, schema.Violation{Pointer: at, Keyword: "required", Expected: "the member " + quoted(name)})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			out = append(out, schema.Violation{Pointer: schema.Pointer(at, clip(name)), Keyword: "additionalProperties", Expected: "no such member"})
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			out = append(out, schema.Violation{Pointer: at, Keyword: "dependentRequired", Expected: "the member " + quoted(name) + " beside " + quoted(k.Prop)})
		}
	case *kind.Dependency:
		for _, name := range k.Missing {
			out = append(out, schema.Violation{Pointer: at, Keyword: "dependencies", Expected: "the member " + quoted(name) + " beside " + quoted(k.Prop)})
		}
	default:
		out = append(out, violation(e))
	}
	return out
}

func violation(e *jsonschema.ValidationError) schema.Violation {
	v := schema.Violation{Pointer: pointer(e.InstanceLocation), Expected: expected(e.ErrorKind)}
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		v.Keyword = path[0]
	}
	return v
}

// expected says what a rule asks for, in words of the schema alone.
func expected(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return strings.Join(k.Want, " or ") + ", got " + k.Got
	case *kind.Enum:
		return "one of " + values(k.Want)
	case *kind.Const:
		return values([]any{k.Want})
	case *kind.Format:
		return "the format " + quoted(k.Want)
	case *kind.Pattern:
		return "text that matches " + clip(k.Want)
	case *kind.AnyOf:
		return "what one of the schemas of anyOf asks for"
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "what exactly one of the schemas of oneOf asks for; several do"
		}
		return "what one of the schemas of oneOf asks for"
	case *kind.Not:
		return "anything but what not asks for"
	case *kind.FalseSchema:
		return "nothing here"
	case *kind.PropertyNames:
		return "names of members as propertyNames asks for"
	case *kind.UniqueItems:
		return fmt.Sprintf("items that differ; %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.RefCycle:
		return "a schema whose references end"
	}
	return counted(k)
}

// counted says what a bound asks for.
func counted(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinProperties:
		return "at least " + strconv.Itoa(k.Want) + " members"
	case *kind.MaxProperties:
		return "at most " + strconv.Itoa(k.Want) + " members"
	case *kind.MinItems:
		return "at least " + strconv.Itoa(k.Want) + " items"
	case *kind.MaxItems:
		return "at most " + strconv.Itoa(k.Want) + " items"
	case *kind.AdditionalItems:
		return strconv.Itoa(k.Count) + " items fewer"
	case *kind.MinContains:
		return "at least " + strconv.Itoa(k.Want) + " items as contains asks for"
	case *kind.MaxContains:
		return "at most " + strconv.Itoa(k.Want) + " items as contains asks for"
	case *kind.Contains:
		return "an item as contains asks for"
	case *kind.MinLength:
		return "at least " + strconv.Itoa(k.Want) + " characters"
	case *kind.MaxLength:
		return "at most " + strconv.Itoa(k.Want) + " characters"
	case *kind.Minimum:
		return decimal(k.Want) + " or more"
	case *kind.Maximum:
		return decimal(k.Want) + " or less"
	case *kind.ExclusiveMinimum:
		return "more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "a multiple of " + decimal(k.Want)
	}
	return "what " + strings.Join(k.KeywordPath(), "/") + " asks for"
}

// decimal writes a number as the schema has it.
func decimal(r *big.Rat) string {
	n, exact := r.FloatPrec()
	if !exact {
		return r.RatString()
	}
	return clip(r.FloatString(n))
}

// values writes values of the schema, a few of them.
func values(all []any) string {
	const few = 10
	var out []string
	for i, v := range all {
		if i == few {
			out = append(out, fmt.Sprintf("and %d more", len(all)-few))
			break
		}
		text, err := json.Marshal(v)
		if err != nil {
			continue
		}
		out = append(out, clip(string(text)))
	}
	return strings.Join(out, ", ")
}

func pointer(tokens []string) string {
	p := ""
	for _, t := range tokens {
		p = schema.Pointer(p, clip(t))
	}
	return p
}

// clip keeps a message short whatever it quotes.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func quoted(name string) string { return strconv.Quote(clip(name)) }
