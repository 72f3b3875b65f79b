package compat_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

// evolution is one change of a schema with what it breaks. Each direction lists the rules found, sorted and once each.
type evolution struct {
	name, source   string
	old, new       string
	backward       []compat.Rule // of the newer version reading events of the older
	forward        []compat.Rule // the other way round
	spares         []compat.Rule // rules that the change comes near to and does not break
	conf           compat.Config // its Mode is not looked at
	stricter       string        // why, where Confluent's rules let pass what breaks here
	oldM, newM     string        // the Protobuf message of the event
	oldRef, newRef []schema.Reference
}

type rules = []compat.Rule

// evolutions are the cases of all formats.
func evolutions() map[schema.Format][]evolution {
	return map[schema.Format][]evolution{
		schema.JSONSchema: slices.Concat(jsonObjectCases, jsonScalarCases, jsonUnionCases, jsonReferenceCases()),
		schema.Avro:       avroCases,
		schema.Protobuf:   slices.Concat(protoFieldCases, protoMessageCases),
	}
}

func (e *evolution) versions(f schema.Format) (older, newer compat.Version) {
	older = compat.Version{Ref: schema.Ref{Type: "order.placed", Version: "1"}, Schema: schema.Schema{Format: f, Text: []byte(e.old), Message: e.oldM, References: e.oldRef}}
	newer = compat.Version{Ref: schema.Ref{Type: "order.placed", Version: "2"}, Schema: schema.Schema{Format: f, Text: []byte(e.new), Message: e.newM, References: e.newRef}}
	return older, newer
}

func TestEvolutionsBreakWhatTheirSourcesSay(t *testing.T) {
	t.Parallel()
	for format, cases := range evolutions() {
		for _, e := range cases {
			t.Run(string(format)+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				older, newer := e.versions(format)
				if e.source == "" {
					t.Error("no source")
				}
				for direction, want := range map[compat.Direction]rules{compat.NewReadsOld: e.backward, compat.OldReadsNew: e.forward} {
					fs, err := compat.Compare(t.Context(), older, newer, direction, e.conf)
					if err != nil {
						t.Fatal(err)
					}
					if got := rulesOf(fs); !slices.Equal(got, want) {
						t.Errorf("%s: got %v, want %v\n%v", direction, got, want, fs)
					}
					for _, f := range fs {
						if slices.Contains(e.spares, f.Rule) {
							t.Errorf("%s: %v should be spared", direction, f)
						}
					}
				}
			})
		}
	}
}

func rulesOf(fs []compat.Finding) rules {
	var out rules
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestEveryRuleHasACaseThatBreaksAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	breaks, spares := map[compat.Rule]int{}, map[compat.Rule]int{}
	count := 0
	for _, cases := range evolutions() {
		for _, e := range cases {
			count++
			for _, r := range slices.Concat(e.backward, e.forward) {
				breaks[r]++
			}
			for _, r := range e.spares {
				spares[r]++
			}
		}
	}
	for _, r := range compat.Rules() {
		if r == compat.RuleFormatChanged {
			continue // the table compares within formats
		}
		if breaks[r] == 0 || spares[r] == 0 {
			t.Errorf("%s: %d cases break it, %d come near", r, breaks[r], spares[r])
		}
	}
	if count < 90 {
		t.Errorf("got %d cases, want 90 at least", count)
	}
}

func TestASchemaIsCompatibleWithItself(t *testing.T) {
	t.Parallel()
	for format, cases := range evolutions() {
		for _, e := range cases {
			older, newer := e.versions(format)
			for _, v := range []compat.Version{older, newer} {
				same := v
				same.Ref.Version = "3"
				fs, err := compat.Check(t.Context(), []compat.Version{v}, same, compat.Config{Mode: compat.Full, JSONNames: true})
				if err != nil || len(fs) > 0 {
					t.Errorf("%s: %s: got %v, %v", e.name, v.Ref, fs, err)
				}
			}
		}
	}
}

func TestFindingsNamePathRuleAndExample(t *testing.T) {
	t.Parallel()
	older := jsonVersion("1", `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"],"additionalProperties":false}`)
	newer := jsonVersion("2", `{"type":"object","properties":{"id":{"type":"string"},"total":{"type":"number"}},"required":["id","total"],"additionalProperties":false}`)
	fs, err := compat.Check(t.Context(), []compat.Version{older}, newer, compat.Config{Mode: compat.Full})
	if err != nil {
		t.Fatal(err)
	}
	want := []compat.Finding{
		{
			Path: "/properties/total", Rule: compat.RuleJSONRequired, Direction: compat.NewReadsOld, Older: "1", Newer: "2",
			Message: "`total` became required: events of version 1 lack it",
		},
		{
			Path: "/properties/total", Rule: compat.RuleJSONPropertyRefused, Direction: compat.OldReadsNew, Older: "1", Newer: "2",
			Message: "`total` is new in a closed object: events of version 2 may hold it, and version 1 refuses it",
		},
	}
	if !slices.Equal(fs, want) {
		t.Errorf("got %v\nwant %v", fs, want)
	}
	if got := fs[0].String(); got != "backward: /properties/total: `total` became required: events of version 1 lack it (json-required-added)" {
		t.Errorf("got %s", got)
	}
}

