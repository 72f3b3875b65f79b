package jsonschema_test

import (
	"errors"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

// FuzzCompile compiles any text and validates any data with what compiles: no panic, no other error than the two that are promised.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(order), []byte(`{"id":"o-1","total":9.99,"items":[{"sku":"a","count":1}]}`))
	f.Add([]byte(`{"$ref":"#"}`), []byte(`1e5`))
	f.Add([]byte(`{"pattern":"(a|a)*b","multipleOf":0}`), []byte(`"aaaaaaaaaaaaaaaaaaaa"`))
	f.Add([]byte(`{"$dynamicRef":"#a","$dynamicAnchor":"a","unevaluatedItems":{"$ref":"#"}}`), []byte(`[[[]]]`))
	f.Add([]byte(`{"minimum":1e400,"const":-0.0e-0}`), []byte(`{"a":1E-400,"a":[`))
	f.Fuzz(func(t *testing.T, text, data []byte) {
		s := schema.Schema{Format: schema.JSONSchema, Text: text, Source: "fuzz.json"}
		v, err := jsonschema.Compiler{}.Compile(s)
		if err != nil {
			if !errors.Is(err, schema.ErrInvalidSchema) {
				t.Fatal(err)
			}
			return
		}
		if err := v.Validate(data); err != nil && !errors.Is(err, schema.ErrMismatch) {
			t.Fatal(err)
		}
	})
}
