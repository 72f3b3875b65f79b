package outline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/internal/outline"
)

func read(t *testing.T, f schema.Format, text string, refs ...schema.Reference) *outline.Node {
	t.Helper()
	n, err := outline.Read(schema.Schema{Format: f, Text: []byte(text), References: refs})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return n
}

func TestDecodeKeepsTheOrderOfMembers(t *testing.T) {
	t.Parallel()
	const text = `{"z":1,"a":[{"y":null,"b":"<&>"},1.50,1e400],"m":{}}`
	v, err := outline.Decode([]byte(text))
	if err != nil || outline.Text(v) != text {
		t.Errorf("%v %s", err, outline.Text(v))
	}
	for _, bad := range []string{"", "{", `{"a"}`, "[1", "1 2", `{"a":1,}`, strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if _, err := outline.Decode([]byte(bad)); err == nil {
			t.Errorf("%.20s: no error", bad)
		}
	}
}

func TestSamplesFitTheirSchema(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"type":"object","required":["a","b"],"properties":{"a":{"type":"string","minLength":7},"b":{"type":"integer","minimum":5},"c":{"type":"array","minItems":3,"items":{"type":"boolean"}}}}`,
		`{"type":"number","exclusiveMinimum":4.5}`, `{"type":"number","maximum":-2}`, `{"type":"integer","exclusiveMaximum":1}`,
		`{"type":"integer","multipleOf":7,"minimum":8}`, `{"type":"number","multipleOf":0.25,"minimum":1.3}`, `{"type":"string","maxLength":2}`,
		`{"enum":[null,{"a":1}]}`, `{"const":[1,"a"]}`, `{"anyOf":[{"type":"null"},{"type":"string","format":"date-time"}]}`,
		`{"oneOf":[{"type":"object","required":["x"],"properties":{"x":{"const":1}}},{"type":"string"}]}`,
		`{"allOf":[{"required":["a"],"properties":{"a":{"type":"string"}}},{"required":["b"],"properties":{"b":{"type":"integer"}}}]}`,
		`{"type":"object","properties":{"self":{"$ref":"#"},"list":{"type":"array","items":{"$ref":"#"}}}}`,
		`{"type":"object","required":["next"],"properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`,
		`{"type":"object","additionalProperties":{"type":"integer","minimum":3}}`, `{"type":"string","format":"uuid"}`, `{"type":"string","format":"ipv6"}`,
		`{"type":"object","required":["undeclared"]}`, `{"$ref":"#/$defs/a%20b~1c","$defs":{"a b/c":{"type":"integer"}}}`, `{"$ref":"#here","$defs":{"x":{"$anchor":"here","type":"boolean"}}}`,
		`{"type":"string","examples":["mine"],"pattern":"^mine$"}`, `{"type":"integer","default":41,"minimum":40}`, `true`, `{}`,
	} {
		sample := outline.Text(outline.Sample(read(t, schema.JSONSchema, text)))
		s, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("herald:///x", s); err != nil {
			t.Fatal(err)
		}
		compiled, err := c.Compile("herald:///x")
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(sample))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); err != nil {
			t.Errorf("%s: %s: %v", text, sample, err)
		}
	}
}

// shape writes a tree in one line.
func shape(n *outline.Node, depth int) string {
	if depth > 6 {
		return "…"
	}
	out := string(n.Kind)
	if n.Nullable {
		out += "?"
	}
	if len(n.Enum) > 0 {
		out += outline.Text(n.Enum)
	}
	switch n.Kind {
	case outline.Ref:
		return n.Target.Name + strings.TrimPrefix(out, "ref")
	case outline.Array, outline.Map:
		out += "<" + shape(n.Elem, depth+1) + ">"
	case outline.Object:
		var parts []string
		for _, p := range n.Properties {
			mark := ""
			if p.Required {
				mark = "!"
			}
			parts = append(parts, p.Name+mark+" "+shape(p.Node, depth+1))
		}
		out += "{" + strings.Join(parts, ", ") + "}"
	case outline.OneOf:
		var parts []string
		for _, b := range n.Branches {
			parts = append(parts, shape(b, depth+1))
		}
		out += "(" + strings.Join(parts, ", ") + ")"
	default:
	}
	return out
}

func TestTheThreeFormatsHaveOneShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format     schema.Format
		text, want string
	}{
		{
			schema.JSONSchema,
			`{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"s":{"enum":["A","B"]},"l":{"type":"array","items":{"$ref":"#/$defs/Line"}},"m":{"type":"object","additionalProperties":{"type":"integer"}},"n":{"type":["string","null"]},"u":{"oneOf":[{"type":"string"},{"type":"integer"}]}},"$defs":{"Line":{"type":"object","properties":{"next":{"$ref":"#/$defs/Line"}}}}}`,
			`object{id! string, s string["A","B"], l array<Line>, m map<integer>, n string?, u one of(string, integer)}`,
		},
		{
			schema.Avro,
			`{"type":"record","name":"x.Order","fields":[{"name":"id","type":"string"},{"name":"s","type":{"type":"enum","name":"S","symbols":["A","B"]}},{"name":"l","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"next","type":["null","Line"],"default":null}]}}},{"name":"m","type":{"type":"map","values":"long"}},{"name":"n","type":["null","string"],"default":null},{"name":"u","type":["string","long"]}]}`,
			`object{id! string, s! x.S, l! array<object{next x.Line?}>, m! map<integer>, n string?, u! one of(string, integer)}`,
		},
		{
			schema.Protobuf,
			`syntax = "proto2"; package x; message Order { required string id = 1; optional S s = 2; repeated Line l = 3; map<string, int64> m = 4; } enum S { A = 0; B = 1; } message Line { optional Line next = 1; }`,
			`object{id! string, s string["A","B"], l array<x.Line>, m map<integer>}`,
		},
	} {
		got := shape(read(t, c.format, c.text), 0)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.format, got, c.want)
		}
	}
}

func TestReferencesLeadToTheSchemasReferencesAlone(t *testing.T) {
	t.Parallel()
	other := schema.Schema{Format: schema.JSONSchema, Text: []byte(`{"$id":"https://example.com/b.json","type":"string","$defs":{"n":{"type":"integer"}}}`)}
	for _, text := range []string{`{"$ref":"b.json#/$defs/n"}`, `{"$id":"https://example.com/a.json","$ref":"b.json#/$defs/n"}`} {
		for _, name := range []string{"b.json", "https://example.com/b.json"} {
			n, err := outline.Read(schema.Schema{Format: schema.JSONSchema, Text: []byte(text), References: []schema.Reference{{Name: name, Schema: other}}})
			if strings.Contains(text, "$id") || name == "b.json" {
				if err != nil || n.Resolve().Kind != outline.Integer {
					t.Errorf("%s with %s: %v", text, name, err)
				}
			}
		}
	}
	for text, format := range map[string]schema.Format{
		`{"$ref":"file:///etc/passwd"}`: schema.JSONSchema, `{"$ref":"#/$defs/no"}`: schema.JSONSchema, `{"$ref":"#no"}`: schema.JSONSchema,
		`{"properties":{"a":3}}`: schema.JSONSchema, `"Missing"`: schema.Avro, `{"type":"array","items":7}`: schema.Avro,
		`{"type":"record","name":"R","fields":[7]}`: schema.Avro, `syntax = "proto3"; import "a.proto"; message M {}`: schema.Protobuf, `syntax = "proto3";`: schema.Protobuf,
		`{}`: "xml", strings.Repeat(" ", schema.MaxText+1): schema.JSONSchema,
	} {
		if _, err := outline.Read(schema.Schema{Format: format, Text: []byte(text)}); !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// References that double at every level are small in memory and endless to walk over, the more so when their texts have no bytes to count.
func TestReferencesThatDoubleAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, ``} {
		doubling := schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}
		for range 30 {
			doubling.References = []schema.Reference{{Name: "a", Schema: doubling}, {Name: "b", Schema: doubling}}
		}
		doubling.Text = []byte(`{}`)
		if _, err := outline.Read(doubling); !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzRead looks for what makes reading panic, hang, or a sample that is no JSON.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"type":"object","properties":{"a":{"$ref":"#"}},"allOf":[{"$ref":"#/properties/a"}]}`, `{"oneOf":[{"$ref":"#"},{"enum":[1,null]}]}`,
		`{"type":["array","null"],"items":[{}],"prefixItems":[true]}`, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		`{"type":"integer","minimum":1e400,"multipleOf":-0}`, `{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}]}`,
		`["null",{"type":"fixed","name":"F","size":-1}]`, `{"type":{"type":{"type":"string"}}}`, `{"properties":{"a":{"minItems":9},"b":{"const":null}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []schema.Format{schema.JSONSchema, schema.Avro} {
			n, err := outline.Read(schema.Schema{Format: format, Text: text})
			if err != nil {
				continue
			}
			if sample := []byte(outline.Text(outline.Sample(n))); !json.Valid(sample) {
				t.Errorf("%s", bytes.ToValidUTF8(sample, nil))
			}
		}
	})
}
