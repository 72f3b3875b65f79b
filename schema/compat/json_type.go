package compat

import (
	"encoding/json"
	"math/big"
	"strings"
)

// typeSet is a set of the kinds of JSON values. "number" of JSON Schema is both of the last two: every integer is a number, and 1.0 is an
// integer (2020-12 Validation, 6.1.1).
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeObject
	typeArray
	typeString
	typeInteger
	typeFraction
	typeNone   typeSet = 0
	typeNumber         = typeInteger | typeFraction
	typeAll            = typeNull | typeBoolean | typeObject | typeArray | typeString | typeNumber
)

var jsonTypes = map[string]typeSet{
	"null": typeNull, "boolean": typeBoolean, "object": typeObject, "array": typeArray, "string": typeString,
	"integer": typeInteger, "number": typeNumber,
}

// singleTypes are the kinds one by one, with the name and an example of each.
var singleTypes = []struct {
	set           typeSet
	name, example string
}{
	{typeNull, "null", "null"},
	{typeBoolean, "boolean", "true"},
	{typeObject, "object", "{}"},
	{typeArray, "array", "[]"},
	{typeString, "string", `"text"`},
	{typeInteger, "integer", "1"},
	{typeFraction, "number", "0.5"},
}

func (t typeSet) String() string {
	switch t {
	case typeNone:
		return "nothing"
	case typeAll:
		return "anything"
	}
	var names []string
	for _, s := range singleTypes {
		if t&s.set != 0 && (s.set != typeInteger || t&typeFraction == 0) {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, " or ")
}

// example returns a value of the set.
func (t typeSet) example() string {
	for _, s := range singleTypes {
		if t&s.set != 0 {
			return s.example
		}
	}
	return "nothing"
}

// typesOf reads the keyword type.
func typesOf(raw any) typeSet {
	switch v := raw.(type) {
	case string:
		return jsonTypes[v]
	case []any:
		var t typeSet
		for _, e := range v {
			name, _ := e.(string)
			t |= jsonTypes[name]
		}
		return t
	}
	return typeAll
}

// typeOf returns the kind of a value.
func typeOf(value any) typeSet {
	switch v := value.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case string:
		return typeString
	case []any:
		return typeArray
	case map[string]any:
		return typeObject
	case json.Number:
		if r := rational(v); r != nil && r.IsInt() {
			return typeInteger
		}
		return typeFraction
	}
	return typeAll
}

// rational returns a number of the schema, or nil if there is none. What it reads has been bounded.
func rational(raw any) *big.Rat {
	n, ok := raw.(json.Number)
	if !ok {
		return nil
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil
	}
	return r
}

// count returns a keyword that is a number of things, or absent.
func count(raw any, absent int) int {
	r := rational(raw)
	if r == nil || !r.IsInt() {
		return absent
	}
	if !r.Num().IsInt64() || r.Num().Int64() > 1<<31 {
		return 1 << 31
	}
	return int(r.Num().Int64())
}

// texts returns the strings of an array.
func texts(raw any) []string {
	list, _ := raw.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// short writes a value for a message.
func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	if len(text) > 60 {
		return string([]rune(string(text[:56]))[:40]) + "…"
	}
	return string(text)
}
