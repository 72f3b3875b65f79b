package outline

import (
	"encoding/json"
	"math/big"
	"strings"
)

// Sample returns one value that data of a node may be, in the form that Decode returns: the schema's own example where it has one, else
// constants, defaults, and plain values within the bounds. It leaves out what is optional and refers back to itself. It does its best: a
// pattern, or a rule that the tree does not express, may not be kept.
func Sample(n *Node) any {
	s := sampler{left: maxSample}
	return s.value(n, nil)
}

// maxSample bounds the values of one sample: definitions that use each other twice grow with the power of their depth.
const maxSample = 1000

// sampler makes one sample.
type sampler struct{ left int }

func (s *sampler) value(n *Node, trail []*Node) any {
	s.left--
	switch {
	case len(n.Examples) > 0:
		return n.Examples[0]
	case n.HasDefault && n.Default != nil && n.Kind != Object:
		return n.Default
	case len(n.Enum) > 0:
		return n.Enum[0]
	case len(trail) > maxDepth || s.left < 0:
		return nil
	}
	switch n.Kind {
	case Ref:
		return s.value(n.Target, append(trail, n))
	case Object:
		return s.object(n, trail)
	case Map:
		return s.dictionary(n, trail)
	case Array:
		return s.array(n, trail)
	case OneOf:
		if len(n.Branches) > 0 {
			return s.value(n.Branches[0], append(trail, n))
		}
	case String:
		return sampleText(n)
	case Bytes:
		return "3q2+7w=="
	case Integer, Number:
		return sampleNumber(n)
	case Boolean:
		return true
	case Any, Null:
	}
	return nil
}

// within reports whether a node is being sampled already.
func within(trail []*Node, n *Node) bool {
	n = n.Resolve()
	for _, t := range trail {
		if t == n {
			return true
		}
	}
	return false
}

func (s *sampler) object(n *Node, trail []*Node) any {
	trail = append(trail, n)
	m := &Members{}
	for _, p := range n.Properties {
		if within(trail, p.Node) {
			if p.Required && (p.Node.Nullable || p.Node.Resolve().Nullable) {
				m.Set(p.Name, nil)
			}
			continue
		}
		m.Set(p.Name, s.value(p.Node, trail))
	}
	return m
}

func (s *sampler) dictionary(n *Node, trail []*Node) any {
	m := &Members{}
	if within(trail, n.Elem) {
		return m
	}
	key := "name"
	if n.Keys != nil && n.Keys.Kind == Integer {
		key = "1"
	}
	return m.Set(key, s.value(n.Elem, append(trail, n)))
}

func (s *sampler) array(n *Node, trail []*Node) any {
	if within(trail, n.Elem) {
		return []any{}
	}
	count := 1
	if c, ok := n.Constraint("minItems").(json.Number); ok {
		if least, err := c.Int64(); err == nil && least > 1 && least <= 10 {
			count = int(least)
		}
	}
	list := make([]any, count)
	for i := range list {
		list[i] = s.value(n.Elem, append(trail, n))
	}
	return list
}

// texts are values of the formats of JSON Schema.
var texts = map[string]string{
	"date-time": "2026-01-31T09:30:00Z", "date": "2026-01-31", "time": "09:30:00Z", "duration": "PT1H30M", "email": "someone@example.com",
	"hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.com/", "uri-reference": "/orders/1",
	"uuid": "0190b5a2-7e4b-7c3d-9f21-3f6a5b0c1d2e", "json-pointer": "/a", "regex": "^a$", "decimal": "12.50", "idn-email": "someone@example.com",
}

func sampleText(n *Node) any {
	text, ok := texts[n.Format]
	if !ok {
		text = "text"
	}
	if c, ok := n.Constraint("maxLength").(json.Number); ok {
		if most, err := c.Int64(); err == nil && most >= 0 && most < int64(len(text)) {
			text = text[:most]
		}
	}
	if c, ok := n.Constraint("minLength").(json.Number); ok {
		if least, err := c.Int64(); err == nil && least > int64(len(text)) && least <= 200 {
			text += strings.Repeat("x", int(least)-len(text))
		}
	}
	return text
}

// sampleNumber returns a number between the bounds, 1 where it fits.
func sampleNumber(n *Node) any {
	one := big.NewRat(1, 1)
	least, most := ratOf(n.Constraint("minimum")), ratOf(n.Constraint("maximum"))
	over, under := ratOf(n.Constraint("exclusiveMinimum")), ratOf(n.Constraint("exclusiveMaximum"))
	value := one
	switch {
	case least != nil && least.Cmp(value) > 0:
		value = least
	case over != nil && over.Cmp(value) >= 0:
		value = new(big.Rat).Add(over, one)
	case most != nil && most.Cmp(value) < 0:
		value = most
	case under != nil && under.Cmp(value) <= 0:
		value = new(big.Rat).Sub(under, one)
	}
	if step := ratOf(n.Constraint("multipleOf")); step != nil && step.Sign() > 0 {
		value = multiple(value, step)
	}
	if value.IsInt() {
		return json.Number(value.Num().String())
	}
	return json.Number(strings.TrimRight(value.FloatString(10), "0"))
}

// multiple returns the first multiple of step that is not below value.
func multiple(value, step *big.Rat) *big.Rat {
	times := new(big.Rat).Quo(value, step)
	whole := new(big.Int).Quo(times.Num(), times.Denom())
	if !times.IsInt() && value.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return new(big.Rat).Mul(new(big.Rat).SetInt(whole), step)
}

// ratOf returns a constraint's number; nil for none and for one that is too long to reckon with.
func ratOf(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || len(n) > 40 || strings.ContainsAny(n.String(), "eE") {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}
