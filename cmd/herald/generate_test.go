package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const orderGo = `package orders

// Order is what was bought.
type Order struct {
	// ID says which.
	ID   string   ` + "`json:\"id\" schema:\"minLength=1\"`" + `
	Tags []string ` + "`json:\"tags,omitempty\"`" + `
}
`

const orderSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Order",
  "description": "Order is what was bought.",
  "type": "object",
  "properties": {
    "id": {
      "description": "ID says which.",
      "type": "string",
      "minLength": 1
    },
    "tags": {
      "type": "array",
      "items": {
        "type": "string"
      }
    }
  },
  "required": [
    "id"
  ],
  "additionalProperties": false
}
`

func TestGenerate_WritesASchemaOfAGoTypeAndGoTypesOfTheSchema(t *testing.T) {
	files := map[string]string{"go.mod": "module example.com/shop\n\ngo 1.25.0\n", "orders/order.go": orderGo}
	text, code, dir := herald(t, files, "schema", "generate", "--from-go", "DIR/orders", "Order", "--type", "order.placed", "--closed", "-o", "DIR/schemas")
	if want := "stderr: wrote DIR/schemas/order.placed/1.json\n"; text != want || code != exitFine {
		t.Fatalf("%d: %s", code, text)
	}
	got, err := os.ReadFile(filepath.Join(dir, "schemas", "order.placed", "1.json"))
	if err != nil || string(got) != orderSchema {
		t.Errorf("%v\n%s", err, got)
	}
	if text, code = in(t, dir, "schema", "generate", "--from-go", "DIR/orders", "Order", "-o", "-", "--closed"); text != orderSchema || code != exitFine {
		t.Errorf("%d: %s", code, text)
	}
	text, code = in(t, dir, "schema", "generate", "--to-go", "DIR/events/events.go", "--define", "DIR/schemas")
	if want := "stderr: wrote DIR/events/events.go\n"; text != want || code != exitFine {
		t.Fatalf("%d: %s", code, text)
	}
	got, err = os.ReadFile(filepath.Join(dir, "events", "events.go"))
	if err != nil || !strings.Contains(string(got), "package events\n") || !strings.Contains(string(got), `OrderPlacedEvent = messaging.Define[OrderPlaced]("order.placed", "1")`) {
		t.Errorf("%v\n%s", err, got)
	}
	if text, code = in(t, dir, "schema", "generate", "--to-go", "DIR/events/events.go", "--define", "DIR/schemas"); text != "" || code != exitFine {
		t.Errorf("what is the same already was written again: %d: %s", code, text)
	}
}

func TestGenerate_SaysWhatIsWrong(t *testing.T) {
	files := map[string]string{"go.mod": "module example.com/shop\n\ngo 1.25.0\n", "orders/order.go": orderGo, "schemas/a.b/1.proto": `syntax = "proto3"; message A {}`}
	_, _, dir := herald(t, files, "schema", "generate")
	for want, args := range map[string][]string{
		"expected --from-go DIR TYPE or --to-go FILE": {},
		"one of them":              {"--from-go", "x", "--to-go", "y"},
		"no such type":             {"--from-go", "DIR/orders", "Nothing", "--type", "a.b"},
		"--type and --version":     {"--from-go", "DIR/orders", "Order"},
		"expected the name of":     {"--from-go", "DIR/orders", "--type", "a.b"},
		"--proto-plugin":           {"--to-go", "DIR/x/x.go", "DIR/schemas"},
		"nothing to write":         {"--to-go", "DIR/x/x.go", "--only", "b.c", "DIR/schemas"},
		"is no name for a package": {"--to-go", "DIR/x-y/x.go", "DIR/schemas"},
		"stat DIR/nowhere":         {"--to-go", "DIR/x/x.go", "DIR/nowhere"},
	} {
		text, code := in(t, dir, append([]string{"schema", "generate"}, args...)...)
		if code != exitTrouble || !strings.Contains(text, want) {
			t.Errorf("%q: %d: %s", want, code, text)
		}
	}
}

func TestCatalog_WritesTheDocumentAndThePage(t *testing.T) {
	files := map[string]string{
		"herald.yaml": "broker: amqp://u:hidden@mq/\ntopics: {orders: {groups: [billing]}}\n", "schemas/order.placed/1.json": first,
		"usage.yaml": "title: Shop\nservices: {checkout: {publishes: {orders: [order.placed]}}}\n",
	}
	text, code, dir := herald(t, files, "catalog", "--config", "DIR/herald.yaml", "--schemas", "DIR/schemas", "--usage", "DIR/usage.yaml",
		"--asyncapi", "DIR/out/asyncapi.yaml", "--html", "DIR/out/index.html")
	if want := "stderr: wrote DIR/out/asyncapi.yaml\nwrote DIR/out/index.html\n"; text != want || code != exitFine {
		t.Fatalf("%d: %s", code, text)
	}
	for name, want := range map[string]string{"asyncapi.yaml": "asyncapi: 3.0.0", "index.html": "<h1>Shop</h1>"} {
		got, err := os.ReadFile(filepath.Join(dir, "out", name))
		if err != nil || !strings.Contains(string(got), want) || strings.Contains(string(got), "hidden@") {
			t.Errorf("%v\n%s", err, got)
		}
	}
	text, code = in(t, dir, "catalog", "--schemas", "DIR/schemas", "--title", "Mine")
	if !strings.HasPrefix(text, "{\n  \"asyncapi\": \"3.0.0\"") || !strings.Contains(text, `"title": "Mine"`) || code != exitFine {
		t.Errorf("%d: %s", code, text)
	}
	for want, args := range map[string][]string{
		"nowhere": {"--schemas", "DIR/nowhere"}, "field titel not found": {"--usage", "DIR/bad.yaml"}, "unknown key": {"--config", "DIR/bad.yaml"},
	} {
		write(t, dir, map[string]string{"bad.yaml": "titel: x\n"})
		text, code = in(t, dir, append([]string{"catalog"}, args...)...)
		if code != exitTrouble || !strings.Contains(text, want) {
			t.Errorf("%q: %d: %s", want, code, text)
		}
	}
}
