package catalog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/catalog"
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

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// shop returns the catalogue of testdata/shop.
func shop(t *testing.T) *catalog.Catalog {
	t.Helper()
	registry, err := schema.Folder(os.DirFS("testdata/shop/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	usage, err := catalog.ParseUsage(read(t, "shop/usage.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.Config{Registry: registry, Usage: usage}
	for _, name := range []string{"herald.yaml", "kafka.yaml", "redis.yaml"} {
		cfg, err := config.Loader{Environ: []string{}}.Parse(name, read(t, "shop/"+name))
		if err != nil {
			t.Fatal(err)
		}
		c.Configs = append(c.Configs, cfg)
	}
	return build(t, c)
}

func build(t *testing.T, c catalog.Config) *catalog.Catalog {
	t.Helper()
	out, err := catalog.Build(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// specification compiles AsyncAPI's own JSON Schema.
func specification(t *testing.T) *jsonschema.Schema {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(read(t, "asyncapi/3.0.0-without-id.json.gz")))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(z)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("herald:///asyncapi.json", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("herald:///asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resolves checks that every reference of a document leads somewhere in it.
func resolves(t *testing.T, doc []byte) {
	t.Helper()
	var root any
	if err := json.Unmarshal(doc, &root); err != nil {
		t.Fatal(err)
	}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				visit(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !leads(root, ref) {
				t.Errorf("%s leads nowhere", ref)
			}
			for _, e := range v {
				visit(e)
			}
		}
	}
	visit(root)
}

func leads(at any, ref string) bool {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return false
	}
	for token := range strings.SplitSeq(rest, "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return false
		}
		if at, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]; !ok {
			return false
		}
	}
	return true
}

func TestTheDocumentIsAsyncAPI(t *testing.T) {
	t.Parallel()
	doc, err := shop(t).AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop/asyncapi.json", doc)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	spec := specification(t)
	if err := spec.Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
	resolves(t, doc)
	broken := bytes.Replace(doc, []byte(`"action": "send"`), []byte(`"action": "sends"`), 1)
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(broken)); err != nil {
		t.Fatal(err)
	}
	if spec.Validate(v) == nil {
		t.Error("the specification takes anything")
	}
}

func TestTheDocumentInYAMLIsTheSame(t *testing.T) {
	t.Parallel()
	c := shop(t)
	want, err := c.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.AsyncAPIYAML()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop/asyncapi.yaml", text)
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		t.Errorf("%v %v\n%s\n%s", errX, errY, x, y)
	}
}

func TestNoSecretOfAURLIsShown(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"amqp://u:zqx@mq:5672/x?zqx=1", "amqp://u:zqx/zqx@mq", "amqp://u:zqx?zqx@mq", "kafka://u:zqx@zqx@a:1,b:2", "redis://h/0?password=zqx@zqx",
		"nats://u:zqx@x", "amqp+tls://u:zqx#zqx@mq",
	} {
		cfg, err := config.Loader{Environ: []string{}}.Parse("x", []byte("broker: '"+url+"'\ntopics: {orders: {}}\n"))
		if err != nil {
			continue // config refuses it
		}
		c := build(t, catalog.Config{Configs: []*config.Config{cfg}})
		doc, err := c.AsyncAPI()
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Page()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(doc, []byte("zqx")) || bytes.Contains(page, []byte("zqx")) {
			t.Errorf("%s: %s", url, doc)
		}
	}
}
