package schema_test

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/herald-go/herald/schema"
)

//go:embed testdata/shop
var shop embed.FS

func files(texts map[string]string) fstest.MapFS {
	out := make(fstest.MapFS)
	for name, text := range texts {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func folder(t *testing.T, fsys fs.FS) *schema.Memory {
	t.Helper()
	m, err := schema.Folder(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func get(t *testing.T, m *schema.Memory, typ, version string) schema.Schema {
	t.Helper()
	s, err := m.Schema(t.Context(), schema.Ref{Type: typ, Version: version})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names lists references as "name -> source", those of references indented.
func names(s schema.Schema) []string {
	var out []string
	for _, r := range s.References {
		out = append(out, r.Name+" -> "+r.Source)
		for _, below := range names(r.Schema) {
			out = append(out, "  "+below)
		}
	}
	return out
}

func TestAFolderThatIsEmbeddedIsRead(t *testing.T) {
	t.Parallel()
	fsys, err := fs.Sub(shop, "testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	m := folder(t, fsys)
	refs, err := m.List(t.Context())
	want := []schema.Ref{{Type: "money", Version: "1"}, {Type: "order.placed", Version: "1"}, {Type: "order.placed", Version: "2"}, {Type: "parcel.sent", Version: "1"}, {Type: "payment.taken", Version: "1"}}
	if err != nil || !reflect.DeepEqual(refs, want) {
		t.Errorf("%v, %v", refs, err)
	}
	for ref, format := range map[schema.Ref]schema.Format{want[2]: schema.JSONSchema, want[3]: schema.Protobuf, want[4]: schema.Avro} {
		s := get(t, m, ref.Type, ref.Version)
		if s.Format != format || s.Source != schema.PathOf(ref, format) {
			t.Errorf("%v: %s from %s", ref, s.Format, s.Source)
		}
	}
	if got := names(get(t, m, "order.placed", "2")); !reflect.DeepEqual(got, []string{"../money/1.json -> money/1.json"}) {
		t.Errorf("%q", got)
	}
}

func TestReferencesAreFoundInTheFolder(t *testing.T) {
	t.Parallel()
	m := folder(t, files(map[string]string{
		"a/1.json": `{"$ref":"../b/1.json#/x","allOf":[{"$ref":"#/here"},{"$ref":"1.json"},{"$ref":"nowhere.json"},{"$ref":"https://x.example/none"}],
			"properties":{"p":{"$id":"https://x.example/sub/","$ref":"../c"}}}`,
		"b/1.json":  `{"items":[{"$ref":"/c/1.json"}]}`,
		"c/1.json":  `{"$id":"https://x.example/c"}`,
		"p/1.proto": "syntax = \"proto3\";\n// import \"q/2.proto\";\n/* \nimport \"q/3.proto\"; */\nimport public \"q/1.proto\";\nimport 'google/protobuf/any.proto';",
		"q/1.proto": `import "r/1.proto";`, "q/2.proto": "//", "q/3.proto": "//", "r/1.proto": "//",
		"v/1.avsc": `{"type":"record","name":"V","namespace":"n","doc":"n.X","fields":[{"name":"w","type":"W"},{"name":"u","type":["null",{"type":"array","items":"m.X"}]}]}`,
		"w/1.avsc": `{"type":"enum","name":"n.W","symbols":["X"]}`,
		"x/1.avsc": `{"type":"record","name":"X","namespace":"m","fields":[{"name":"self","type":["null","X"]},{"name":"w","type":"n.W"}]}`,
	}))
	for typ, want := range map[string][]string{
		"a": {"../b/1.json -> b/1.json", "  /c/1.json -> c/1.json", "https://x.example/c -> c/1.json"},
		"c": nil,
		"p": {"q/1.proto -> q/1.proto", "  r/1.proto -> r/1.proto"},
		"v": {"m.X -> x/1.avsc", "  n.W -> w/1.avsc", "n.W -> w/1.avsc"},
	} {
		if got := names(get(t, m, typ, "1")); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
}

func TestTypesWithSlashesAndFilesThatAreNoSchemas(t *testing.T) {
	t.Parallel()
	m := folder(t, files(map[string]string{
		"shop/order.placed/1.0.json": `{}`, "README.md": "#", "shop/NOTES.md": "", "herald.lock": "?", "shop/x.lock": "?", ".git/config": "?", "_drafts/a/1.xml": "?",
		"shop/.hidden": "?", "LICENSE": "?",
	}))
	refs, err := m.List(t.Context())
	if err != nil || !reflect.DeepEqual(refs, []schema.Ref{{Type: "shop/order.placed", Version: "1"}}) {
		t.Errorf("%v, %v", refs, err)
	}
}

func TestABadFolderSaysEveryBadFileAtOnce(t *testing.T) {
	t.Parallel()
	fsys := files(map[string]string{
		"good/1.json": `{}`, "a/1.json": `{`, "b/1.avsc": `{`, "c/1.xml": `<a/>`, "d/1.json": ` `, "e/1.json": "\xff", "1.json": `{}`,
		"f/1.json": `{}`, "f/1.0.json": `{}`, "g/1.json": `{}`, "g/1.proto": `//`, "h i/1.json": `{}`, "j/" + strings.Repeat("1", 70) + ".json": `{}`,
		"k/1.json": `{"$ref":"../l/1.json"}`, "l/1.json": `{"$ref":"../k/1.json"}`, "m/1.json": `{"$id":"https://x/y"}`, "n/1.json": `{"$id":"https://x/y"}`,
		"o/1.avsc": `{"type":"array","items":"n.P"}`, "p/1.avsc": `{"type":"enum","name":"n.P","symbols":[]}`, "p/2.avsc": `{"type":"enum","name":"n.P","symbols":[]}`,
		"q/1.json": strings.Repeat(" ", schema.MaxText+1),
	})
	fsys["r/1.json"] = &fstest.MapFile{Data: []byte("good/1.json"), Mode: fs.ModeSymlink}
	_, err := schema.Folder(fsys)
	if !errors.Is(err, schema.ErrInvalidSchema) {
		t.Fatal(err)
	}
	got := err.Error()
	for _, want := range []string{
		"a/1.json: unexpected end", "b/1.avsc: unexpected end", "c/1.xml: expected a file that ends with", "d/1.json: expected a schema, got an empty file",
		"e/1.json: expected UTF-8", "1.json: expected a folder named for the type, as in order.placed/1.json", "f/1.json: f version 1 is in f/1.0.json already",
		"g/1.proto: g version 1 is in g/1.json already", `h i/1.json: "h i"`, "j/1111", "references go in a circle: k/1.json -> l/1.json -> k/1.json",
		`n/1.json: "$id" "https://x/y" is that of m/1.json`, "o/1.avsc: n.P is declared in several files: p/1.avsc, p/2.avsc", "q/1.json: expected at most", "r/1.json: expected a regular file",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "good") {
		t.Errorf("a good file is among the bad ones:\n%s", got)
	}
}

func TestReferencesOfAFolderAreBounded(t *testing.T) {
	t.Parallel()
	chain := map[string]string{"t40/1.json": `{}`}
	for i := range 40 {
		chain[fmt.Sprintf("t%d/1.json", i)] = fmt.Sprintf(`{"$ref":"../t%d/1.json"}`, i+1)
	}
	double := map[string]string{"t20/1.json": `{}`}
	for i := range 20 {
		double[fmt.Sprintf("t%d/1.json", i)] = fmt.Sprintf(`{"allOf":[{"$ref":"../t%d/1.json"},{"$ref":"/t%d/1.json"}]}`, i+1, i+1)
	}
	for name, texts := range map[string]map[string]string{"a chain": chain, "doubling": double} {
		if _, err := schema.Folder(files(texts)); !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	fsys, err := fs.Sub(shop, "testdata/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Folder(fsys); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzFolder(f *testing.F) {
	f.Add("a/1.json", []byte(`{"$ref":"../b/1.json","$id":"x"}`))
	f.Add("a/1.avsc", []byte(`{"type":"record","name":"n.A","fields":[{"type":["null","n.B"]}]}`))
	f.Add("a/1.proto", []byte(`import "b/1.proto"; // import "c";`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if !fs.ValidPath(name) || name == "." {
			return
		}
		fsys := files(map[string]string{"b/1.json": `{}`, "b/1.1.avsc": `{"type":"fixed","name":"n.B","size":1}`})
		fsys[name] = &fstest.MapFile{Data: data}
		if _, err := schema.Folder(fsys); err != nil && !errors.Is(err, schema.ErrInvalidSchema) {
			t.Fatal(err)
		}
	})
}
