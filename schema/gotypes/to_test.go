package gotypes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gotypes"
	"github.com/herald-go/herald/schema/gotypes/testdata/generated"
)

// folder returns the schemas of testdata/schemas.
func folder(t *testing.T) []gotypes.Source {
	t.Helper()
	m, err := schema.Folder(os.DirFS("testdata/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	refs, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []gotypes.Source
	for _, ref := range refs {
		s, err := m.Schema(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, gotypes.Source{Ref: ref, Schema: s})
	}
	return out
}

// goCompiler checks types; it reads each package of the standard library once.
var goCompiler = newCompiler()

type compiler struct {
	sync.Mutex
	fset    *token.FileSet
	imports types.Importer
}

func newCompiler() *compiler {
	fset := token.NewFileSet()
	return &compiler{fset: fset, imports: importer.ForCompiler(fset, "source", nil)}
}

// compiles reports whether a file that imports the standard library alone is Go, and formatted.
func compiles(t *testing.T, src []byte) {
	t.Helper()
	goCompiler.Lock()
	defer goCompiler.Unlock()
	fset := goCompiler.fset
	f, err := parser.ParseFile(fset, "x.go", src, parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	conf := types.Config{Importer: goCompiler.imports}
	if _, err := conf.Check("x", fset, []*ast.File{f}, nil); err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if again, err := format.Source(src); err != nil || string(again) != string(src) {
		t.Errorf("not formatted: %v\n%s", err, src)
	}
}

// The golden file is a package that this test imports, so it compiles.
func TestToWritesTheTypesOfAFolder(t *testing.T) {
	t.Parallel()
	src, err := gotypes.To(gotypes.ToConfig{Package: "generated", Define: true}, folder(t)...)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "generated/events.go", src)
	if got := generated.OrderPlacedV2Event.Type() + " " + generated.OrderPlacedV2Event.Version(); got != "order.placed 2" {
		t.Errorf("defined %s", got)
	}
}

func TestGoToSchemaToGoToSchemaIsTheSameSchema(t *testing.T) {
	t.Parallel()
	first, err := gotypes.FromSource(t.Context(), "testdata/orders", "Order", gotypes.FromConfig{})
	if err != nil {
		t.Fatal(err)
	}
	src, err := gotypes.To(gotypes.ToConfig{Package: "again", BareNames: true}, gotypes.Source{Name: "Order", Schema: first})
	if err != nil {
		t.Fatal(err)
	}
	compiles(t, src)
	golden(t, "generated/again/order.go", src)
	second, err := gotypes.FromSource(t.Context(), "testdata/generated/again", "Order", gotypes.FromConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []compat.Direction{compat.NewReadsOld, compat.OldReadsNew} {
		same(t, mode, first, second)
	}
	check := valid(t, second)
	for i, o := range samples() {
		doc, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(doc); err != nil {
			t.Errorf("sample %d: %v", i, err)
		}
	}
}

// same reports what a reader of one schema can't read of the other.
func same(t *testing.T, d compat.Direction, a, b schema.Schema) {
	t.Helper()
	older := compat.Version{Ref: schema.Ref{Type: "x", Version: "1"}, Schema: a}
	newer := compat.Version{Ref: schema.Ref{Type: "x", Version: "2"}, Schema: b}
	findings, err := compat.Compare(t.Context(), older, newer, d, compat.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// What Go can't say is left out of this schema: "if", oneOf, names that no field can have.
func TestSchemaToGoToSchemaKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	text, err := os.ReadFile("testdata/schemas/order.placed/1.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	properties, _ := doc["properties"].(map[string]any)
	delete(properties, "payment")
	delete(properties, `a "bad" name`)
	delete(doc, "if")
	delete(doc, "then")
	if text, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	second, err := gotypes.From[generated.OrderPlaced](gotypes.FromConfig{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "order.placed.again.json", second.Text)
	var back map[string]any
	if err := json.Unmarshal(second.Text, &back); err != nil {
		t.Fatal(err)
	}
	properties, _ = back["properties"].(map[string]any)
	delete(properties, "payment")
	trimmed, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	first := schema.Schema{Format: schema.JSONSchema, Text: text}
	for _, mode := range []compat.Direction{compat.NewReadsOld, compat.OldReadsNew} {
		same(t, mode, first, schema.Schema{Format: schema.JSONSchema, Text: trimmed})
	}
}

func TestGeneratedTypesReadAndWriteWhatFits(t *testing.T) {
	t.Parallel()
	const doc = `{"order_id":"0190b5a2-7e4b-7c3d-9f21-000000000001","lines":[{"sku":"ABC-1","quantity":2,"parts":[]}],"total":1,` +
		`"placedAt":"2026-01-02T03:04:05Z","note":null,"status":"in-transit","labels":{"a":"b"},"ship":null,` +
		`"size":{"w":1,"depth":3.5},"parent":null}`
	check := valid(t, folder(t)[1].Schema)
	var o generated.OrderPlaced
	if err := json.Unmarshal([]byte(strings.Replace(doc, `,"parent":null`, "", 1)), &o); err != nil {
		t.Fatal(err)
	}
	if o.Status != generated.OrderPlacedStatusInTransit || o.Size.Additional["depth"] != 3.5 || o.Note != nil || o.Hint != nil {
		t.Errorf("got %+v", o)
	}
	out, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(out); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	o.Size.Additional["w"] = 1
	if _, err := json.Marshal(o); err == nil {
		t.Error("two members of one name were written")
	}
}

func TestHostileSchemasMakeGoThatCompiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"names":           `{"type":"object","properties":{"":{},"1":{},"type":{"type":"string"},"Type":{"type":"string"},"marshalJSON":{},"日本":{"type":"integer"},"a,b":{},"-":{"type":"string"},"x\ny":{}}}`,
		"comments":        `{"description":"*/ }\n\nfunc init() { panic(1) }\n//go:embed x\r\n` + "`" + `","type":"object","properties":{"a":{"description":"x\ny","type":"string"}}}`,
		"tags":            `{"type":"object","properties":{"a":{"type":"string","pattern":"` + "`" + `\"'\\\\,\n","default":"'","examples":["",",","|"]}}}`,
		"enum":            `{"enum":["a","A","a-","\n","\"","` + "`" + `","1","日本","-1"]}`,
		"mixed enum":      `{"enum":["a",1,null,{"x":1}]}`,
		"large enum":      `{"type":"integer","enum":[1,99999999999999999999]}`,
		"list of itself":  `{"type":"array","items":{"$ref":"#"}}`,
		"map of itself":   `{"type":"object","additionalProperties":{"$ref":"#"}}`,
		"itself":          `{"$ref":"#"}`,
		"each other":      `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		"allOf of itself": `{"type":"object","properties":{"a":{"type":"string"}},"allOf":[{"$ref":"#"}]}`,
		"oneOf of itself": `{"oneOf":[{"$ref":"#"},{"type":"string"}]}`,
		"required itself": `{"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}}`,
		"nothing":         `false`,
		"anything":        `true`,
		"empty object":    `{"type":"object","additionalProperties":false}`,
		"only required":   `{"required":["a"]}`,
		"null":            `{"type":"null"}`,
		"types":           `{"type":["string","integer","null"]}`,
		"a nullable root": `{"type":["object","null"],"properties":{"a":{"type":"array","items":{"type":["integer","null"]}}}}`,
		"taken names":     `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"object","properties":{"x":{}}}}},"ab":{"type":"object","properties":{"y":{}}}}}`,
		"one enum twice":  `{"type":"object","properties":{"a":{"$ref":"#/$defs/e"},"b":{"$ref":"#/$defs/e"}},"$defs":{"e":{"enum":["x","y"]}}}`,
		"deep":            strings.Repeat(`{"type":"array","items":`, 200) + `{}` + strings.Repeat(`}`, 200),
		"additional":      `{"type":"object","properties":{"additional":{},"x":{"type":"string"}},"additionalProperties":{"type":["integer","null"]}}`,
	} {
		src, err := gotypes.To(gotypes.ToConfig{}, gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { compiles(t, src) })
	}
}

// doubling returns a schema of which each definition uses the next one twice.
func doubling(levels int, pattern string) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/d0","$defs":{`)
	for i := range levels {
		next := fmt.Sprintf(`{"$ref":"#/$defs/d%d"}`, i+1)
		fmt.Fprintf(&b, `"d%d":%s,`, i, strings.ReplaceAll(pattern, "@", next))
	}
	fmt.Fprintf(&b, `"d%d":{"type":"string"}}}`, levels)
	return b.String()
}

func TestDefinitionsThatDoubleTakeBoundedTime(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`{"oneOf":[@,@]}`, `{"type":"object","properties":{"a":@,"b":@}}`, `{"allOf":[@,@]}`, `{"anyOf":[{"type":"array","items":@},{"type":"object","additionalProperties":@}]}`,
		`{"allOf":[{"properties":{"a":@}},{"properties":{"b":@}}]}`, `{"type":"array","items":{"oneOf":[@,@]}}`,
		`{"type":"string","minLength":1,"if":{},"required":["a"],"allOf":[@,@]}`,
	} {
		s := schema.Schema{Format: schema.JSONSchema, Text: []byte(doubling(60, pattern))}
		begin := time.Now()
		src, err := gotypes.To(gotypes.ToConfig{}, gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: s})
		if took := time.Since(begin); err != nil || took > 30*time.Second || len(src) > 16<<20 {
			t.Errorf("%s: %v, %d bytes in %v", pattern, err, len(src), took)
		}
	}
}

func TestWhatIsNoSchemaIsAnError(t *testing.T) {
	t.Parallel()
	for text, format := range map[string]schema.Format{
		`7`: schema.JSONSchema, `{`: schema.JSONSchema, `{} {}`: schema.JSONSchema, `{"$ref":"https://example.com/x"}`: schema.JSONSchema,
		`{"$ref":"../../etc/passwd"}`: schema.JSONSchema, `"Unknown"`: schema.Avro, `{"type":"record"}`: schema.Avro, ``: schema.Avro,
		strings.Repeat("[", 1000): schema.JSONSchema, `x`: "xml",
	} {
		_, err := gotypes.To(gotypes.ToConfig{}, gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: schema.Schema{Format: format, Text: []byte(text)}})
		if !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%s: %v", text, err)
		}
	}
	one := gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(`{}`)}}
	if _, err := gotypes.To(gotypes.ToConfig{}, one, one); err == nil {
		t.Error("two types of one name")
	}
	if _, err := gotypes.To(gotypes.ToConfig{Package: "a b"}, one); err == nil {
		t.Error("a package that is no name")
	}
}

func TestTypeNameIsGoForAnyReference(t *testing.T) {
	t.Parallel()
	for want, ref := range map[string]schema.Ref{
		"OrderPlaced": {Type: "order.placed"}, "OrderPlacedV2": {Type: "order.placed", Version: "2.0"}, "OrderPlacedV2_1": {Type: "order.placed", Version: "2.1"},
		"UserIDChanged": {Type: "user_id-changed", Version: "1.0"}, "X3dModel": {Type: "3d/model"}, "HTTPServerURL": {Type: "HTTPServer:url"},
	} {
		if got := gotypes.TypeName(ref); got != want {
			t.Errorf("%v: got %s, want %s", ref, got, want)
		}
	}
}
