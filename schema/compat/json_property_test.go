package compat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema/compat"
)

func compileJSON(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("herald:///s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("herald:///s.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// verdicts counts what the property test saw.
type verdicts struct{ pairs, compatible, refuted, alarms, instances int }

// try compares one pair in both ways and holds the verdict against instances.
func (v *verdicts) try(t *testing.T, g schemas, older, newer map[string]any, conf compat.Config) {
	t.Helper()
	oldText, _ := json.Marshal(older)
	newText, _ := json.Marshal(newer)
	writer, reader := compileJSON(t, oldText), compileJSON(t, newText)
	fs, err := compat.Compare(t.Context(), jsonVersion("1", string(oldText)), jsonVersion("2", string(newText)), compat.NewReadsOld, conf)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, oldText, newText)
	}
	v.pairs++
	broken := false
	for i := range 200 {
		lead := older
		if i%3 == 0 {
			lead = newer
		}
		if g.plain {
			lead = older
		}
		text, _ := json.Marshal(g.value(lead, lead, 5))
		instance, _ := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if writer.Validate(instance) != nil {
			continue
		}
		v.instances++
		if reader.Validate(instance) == nil {
			continue
		}
		broken = true
		if len(fs) == 0 {
			t.Errorf("called compatible, and it is not:\nold %s\nnew %s\nevent %s", oldText, newText, text)
			return
		}
	}
	switch {
	case len(fs) == 0:
		v.compatible++
	case broken:
		v.refuted++
	default:
		v.alarms++
	}
}

var pairs = flag.Int("pairs", 150, "how many pairs of schemas the property test draws")

func TestNoInstanceOfACompatibleWriterBreaksTheReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		pairs int
		plain bool
		conf  compat.Config
	}{
		{"any schemas", *pairs, false, compat.Config{}},
		{"declared properties only", *pairs / 2, true, compat.Config{DeclaredOnly: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var seen verdicts
			for seed := range uint64(tc.pairs) {
				g := schemas{rand.New(rand.NewPCG(seed, 7)), tc.plain}
				older := g.root()
				newer := g.evolve(older)
				seen.try(t, g, older, newer, tc.conf)
				seen.try(t, g, newer, older, tc.conf)
				if t.Failed() {
					return
				}
			}
			t.Logf("%d pairs, %d events: %d compatible; %d breaking with an event that shows it, %d without one found (%.1f%% of the alarms)",
				seen.pairs, seen.instances, seen.compatible, seen.refuted, seen.alarms, 100*float64(seen.alarms)/float64(seen.refuted+seen.alarms))
			if seen.compatible < seen.pairs/10 || seen.refuted < seen.pairs/10 {
				t.Error("the draw says too little")
			}
		})
	}
}
