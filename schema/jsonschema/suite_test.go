package jsonschema_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

// suite is the required part of the official JSON Schema test suite (json-schema-org/JSON-Schema-Test-Suite, commit
// 44401e0c046704b476ec9d2e2fccdaee618f259d, licence in testdata/SUITE-LICENSE): drafts 7 and 2020-12 with the remotes that they name.
const suite = "testdata/suite.zip"

type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// The suite's tests of each draft: fewer would mean that some were not run.
var suiteTests = map[string]int{"draft7": 927, "draft2020-12": 1299}

func TestTheOfficialSuitePassesThroughTheRegistry(t *testing.T) {
	t.Parallel()
	files := unzip(t, suite)
	for draft, want := range suiteTests {
		remotes := remotesOf(t, files, draft)
		compiler := jsonschema.Compiler{}
		if draft == "draft7" {
			compiler.Draft = jsonschema.Draft7
		}
		ran := 0
		for name, text := range files {
			if strings.HasPrefix(name, "tests/"+draft+"/") {
				ran += runSuite(t, name, text, compiler, remotes)
			}
		}
		if ran != want {
			t.Errorf("%s: %d tests were run, want %d", draft, ran, want)
		}
	}
}

func runSuite(t *testing.T, name string, text []byte, compiler jsonschema.Compiler, remotes []schema.Reference) int {
	t.Helper()
	var groups []suiteGroup
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	compilers := schema.NewCompilers(0, compiler)
	var registry schema.Memory
	ran := 0
	for i, g := range groups {
		ref := schema.Ref{Type: "suite/" + strings.TrimSuffix(path.Base(name), ".json"), Version: string(rune('a'+i%26)) + string(rune('a'+i/26))}
		if err := registry.Put(ref, schema.Schema{Format: schema.JSONSchema, Text: g.Schema, Source: "suite.json", References: remotes}); err != nil {
			t.Fatal(err)
		}
		s, err := registry.Schema(context.Background(), ref)
		if err != nil {
			t.Fatal(err)
		}
		v, err := compilers.Validator(s)
		if err != nil {
			t.Errorf("%s: %s: %v", name, g.Description, err)
			continue
		}
		for _, test := range g.Tests {
			ran++
			if err := v.Validate(test.Data); (err == nil) != test.Valid {
				t.Errorf("%s: %s: %s: valid should be %v: %v", name, g.Description, test.Description, test.Valid, err)
			}
		}
	}
	return ran
}

// remotesOf returns the schemas that the suite serves under http://localhost:1234 as references.
func remotesOf(t *testing.T, files map[string][]byte, draft string) []schema.Reference {
	t.Helper()
	var out []schema.Reference
	for name, text := range files {
		at, ok := strings.CutPrefix(name, "remotes/")
		if !ok || strings.HasPrefix(at, "draft") && !strings.HasPrefix(at, draft+"/") {
			continue
		}
		out = append(out, schema.Reference{
			Name:   "http://localhost:1234/" + at,
			Schema: schema.Schema{Format: schema.JSONSchema, Text: text, Source: name},
		})
	}
	return out
}

func unzip(t *testing.T, name string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	out := make(map[string][]byte)
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = text
	}
	return out
}
