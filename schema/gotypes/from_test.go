package gotypes_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gotypes"
	"github.com/herald-go/herald/schema/gotypes/testdata/orders"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what was made (-update writes it):\n%s", path, got)
	}
}

// valid compiles a schema and checks documents by it.
func valid(t *testing.T, s schema.Schema) func(doc []byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.Text))
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Text)
	}
	if err := c.AddResource("herald:///x", v); err != nil {
		t.Fatal(err)
	}
	c.AssertFormat()
	compiled, err := c.Compile("herald:///x")
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Text)
	}
	return func(doc []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			return err
		}
		return compiled.Validate(v)
	}
}

func TestFromSourceDescribesATypeWithItsComments(t *testing.T) {
	t.Parallel()
	s, err := gotypes.FromSource(t.Context(), "testdata/orders", "Order", gotypes.FromConfig{ID: "https://example.com/order.json"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "order.json", s.Text)
}

func TestFromAndFromSourceAgreeButForTheComments(t *testing.T) {
	t.Parallel()
	source, err := gotypes.FromSource(t.Context(), "testdata/orders", "Order", gotypes.FromConfig{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	reflected, err := gotypes.From[orders.Order](gotypes.FromConfig{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := withoutWords(t, source.Text), withoutWords(t, reflected.Text); a != b {
		t.Errorf("from the source:\n%s\nby reflection:\n%s", a, b)
	}
}

// withoutWords drops what comments become.
func withoutWords(t *testing.T, text []byte) string {
	t.Helper()
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	dropWords(doc)
	out, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func dropWords(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			dropWords(e)
		}
	case map[string]any:
		delete(v, "description")
		if v["deprecated"] == true {
			delete(v, "deprecated")
		}
		for _, e := range v {
			dropWords(e)
		}
	}
}

// samples are values at the edges: empty, and with everything in it.
func samples() []orders.Order {
	gift, zip, high := true, "0150", orders.High
	least := orders.Order{
		Header: orders.Header{ID: "0190b5a2-7e4b-7c3d-9f21-000000000001"},
		Lines:  []orders.Line{{SKU: "a"}}, Currency: "EUR", Status: orders.StatusOpen, From: netip.MustParseAddr("127.0.0.1"),
	}
	most := least
	most.Audit = &orders.Audit{By: "me"}
	most.At = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	most.Lines = []orders.Line{{SKU: "a", Quantity: 1<<32 - 1, Gift: &gift, Parts: []*orders.Line{{SKU: "b"}, nil}}}
	most.Priority, most.Ship, most.Tags = &high, &orders.Address{Street: "x", Zip: &zip}, []string{"a,b"}
	most.Labels, most.Counts = map[string]string{"k": "v"}, map[int]uint8{-4: 255}
	most.Meta, most.Any, most.Raw = json.RawMessage(`[1]`), map[string]any{"x": nil}, []byte{0, 255}
	most.Ratio, most.Pair, most.Price = 1e-9, [2]int16{-32768, 32767}, orders.Money{Cents: 250}
	most.Grid = [][]float32{nil, {1.5}}
	most.Page = orders.Page[orders.Line]{Items: []orders.Line{{SKU: "c"}}}
	parent := least
	most.Parent = &parent
	return []orders.Order{least, most}
}

func TestWhatATypeMarshalsFitsItsSchema(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{false, true} {
		s, err := gotypes.From[orders.Order](gotypes.FromConfig{Closed: closed})
		if err != nil {
			t.Fatal(err)
		}
		check := valid(t, s)
		for i, o := range samples() {
			doc, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := check(doc); err != nil {
				t.Errorf("sample %d, closed %v: %v\n%s", i, closed, err, doc)
			}
		}
	}
}

func TestWhatATypeCantHoldDoesNotFitItsSchema(t *testing.T) {
	t.Parallel()
	s, err := gotypes.From[orders.Order](gotypes.FromConfig{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	check := valid(t, s)
	doc, err := json.Marshal(samples()[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m map[string]any){
		"a required member is missing":  func(m map[string]any) { delete(m, "total") },
		"a promoted member is missing":  func(m map[string]any) { delete(m, "id") },
		"null where omitempty is":       func(m map[string]any) { m["tags"] = nil },
		"null where notnull is":         func(m map[string]any) { m["lines"] = nil },
		"below the minimum":             func(m map[string]any) { m["total"] = -1 },
		"too large for int16":           func(m map[string]any) { m["pair"] = []any{0, 32768} },
		"a third element of an array":   func(m map[string]any) { m["pair"] = []any{0, 0, 0} },
		"a constant that is none":       func(m map[string]any) { m["status"] = "lost" },
		"a pattern":                     func(m map[string]any) { m["currency"] = "euro" },
		"an element's pattern":          func(m map[string]any) { m["tags"] = []any{"A"} },
		"a name that is no int":         func(m map[string]any) { m["counts"] = map[string]any{"x": 1} },
		"a member that is not declared": func(m map[string]any) { m["more"] = 1 },
		"deep below":                    func(m map[string]any) { m["parent"] = map[string]any{"id": 7} },
		"no date-time":                  func(m map[string]any) { m["at"] = "yesterday" },
	} {
		var m map[string]any
		if err := json.Unmarshal(doc, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		broken, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if check(broken) == nil {
			t.Errorf("%s: it fits", name)
		}
	}
}

func TestAMapForOtherMembersIsAdditionalProperties(t *testing.T) {
	t.Parallel()
	s, err := gotypes.From[orders.Extra](gotypes.FromConfig{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	check := valid(t, s)
	doc, err := json.Marshal(orders.Extra{Name: "x", Rest: map[string]int{"y": 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := check(doc); err != nil {
		t.Errorf("%v\n%s", err, s.Text)
	}
	if check([]byte(`{"name":"x","y":"z"}`)) == nil {
		t.Error("text fits where an integer is due")
	}
}

func TestATypeWithoutJSONIsAnErrorThatNamesTheField(t *testing.T) {
	t.Parallel()
	type pointed struct{ Big big.Float }
	for name, of := range map[string]func(gotypes.FromConfig) (schema.Schema, error){
		"F: func has no JSON":                  gotypes.From[struct{ F func() }],
		"C: complex128 has no JSON":            gotypes.From[struct{ C complex128 }],
		"M: struct is no key of a JSON object": gotypes.From[struct{ M map[struct{}]int }],
		"math/big.Float writes itself":         gotypes.From[pointed],
		"Money writes itself with MarshalJSON": gotypes.From[orders.Money],
		"minLength: no option of integer": gotypes.From[struct {
			N int `schema:"minLength=1"`
		}],
		"minimum: expected a number": gotypes.From[struct {
			N int `schema:"minimum=x"`
		}],
		"minimun: no option of integer": gotypes.From[struct {
			N int `schema:"minimun=1"`
		}],
		"a quote ' without its end": gotypes.From[struct {
			S string `schema:"pattern='a"`
		}],
		"expected a comma after the quote": gotypes.From[struct {
			S string `schema:"pattern='a'b"`
		}],
		"items.minLength: no option of string": gotypes.From[struct {
			S string `schema:"items.minLength=1"`
		}],
		"required and optional": gotypes.From[struct {
			S string `schema:"required,optional"`
		}],
		"additionalProperties is for a map": gotypes.From[struct {
			S string `schema:"additionalProperties"`
		}],
		"type: expected string, integer": gotypes.From[struct {
			S string `schema:"type=text"`
		}],
		"default: expected JSON": gotypes.From[struct {
			N int `schema:"default=x"`
		}],
		"uniqueItems: it takes no value": gotypes.From[struct {
			L []int `schema:"uniqueItems=yes"`
		}],
		"an option without a name": gotypes.From[struct {
			L []int `schema:",,"`
		}],
		"a type without an end": gotypes.From[endless],
	} {
		_, err := of(gotypes.FromConfig{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q in: %v", name, err)
		}
	}
}

type endless *endless

func TestFromSourceReadsUnexportedTypesAndSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s, err := gotypes.FromSource(t.Context(), "testdata/orders", "unexported", gotypes.FromConfig{Title: "Small", Description: "It is small."})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Small",
  "description": "It is small.",
  "type": "object",
  "properties": {
    "self": {
      "$ref": "#"
    },
    "N": {
      "type": "integer",
      "minimum": 0,
      "maximum": 18446744073709551615
    }
  },
  "required": [
    "N"
  ]
}
`
	if string(s.Text) != want {
		t.Errorf("got:\n%s", s.Text)
	}
	for name, dir := range map[string]string{"Nothing": "testdata/orders", "Page": "testdata/orders", "Order": "testdata"} {
		if _, err := gotypes.FromSource(t.Context(), dir, name, gotypes.FromConfig{}); err == nil {
			t.Errorf("%s in %s: no error", name, dir)
		}
	}
}
