package compat_test

import (
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

func TestFingerprintTellsMeaningAndNotLayoutOrDocumentation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		format schema.Format
		a, b   string
		same   bool
	}{
		{"order and spaces", schema.JSONSchema, `{"type":"string","maxLength":3}`, "{ \"maxLength\": 3,\n\"type\": \"string\" }", true},
		{"description", schema.JSONSchema, `{"properties":{"a":{"description":"x","title":"y"}}}`, `{"properties":{"a":{"$comment":"z"}}}`, true},
		{"a property called title", schema.JSONSchema, `{"properties":{"title":{}}}`, `{"properties":{}}`, false},
		{"a title in a value", schema.JSONSchema, `{"const":{"title":1}}`, `{"const":{"title":2}}`, false},
		{"default", schema.JSONSchema, `{"default":1}`, `{"default":2}`, false},
		{"type", schema.JSONSchema, `{"type":"string"}`, `{"type":"number"}`, false},
		{"doc", schema.Avro, `{"type":"record","name":"A","doc":"x","fields":[{"name":"b","type":"int","doc":"y"}]}`, `{"type":"record","name":"A","fields":[{"type":"int","name":"b"}]}`, true},
		{"avro default", schema.Avro, `{"type":"record","name":"A","fields":[{"name":"b","type":"int","default":1}]}`, `{"type":"record","name":"A","fields":[{"name":"b","type":"int"}]}`, false},
		{"comments", schema.Protobuf, "syntax = \"proto3\";\n// x\nmessage A { int32 b = 1; }", `syntax = "proto3"; message A { int32 b = 1; /* y */ }`, true},
		{"number", schema.Protobuf, `syntax = "proto3"; message A { int32 b = 1; }`, `syntax = "proto3"; message A { int32 b = 2; }`, false},
	} {
		a, b := fingerprint(t, tc.format, tc.a), fingerprint(t, tc.format, tc.b)
		if (a == b) != tc.same || !strings.HasPrefix(a, "sha256:") {
			t.Errorf("%s: got %s and %s", tc.name, a, b)
		}
	}
}

func fingerprint(t *testing.T, f schema.Format, text string) string {
	t.Helper()
	v := compat.Version{Ref: schema.Ref{Type: "a.b", Version: "1"}, Schema: schema.Schema{Format: f, Text: []byte(text)}}
	sum, err := compat.Fingerprint(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestFingerprintCountsReferences(t *testing.T) {
	t.Parallel()
	of := func(text string) string {
		v := jsonVersion("1", `{"$ref":"b.json"}`)
		v.Schema.References = []schema.Reference{{Name: "b.json", Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}}}
		sum, err := compat.Fingerprint(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if of(`{"type":"string"}`) == of(`{"type":"number"}`) || of(`{"title":"a"}`) != of(`{"title":"b"}`) {
		t.Error("references are not compared by meaning")
	}
}

func TestUnreservedNamesFieldsThatWereRemovedWithoutATrace(t *testing.T) {
	t.Parallel()
	of := func(version, text string) compat.Version {
		return compat.Version{Ref: schema.Ref{Type: "a.b", Version: version}, Schema: schema.Schema{Format: schema.Protobuf, Text: []byte(text)}}
	}
	older := of("1", proto3(`string id = 1; string a = 2; string b = 3;`))
	fs, err := compat.Unreserved(t.Context(), older, of("2", proto3(`string id = 1; reserved 2;`)))
	if err != nil || len(fs) != 1 || fs[0].Path != "shop.Order.b" || fs[0].Rule != compat.RuleProtoUnreserved {
		t.Errorf("got %v, %v", fs, err)
	}
	if fs, err := compat.Unreserved(t.Context(), jsonVersion("1", `{}`), jsonVersion("2", `{}`)); err != nil || fs != nil {
		t.Errorf("got %v, %v", fs, err)
	}
}
