package catalog_test

import (
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/catalog"
)

// A type is on the topic of a service that publishes what the pattern means, and has no place otherwise.
func TestPatternsMeanTypesAndVersions(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"order.placed": "order.placed.v1 order.placed.v2", "order.placed@2": "order.placed.v2", "order.placed@2.0": "order.placed.v2",
		"order.*": "order.placed.v1 order.placed.v2", "*.placed": "order.placed.v1 order.placed.v2", "order.#": "order.line.added.v1 order.placed.v1 order.placed.v2",
		"#": "order.line.added.v1 order.placed.v1 order.placed.v2 user.v1", "#.added": "order.line.added.v1", "order.*@1": "order.placed.v1",
		"order": "order.v1", "*": "user.v1", strings.Repeat("#.", 40) + "x": "",
	} {
		var registry schema.Memory
		for _, ref := range []schema.Ref{{Type: "order.placed"}, {Type: "order.placed", Version: "2"}, {Type: "order.line.added"}, {Type: "user"}} {
			if err := registry.Put(ref, schema.Schema{Format: schema.JSONSchema, Text: []byte("{}")}); err != nil {
				t.Fatal(err)
			}
		}
		usage := catalog.Usage{Services: map[string]catalog.Service{"s": {Publishes: map[string][]string{"t": {pattern}}}}}
		doc, err := build(t, catalog.Config{Registry: &registry, Usage: usage}).AsyncAPI()
		if err != nil {
			t.Fatal(err)
		}
		channel, _, _ := strings.Cut(string(doc), `"operations"`)
		var got []string
		for _, name := range []string{"order.line.added.v1", "order.placed.v1", "order.placed.v2", "order.v1", "user.v1"} {
			if strings.Contains(channel, `"`+name+`"`) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", pattern, got, want)
		}
	}
}

func TestUsageRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"titel: x": "titel", "services: {a: {publish: {}}}": "publish", "services: [a]": "usage:", "[": "usage:",
		strings.Repeat("#", 1<<20+1): "larger than",
	} {
		if _, err := catalog.ParseUsage([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if u, err := catalog.ParseUsage(nil); err != nil || u.Title != "" {
		t.Errorf("%v %v", u, err)
	}
}