func TestTransitiveModesLookAtEveryOlderVersion(t *testing.T) {
	t.Parallel()
	// Version 2 drops the bound, version 3 sets a narrower one: against version 2 it breaks, against version 1 too.
	versions := []compat.Version{
		jsonVersion("1", `{"type":"integer"}`),
		jsonVersion("2", `{"type":"integer","maximum":10}`),
	}
	newer := jsonVersion("3", `{"type":"integer","maximum":10}`)
	for _, tc := range []struct {
		mode compat.Mode
		want int
	}{
		{compat.Backward, 0},
		{compat.BackwardTransitive, 1},
		{compat.Forward, 0},
		{compat.ForwardTransitive, 0},
		{compat.Full, 0},
		{compat.FullTransitive, 1},
	} {
		fs, err := compat.Check(t.Context(), versions, newer, compat.Config{Mode: tc.mode})
		if err != nil || len(fs) != tc.want {
			t.Errorf("%s: got %v, %v, want %d", tc.mode, fs, err, tc.want)
		}
		if len(fs) == 1 && (fs[0].Older != "1" || fs[0].Newer != "3") {
			t.Errorf("%s: got %+v", tc.mode, fs[0])
		}
	}
}

func TestModesAreReadAsTheyAreWrittenAndAsRegistriesSpellThem(t *testing.T) {
	t.Parallel()
	for i, name := range compat.Modes() {
		for _, spelled := range []string{name, strings.ToUpper(strings.ReplaceAll(name, "-", "_"))} {
			m, err := compat.ParseMode(spelled)
			if err != nil || m != compat.Mode(i) || m.String() != name {
				t.Errorf("%s: got %v, %v", spelled, m, err)
			}
		}
	}
	if m, err := compat.ParseMode(""); err != nil || m != compat.Backward {
		t.Errorf("got %v, %v", m, err)
	}
	if _, err := compat.ParseMode("sideways"); err == nil {
		t.Error("no error")
	}
}

func TestAllowedRulesAreLeftOut(t *testing.T) {
	t.Parallel()
	older, newer := jsonVersion("1", `{"type":["string","null"]}`), jsonVersion("2", `{"type":"string","maxLength":3}`)
	fs, err := compat.Check(t.Context(), []compat.Version{older}, newer, compat.Config{Allow: rules{compat.RuleJSONLength}})
	if got := rulesOf(fs); err != nil || !slices.Equal(got, rules{compat.RuleJSONType}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnotherFormatIsAFinding(t *testing.T) {
	t.Parallel()
	newer := jsonVersion("2", `{}`)
	newer.Schema = schema.Schema{Format: schema.Avro, Text: []byte(`"string"`)}
	fs, err := compat.Check(t.Context(), []compat.Version{jsonVersion("1", `{}`)}, newer, compat.Config{Mode: compat.Full})
	if got := rulesOf(fs); err != nil || len(fs) != 2 || !slices.Equal(got, rules{compat.RuleFormatChanged}) {
		t.Errorf("got %v, %v", fs, err)
	}
}

func TestBrokenSchemasAreErrors(t *testing.T) {
	t.Parallel()
	for format, texts := range map[schema.Format][]string{
		schema.JSONSchema: {``, `{`, `{} {}`, `{"type":"strin"}`, `{"$ref":"https://example.com/other.json"}`, `{"$ref":"#/$defs/none"}`, `{"maximum":1e999999999}`, strings.Repeat(`{"items":`, 200) + `{}` + strings.Repeat(`}`, 200)},
		schema.Avro:       {``, `{`, `"strin"`, `{"type":"record","name":"A","fields":[{"name":"b","type":"B"}]}`, strings.Repeat(`{"type":"array","items":`, 300) + `"int"` + strings.Repeat(`}`, 300)},
		schema.Protobuf:   {``, `syntax = "proto3"; message A {`, `syntax = "proto3"; import "other.proto"; message A {}`, `syntax = "proto3"; ` + strings.Repeat(`message A {`, 300) + strings.Repeat(`}`, 300)},
		"xml":             {`<a/>`},
	} {
		for _, text := range texts {
			v := compat.Version{Ref: schema.Ref{Type: "a.b", Version: "1"}, Schema: schema.Schema{Format: format, Text: []byte(text)}}
			if fs, err := compat.Check(t.Context(), []compat.Version{v}, v, compat.Config{}); !errors.Is(err, schema.ErrInvalidSchema) {
				t.Errorf("%s %.60q: got %v, %v", format, text, fs, err)
			}
		}
	}
}

func jsonVersion(version, text string) compat.Version {
	return compat.Version{Ref: schema.Ref{Type: "order.placed", Version: version}, Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)}}
}
