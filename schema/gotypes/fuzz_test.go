package gotypes_test

import (
	"go/parser"
	"go/token"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gotypes"
	"github.com/herald-go/herald/schema/internal/outline"
)

// FuzzTo looks for a schema whose types are no Go. To formats what it writes, so a text that is none is an error of another kind than
// ErrInvalidSchema.
func FuzzTo(f *testing.F) {
	for _, text := range []string{
		`{"type":"object","properties":{"a b":{"enum":["x","X",""]},"_":{"type":["string","null"],"pattern":"` + "`" + `'\""}}}`,
		`{"oneOf":[{"$ref":"#"},{"type":"object","properties":{"x":{}}}]}`, `{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}]}`,
		`{"description":"*/\r\n// x","additionalProperties":{"type":"array","items":{"$ref":"#"}},"required":["a"]}`,
		`{"type":"fixed","name":"F","size":4}`, `{"type":"enum","name":"E","symbols":["A","B"]}`, `{"enum":[1,-1,1e3]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []schema.Format{schema.JSONSchema, schema.Avro} {
			source := gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: schema.Schema{Format: format, Text: text}}
			if !readable(source.Schema) {
				continue
			}
			src, err := gotypes.To(gotypes.ToConfig{Define: true}, source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.ParseFile(token.NewFileSet(), "x.go", src, parser.SkipObjectResolution); err != nil {
				t.Errorf("%v\n%s", err, src)
			}
		}
	})
}

// readable reports whether the package reads the schema at all.
func readable(s schema.Schema) bool {
	_, err := outline.Read(s)
	return err == nil
}
