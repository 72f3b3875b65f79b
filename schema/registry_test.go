package schema_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

func text(s string) schema.Schema {
	return schema.Schema{Format: schema.JSONSchema, Text: []byte(s), Source: "test"}
}

func TestVersionsAreComparedAsTheEnvelopeDoes(t *testing.T) {
	t.Parallel()
	sorted := []string{"0.9", "1", "1.1", "1.2", "1.10", "2", "10", "99999999999999999999", "beta", "draft"}
	shuffled := []string{"draft", "10", "1.10", "2", "1.1", "99999999999999999999", "0.9", "1.2", "beta", "1"}
	slices.SortFunc(shuffled, schema.CompareVersions)
	if !slices.Equal(shuffled, sorted) {
		t.Errorf("%q", shuffled)
	}
	for _, v := range []string{"", "1.0", "1.0.0", "01"} {
		if schema.CompareVersions("1", v) != 0 {
			t.Errorf("%q differs from 1", v)
		}
	}
	e := envelope.New("order.placed", nil, envelope.Version("1.0"))
	if got := schema.RefOf(&e); got != (schema.Ref{Type: "order.placed", Version: "1"}) || got.String() != "order.placed version 1" {
		t.Error(got)
	}
}

func TestRefsThatNoEventCanHaveAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range []schema.Ref{{Type: "", Version: "1"}, {Type: "a b", Version: "1"}, {Type: "a", Version: "1/2"}, {Type: "a", Version: "../1"}, {Type: strings.Repeat("a", 256), Version: "1"}, {Type: "a", Version: strings.Repeat("1", 65)}} {
		if r.Validate() == nil {
			t.Errorf("%v is taken", r)
		}
	}
	for _, r := range []schema.Ref{{Type: "order.placed", Version: ""}, {Type: "shop/order:placed", Version: "2.1-beta_3"}} {
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestMemoryKeepsWhatWasPut(t *testing.T) {
	t.Parallel()
	var m schema.Memory
	source := []byte(`{"type":"object"}`)
	s := schema.Schema{Format: schema.JSONSchema, Text: source}
	if err := m.Put(schema.Ref{Type: "a", Version: "1.0"}, s); err != nil {
		t.Fatal(err)
	}
	source[0] = '!'
	for _, v := range []string{"", "1", "1.0"} {
		got, err := m.Schema(t.Context(), schema.Ref{Type: "a", Version: v})
		if err != nil || string(got.Text) != `{"type":"object"}` {
			t.Errorf("%q: %s, %v", v, got.Text, err)
		}
	}
	if err := m.Put(schema.Ref{Type: "a", Version: "1"}, text(`{"type":"object"}`)); err != nil {
		t.Errorf("the same schema again: %v", err)
	}
	if err := m.Put(schema.Ref{Type: "a", Version: "1"}, text(`{}`)); err == nil {
		t.Error("another schema took the place")
	}
	if err := m.Put(schema.Ref{Type: "a b"}, text(`{}`)); err == nil {
		t.Error("a type with a space was taken")
	}
	if _, err := m.Schema(t.Context(), schema.Ref{Type: "a", Version: "2"}); !errors.Is(err, schema.ErrUnknown) {
		t.Error(err)
	}
	for _, v := range []string{"10", "2"} {
		if err := m.Put(schema.Ref{Type: "a", Version: v}, text(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	refs, err := m.List(t.Context())
	if want := []schema.Ref{{Type: "a", Version: "1"}, {Type: "a", Version: "2"}, {Type: "a", Version: "10"}}; err != nil || !reflect.DeepEqual(refs, want) {
		t.Errorf("%v, %v", refs, err)
	}
}

func TestFingerprintsTellMeaningsApart(t *testing.T) {
	t.Parallel()
	ref := func(name, s string) schema.Reference { return schema.Reference{Name: name, Schema: text(s)} }
	base := schema.Schema{Format: schema.Protobuf, Text: []byte("ab"), Message: "M", References: []schema.Reference{ref("n", "x")}}
	change := map[string]func(*schema.Schema){
		"format":         func(s *schema.Schema) { s.Format = schema.Avro },
		"text":           func(s *schema.Schema) { s.Text = []byte("a") },
		"message":        func(s *schema.Schema) { s.Message = "" },
		"text, message":  func(s *schema.Schema) { s.Text, s.Message = []byte("abM"), "" },
		"no reference":   func(s *schema.Schema) { s.References = nil },
		"another name":   func(s *schema.Schema) { s.References = []schema.Reference{ref("m", "x")} },
		"another text":   func(s *schema.Schema) { s.References = []schema.Reference{ref("n", "y")} },
		"two references": func(s *schema.Schema) { s.References = []schema.Reference{ref("n", "x"), ref("n", "x")} },
	}
	for name, f := range change {
		other := base
		f(&other)
		if other.Fingerprint() == base.Fingerprint() {
			t.Errorf("%s: the same fingerprint", name)
		}
	}
	moved := base
	moved.Source = "elsewhere"
	if moved.Fingerprint() != base.Fingerprint() {
		t.Error("the source tells schemas apart")
	}
}

// References that double at every level are small in memory and endless to walk over.
func TestSchemasOverTheLimitsAreRefusedBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	doubling := text(`{}`)
	for range 30 {
		doubling = schema.Schema{Format: schema.JSONSchema, References: []schema.Reference{{Name: "a", Schema: doubling}, {Name: "b", Schema: doubling}}}
	}
	deep := text(`{}`)
	for range schema.MaxReferenceDepth + 1 {
		deep = schema.Schema{Format: schema.JSONSchema, References: []schema.Reference{{Name: "a", Schema: deep}}}
	}
	var m schema.Memory
	for name, s := range map[string]schema.Schema{"doubling": doubling, "deep": deep, "long": text(strings.Repeat(" ", schema.MaxText+1))} {
		for op, err := range map[string]error{
			"check": s.CheckLimits(), "put": m.Put(schema.Ref{Type: "a", Version: "1"}, s),
			"compile": func() error { _, err := schema.NewCompilers(0, &compiler{}).Validator(s); return err }(),
		} {
			if !errors.Is(err, schema.ErrInvalidSchema) {
				t.Errorf("%s %s: %v", op, name, err)
			}
		}
	}
}
