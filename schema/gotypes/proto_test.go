package gotypes_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gotypes"
)

// The plug-in is the one of the module that the Protobuf codec needs; the go command builds it.
func TestProtoWritesWhatProtocGenGoWrites(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/stock.proto")
	if err != nil {
		t.Fatal(err)
	}
	c := gotypes.ProtoConfig{Package: "stock", Plugin: []string{"go", "run", "google.golang.org/protobuf/cmd/protoc-gen-go"}}
	s := gotypes.Source{Ref: schema.Ref{Type: "stock.reserved"}, Schema: schema.Schema{Format: schema.Protobuf, Text: text, Source: "stock.proto"}}
	src, err := gotypes.Proto(t.Context(), c, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"package stock\n", "// Names the order.\n", "type StockReserved struct {", "timestamppb.Timestamp", "func (x *Item) GetSku() string"} {
		if !strings.Contains(string(src), want) {
			t.Errorf("no %q in:\n%s", want, src)
		}
	}
}

func TestProtoRefusesWhatItCantRead(t *testing.T) {
	t.Parallel()
	doubling := schema.Schema{Format: schema.Protobuf, Text: []byte(`syntax = "proto3"; message A {}`)}
	for range 30 {
		doubling.References = []schema.Reference{{Name: "a.proto", Schema: doubling}, {Name: "b.proto", Schema: doubling}}
	}
	for _, s := range []schema.Schema{
		doubling,
		{Format: schema.JSONSchema, Text: []byte(`{}`)},
		{Format: schema.Protobuf, Text: []byte(`syntax = "proto3"; import "/etc/passwd";`)},
		{Format: schema.Protobuf, Text: []byte(`message`)},
	} {
		_, err := gotypes.Proto(t.Context(), gotypes.ProtoConfig{Plugin: []string{"false"}}, gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: s})
		if !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%s: %v", s.Text, err)
		}
	}
	good := schema.Schema{Format: schema.Protobuf, Text: []byte(`syntax = "proto3"; message A {}`)}
	if _, err := gotypes.Proto(t.Context(), gotypes.ProtoConfig{Plugin: []string{"false"}}, gotypes.Source{Ref: schema.Ref{Type: "a.b"}, Schema: good}); err == nil {
		t.Error("a plug-in that fails is no error")
	}
}
