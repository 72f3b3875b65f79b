package gate_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

func TestDiffListsEachPlaceThatDiffers(t *testing.T) {
	t.Parallel()
	older := schema.Schema{Format: schema.JSONSchema, Text: []byte(`{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string","maxLength":10}}}},"note":{"type":"string"}}}`)}
	newer := schema.Schema{Format: schema.JSONSchema, Text: []byte(`{"type":"object","required":["id","total"],"properties":{"id":{"type":"integer","description":"Which."},"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string","maxLength":12}}}},"total":{"type":"number"}},"additionalProperties":false}`)}
	ds, err := gate.Diff(older, newer)
	if err != nil {
		t.Fatal(err)
	}
	want := []gate.Difference{
		{Kind: gate.Changed, Path: "", What: "closed", New: "yes"},
		{Kind: gate.Changed, Path: "id", What: "description", New: "Which."},
		{Kind: gate.Changed, Path: "id", What: "type", Old: "string", New: "integer"},
		{Kind: gate.Changed, Path: "lines[].sku", What: "maxLength", Old: "10", New: "12"},
		{Kind: gate.Removed, Path: "note", Old: "string"},
		{Kind: gate.Added, Path: "total", New: "required number"},
	}
	if !reflect.DeepEqual(ds, want) {
		t.Errorf("got %v\nwant %v", ds, want)
	}
	for i, line := range []string{"~ (the data): closed: none -> yes", "~ id: description: none -> Which.", "~ id: type: string -> integer", "~ lines[].sku: maxLength: 10 -> 12", "- note: string", "+ total: required number"} {
		if ds[i].String() != line {
			t.Errorf("got %q, want %q", ds[i], line)
		}
	}
}

func TestDiffOfEqualSchemasIsEmptyAlsoWhereTheyHoldThemselves(t *testing.T) {
	t.Parallel()
	s := schema.Schema{Format: schema.Avro, Text: []byte(`{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}`)}
	if ds, err := gate.Diff(s, s); err != nil || len(ds) > 0 {
		t.Errorf("got %v, %v", ds, err)
	}
	if _, err := gate.Diff(s, schema.Schema{Format: schema.Avro, Text: []byte(`{`)}); !errors.Is(err, schema.ErrInvalidSchema) {
		t.Errorf("got %v", err)
	}
}
