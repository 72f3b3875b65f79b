package jsonschema_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

const order = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["id", "total", "items"],
	"additionalProperties": false,
	"properties": {
		"id": {"type": "string", "minLength": 1, "pattern": "^o-[0-9]+$"},
		"total": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
		"state": {"enum": ["new", "paid"]},
		"a/b~c": {"type": "integer"},
		"pay": {"oneOf": [
			{"required": ["card"], "properties": {"card": {"type": "object", "required": ["last4"]}}},
			{"required": ["iban"]}
		]},
		"items": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {
			"type": "object", "required": ["sku", "count"],
			"properties": {"sku": {"type": "string"}, "count": {"type": "integer", "minimum": 1}}
		}}
	}
}`

// place is a violation in short.
type place struct{ Pointer, Keyword, Expected string }

func compile(t testing.TB, c jsonschema.Compiler, text string, refs ...schema.Reference) schema.Validator {
	t.Helper()
	v, err := c.Compile(schema.Schema{Format: schema.JSONSchema, Text: []byte(text), Source: "order.placed/1.json", References: refs})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAViolationNamesThePlaceTheRuleAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	v := compile(t, jsonschema.Compiler{}, order)
	for _, tc := range []struct {
		name, data string
		want       []place
	}{
		{"fits", `{"id":"o-1","total":9.99,"items":[{"sku":"a","count":1}]}`, nil},
		{"no object", `[]`, []place{{"", "type", "object, got array"}}},
		{"members missing", `{"id":"o-1"}`, []place{
			{"", "required", `the member "total"`}, {"", "required", `the member "items"`},
		}},
		{"deep inside", `{"id":"o-1","total":1,"items":[{"sku":"a","count":1},{"sku":7,"count":0}]}`, []place{
			{"/items/1/count", "minimum", "1 or more"}, {"/items/1/sku", "type", "string, got number"},
		}},
		{"text and number", `{"id":"x","total":0.005,"items":[{"sku":"a","count":1}]}`, []place{
			{"/id", "pattern", "text that matches ^o-[0-9]+$"}, {"/total", "multipleOf", "a multiple of 0.01"},
		}},
		{"escaped pointer", `{"id":"o-1","total":1,"items":[{"sku":"a","count":1}],"a/b~c":"secret"}`, []place{
			{"/a~1b~0c", "type", "integer, got string"},
		}},
		{"unknown member", `{"id":"o-1","total":1,"items":[{"sku":"a","count":1}],"extra":1}`, []place{
			{"/extra", "additionalProperties", "no such member"},
		}},
		{"enum, items", `{"id":"o-1","total":1,"state":"secret","items":[]}`, []place{
			{"/items", "minItems", "at least 1 items"}, {"/state", "enum", `one of "new", "paid"`},
		}},
		{"equal items", `{"id":"o-1","total":1,"items":[{"sku":"a","count":1},{"count":1.0,"sku":"a"}]}`, []place{
			{"/items", "uniqueItems", "items that differ; 0 and 1 are equal"},
		}},
		{"the nearest alternative", `{"id":"o-1","total":1,"items":[{"sku":"a","count":1}],"pay":{"card":{}}}`, []place{
			{"/pay", "oneOf", "what one of the schemas of oneOf asks for"}, {"/pay/card", "required", `the member "last4"`},
		}},
		{"no JSON", `{"id":`, []place{{"", "json", "JSON"}}},
		{"broken JSON", `{"id":secret}`, []place{{"", "json", "JSON, which ends at byte 7"}}},
		{"two documents", `{} {}`, []place{{"", "json", "JSON"}}},
		{"empty", ``, []place{{"", "json", "JSON"}}},
	} {
		err := v.Validate([]byte(tc.data))
		var got []place
		var failed *schema.Error
		if errors.As(err, &failed) {
			for _, v := range failed.Violations {
				got = append(got, place(v))
			}
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
		if err != nil && (!errors.Is(err, schema.ErrMismatch) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestFormatsAreARuleWhereTheDraftOrTheCompilerSaysSo(t *testing.T) {
	t.Parallel()
	const text = `{"type": "string", "format": "date-time"}`
	for name, tc := range map[string]struct {
		compiler jsonschema.Compiler
		isRule   bool
	}{
		"2020-12":          {jsonschema.Compiler{}, false},
		"2020-12 asserted": {jsonschema.Compiler{AssertFormat: true}, true},
		"draft-07":         {jsonschema.Compiler{Draft: jsonschema.Draft7}, true},
	} {
		if err := compile(t, tc.compiler, text).Validate([]byte(`"yesterday"`)); (err != nil) != tc.isRule {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReferencesAreFoundByTheNameThatTheTextHas(t *testing.T) {
	t.Parallel()
	money := schema.Schema{
		Format: schema.JSONSchema, Text: []byte(`{"type":"object","properties":{"currency":{"$ref":"../currency/1.json#/$defs/code"}}}`),
		Source: "money/1.json", References: []schema.Reference{{Name: "../currency/1.json", Schema: schema.Schema{
			Format: schema.JSONSchema, Text: []byte(`{"$defs":{"code":{"pattern":"^[A-Z]{3}$"}}}`), Source: "currency/1.json",
		}}},
	}
	byID := money
	byID.Text = []byte(`{"$id":"https://example.com/money","properties":{"currency":{"minLength":3}}}`)
	byID.References = nil
	for name, tc := range map[string]struct {
		text string
		ref  schema.Reference
	}{
		"by path":              {`{"properties":{"price":{"$ref":"../money/1.json"}}}`, schema.Reference{Name: "../money/1.json", Schema: money}},
		"by id":                {`{"properties":{"price":{"$ref":"https://example.com/money"}}}`, schema.Reference{Name: "https://example.com/money", Schema: byID}},
		"by the referrer's id": {`{"$id":"https://example.com/order","properties":{"price":{"$ref":"money"}}}`, schema.Reference{Name: "money", Schema: byID}},
	} {
		v := compile(t, jsonschema.Compiler{}, tc.text, tc.ref)
		if err := v.Validate([]byte(`{"price":{"currency":"EUR"}}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Validate([]byte(`{"price":{"currency":"x"}}`)); err == nil || !strings.Contains(err.Error(), "/price/currency") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheSameNameForTwoSchemasIsRefused(t *testing.T) {
	t.Parallel()
	ref := func(text string) schema.Reference {
		return schema.Reference{Name: "x.json", Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}}
	}
	_, err := jsonschema.Compiler{}.Compile(schema.Schema{
		Format: schema.JSONSchema, Text: []byte(`{"$ref":"x.json"}`), References: []schema.Reference{ref(`true`), ref(`false`)},
	})
	if !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), "names two schemas") {
		t.Error(err)
	}
}
