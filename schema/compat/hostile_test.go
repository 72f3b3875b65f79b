package compat_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

// bombs are schemas that are small and ask for much work.
func bombs() map[string]compat.Version {
	var union, wide, chain, avroNet, protoNet strings.Builder
	for i := range 40 {
		fmt.Fprintf(&union, `{"anyOf":[{"minimum":%d},{"maximum":%d},{"multipleOf":%d}]},`, i, i, i+2)
	}
	for i := range 4000 {
		fmt.Fprintf(&wide, `"p%d":{"type":"string"},`, i)
	}
	for i := range 30 {
		fmt.Fprintf(&chain, `"d%d":{"properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	for i := range 40 {
		fields := make([]string, 0, 40)
		for j := range 40 {
			kind := fmt.Sprintf(`"N%d"`, j)
			if j >= i {
				kind = `"int"`
			}
			fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":["null",%s]}`, j, kind))
		}
		fmt.Fprintf(&avroNet, `{"type":"record","name":"N%d","fields":[%s]},`, i, strings.Join(fields, ","))
		fmt.Fprintf(&protoNet, "message N%d { ", i)
		for j := range 40 {
			fmt.Fprintf(&protoNet, "N%d f%d = %d; ", j, j, j+1)
		}
		protoNet.WriteString("}\n")
	}
	avroText := `[` + strings.TrimSuffix(avroNet.String(), ",") + `]`
	of := func(f schema.Format, text string) compat.Version {
		return compat.Version{Ref: schema.Ref{Type: "a.b", Version: "1"}, Schema: schema.Schema{Format: f, Text: []byte(text)}}
	}
	return map[string]compat.Version{
		"unions upon unions":  of(schema.JSONSchema, `{"allOf":[`+strings.TrimSuffix(union.String(), ",")+`]}`),
		"thousands of fields": of(schema.JSONSchema, `{"properties":{`+strings.TrimSuffix(wide.String(), ",")+`},"patternProperties":{"a*b*c*$":{}},"required":["p1"]}`),
		"doubling references": of(schema.JSONSchema, `{"$ref":"#/$defs/d0","$defs":{`+chain.String()+`"d30":{"type":"string"}}}`),
		"a circle":            of(schema.JSONSchema, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`),
		"a net of records":    of(schema.Avro, avroText),
		"a net of messages":   of(schema.Protobuf, `syntax = "proto3"; `+protoNet.String()),
	}
}

// changed makes another version of a bomb that differs at its leaves.
func changed(v compat.Version) compat.Version {
	v.Ref.Version = "2"
	text := strings.NewReplacer(`"string"`, `"number"`, `"minimum":`, `"exclusiveMinimum":`, `"int"`, `"string"`, `f39 = 40`, `f39 = 41`).Replace(string(v.Schema.Text))
	v.Schema.Text = []byte(text + "\n")
	return v
}

// The bound is on allocations, which are in step with the work and do not depend on the machine. So it runs alone.
func TestHostileSchemasAreComparedWithinBounds(t *testing.T) {
	const most = 20_000_000
	for name, older := range bombs() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fs, err := compat.Check(t.Context(), []compat.Version{older}, changed(older), compat.Config{Mode: compat.Full})
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != "a circle" && len(fs) == 0 {
			t.Errorf("%s: found nothing", name)
		}
		if n := after.Mallocs - before.Mallocs; n > most {
			t.Errorf("%s: %d allocations, want %d at most", name, n, most)
		} else {
			t.Logf("%s: %d allocations, %d findings", name, n, len(fs))
		}
	}
}

// References that double at every level are small in memory and endless to walk over.
func TestReferencesThatDoubleAreRefused(t *testing.T) {
	t.Parallel()
	doubling := schema.Schema{Format: schema.JSONSchema, Text: []byte(`{}`)}
	for range 30 {
		doubling.References = []schema.Reference{{Name: "a", Schema: doubling}, {Name: "b", Schema: doubling}}
	}
	bomb := compat.Version{Ref: schema.Ref{Type: "a.b", Version: "1"}, Schema: doubling}
	plain := compat.Version{Ref: schema.Ref{Type: "a.b", Version: "2"}, Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(`true`)}}
	if _, err := compat.Fingerprint(t.Context(), bomb); !errors.Is(err, schema.ErrInvalidSchema) {
		t.Errorf("fingerprint: %v", err)
	}
	for _, pair := range [][2]compat.Version{{bomb, plain}, {plain, bomb}} {
		if _, err := compat.Compare(t.Context(), pair[0], pair[1], compat.NewReadsOld, compat.Config{}); !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("compare: %v", err)
		}
	}
}

func TestAnEndedContextEndsTheComparison(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	older := bombs()["unions upon unions"]
	if _, err := compat.Check(ctx, []compat.Version{older}, changed(older), compat.Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzCheckNeverPanics(f *testing.F) {
	for format, cases := range evolutions() {
		for _, e := range cases {
			f.Add(string(format), e.old, e.new)
		}
	}
	f.Fuzz(func(t *testing.T, format, older, newer string) {
		if len(older)+len(newer) > 4<<10 {
			return
		}
		v := func(version, text string) compat.Version {
			return compat.Version{Ref: schema.Ref{Type: "a.b", Version: version}, Schema: schema.Schema{Format: schema.Format(format), Text: []byte(text)}}
		}
		fs, err := compat.Check(t.Context(), []compat.Version{v("1", older)}, v("2", newer), compat.Config{Mode: compat.Full, JSONNames: true})
		if err != nil && len(fs) > 0 {
			t.Errorf("findings and an error: %v, %v", fs, err)
		}
	})
}
