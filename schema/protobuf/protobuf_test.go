package protobuf_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/protobuf"
)

const order = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "money/1.proto";
message OrderPlaced {
	string id = 1;
	repeated Item items = 2;
	repeated int32 codes = 3;
	map<string, Money> totals = 4;
	google.protobuf.Timestamp placed_at = 5;
	fixed32 hash = 6;
	message Item { string sku = 1; double price = 2; }
}
message OrderShipped { bytes label = 1; }
`

const money = `syntax = "proto3"; package shop; message Money { int64 amount = 1; string currency = 2; }`

func file(text string, refs ...schema.Reference) schema.Schema {
	return schema.Schema{Format: schema.Protobuf, Text: []byte(text), Source: "order.placed/1.proto", References: refs}
}

func orders() schema.Schema {
	m := file(money)
	m.Source = "money/1.proto"
	return file(order, schema.Reference{Name: "money/1.proto", Schema: m})
}

func compile(t testing.TB, s schema.Schema) schema.Validator {
	t.Helper()
	v, err := protobuf.Compiler{}.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAViolationNamesThePlaceAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	v := compile(t, orders())
	for name, tc := range map[string]struct{ data, pointer, keyword, expected string }{
		"fits":                      {"0a036f2d31 1203 0a0161 1203 0a0162 1a03010203 1801 2206 0a0176 1201 10", "", "", ""},
		"empty fits":                {"", "", "", ""},
		"an unknown field fits":     {"a8 06 01", "", "", ""},
		"text in place of a number": {"3203 616263", "/hash", "type", "fixed32, wire type I32, got LEN"},
		"a number in place of text": {"0801", "/id", "type", "string, wire type LEN, got VARINT"},
		"no UTF-8":                  {"0a01ff", "/id", "type", "text of UTF-8"},
		"deep in a list":            {"1203 0a0161 1202 0801", "/items/1/sku", "type", "string, wire type LEN, got VARINT"},
		"in a map":                  {"2207 0a0176 1202 0a00", "/totals/v/amount", "type", "int64, wire type VARINT, got LEN"},
		"packed and broken":         {"1a02 0180", "/codes", "wire", "packed values of int32"},
		"in an imported message":    {"2a02 0a00", "/placedAt/seconds", "type", "int64, wire type VARINT, got LEN"},
		"cut short":                 {"0a05 6162", "/id", "wire", "the field to end within its message"},
		"a broken tag":              {"ff", "", "wire", "a field of shop.OrderPlaced at its byte 0"},
		"field 0":                   {"0001", "", "wire", "a field of shop.OrderPlaced at its byte 0"},
		"an unknown field cut":      {"aa06 05", "", "wire", "the unknown field 101 to end within its message"},
	} {
		if name == "fits" {
			tc.data = "0a036f2d31 1203 0a0161 1203 0a0162 1a03010203 1801 2207 0a0176 1202 0810"
		}
		if name == "packed and broken" {
			tc.pointer = "/codes/0"
		}
		var got schema.Violation
		var failed *schema.Error
		err := v.Validate(unhex(t, tc.data))
		if errors.As(err, &failed) {
			got = failed.Violations[0]
		}
		if want := (schema.Violation{Pointer: tc.pointer, Keyword: tc.keyword, Expected: tc.expected}); got != want {
			t.Errorf("%s: %v, want %+v", name, err, want)
		}
	}
}

func TestRequiredFieldsAreRequired(t *testing.T) {
	t.Parallel()
	v := compile(t, file(`syntax = "proto2"; message A { required string id = 1; optional A next = 2; required int32 n = 3; }`))
	for data, want := range map[string]string{
		"0a0161 1801":                 "",
		"1801":                        "/: expected the field id",
		"0a0161":                      "/: expected the field n",
		"0a0161 1801 1202 1801":       "/next: expected the field id",
		"0a01ff 1801":                 "", // proto2 does not check UTF-8
		"0a0161 1801 1205 0a01611801": "",
	} {
		err := v.Validate(unhex(t, data))
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", data, err, want)
		}
	}
}

func TestTheMessageIsTheFirstOrTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	s := orders()
	for name, want := range map[string][]int{"": {0}, "shop.OrderPlaced": {0}, "shop.OrderShipped": {1}, "shop.OrderPlaced.Item": {0, 1}} {
		s.Message = name
		got, err := protobuf.Indexes(s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v", name, got, err)
			continue
		}
		back, err := protobuf.MessageAt(s, got)
		if err != nil || name != "" && back != name {
			t.Errorf("%v: %q, %v", got, back, err)
		}
	}
	s.Message = "shop.Nothing"
	if _, err := protobuf.Indexes(s); !errors.Is(err, schema.ErrInvalidSchema) {
		t.Error(err)
	}
	for _, path := range [][]int{nil, {2}, {-1}, {0, 0, 0}} {
		if _, err := protobuf.MessageAt(orders(), path); !errors.Is(err, schema.ErrInvalidSchema) {
			t.Errorf("%v: %v", path, err)
		}
	}
}

func TestNoImportLeavesTheRegistry(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/etc/passwd", "../../x.proto", "file:///x.proto", "http://localhost/x.proto", "money/1.proto"} {
		_, err := protobuf.Compiler{}.Compile(file(`syntax = "proto3"; import "` + name + `"; message A {}`))
		if !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemasThatAreBombsAreRefused(t *testing.T) {
	t.Parallel()
	option := `syntax="proto3"; import "google/protobuf/descriptor.proto"; message N { N n = 1; } extend google.protobuf.FileOptions { N n = 50000; } `
	importing := func(text string, refs ...schema.Reference) schema.Schema {
		s := file(`syntax="proto3"; `+text, refs...)
		return s
	}
	a := importing(`import "b.proto"; message A {}`)
	b := importing(`import "a.proto"; message B {}`, schema.Reference{Name: "a.proto", Schema: a})
	for name, s := range map[string]schema.Schema{
		"deep messages":     file(`syntax="proto3"; ` + strings.Repeat(`message A {`, 20_000) + strings.Repeat(`}`, 20_000)),
		"deep options":      file(option + `option (n) = ` + strings.Repeat(`{n:`, 20_000) + `{}` + strings.Repeat(`}`, 20_000) + `; message A {}`),
		"deep angles":       file(option + `option (n) = {n` + strings.Repeat(`<n`, 20_000) + strings.Repeat(`>`, 20_000) + `}; message A {}`),
		"deep lists":        file(`syntax="proto3"; option java_package = ` + strings.Repeat(`[`, 100_000) + `; message A {}`),
		"an import circle":  importing(`import "b.proto"; message A {}`, schema.Reference{Name: "b.proto", Schema: b}),
		"an import of self": {Format: schema.Protobuf, Text: []byte(`syntax="proto3"; import "self.proto"; message A {}`), Source: "self.proto"},
		"two files, a name": importing(`import "x.proto"; message A {}`, schema.Reference{Name: "x.proto", Schema: file(money)}, schema.Reference{Name: "x.proto", Schema: file(`syntax="proto3";`)}),
		"no message":        file(`syntax="proto3";`),
		"no protobuf":       file(`{"type":"object"}`),
		"an open comment":   file(`/* `),
		"an open string":    file(`syntax="proto3`),
		"another format":    importing(`import "x.json"; message A {}`, schema.Reference{Name: "x.json", Schema: schema.Schema{Format: schema.JSONSchema}}),
	} {
		begin := time.Now()
		_, err := protobuf.Compiler{}.Compile(s)
		if !errors.Is(err, schema.ErrInvalidSchema) || time.Since(begin) > 30*time.Second {
			t.Errorf("%s: %.200v after %v", name, err, time.Since(begin))
		}
	}
}

func TestWhatIsLargeButHarmlessCompilesInTime(t *testing.T) {
	t.Parallel()
	var fields, options, values strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&fields, "string f%d = %d;", i, i+1+max(0, min(1000, i-18999+1001)))
		fmt.Fprintf(&options, "option (n%d) = \"x\";\n", i)
		fmt.Fprintf(&values, "V%d = %d;", i, i)
	}
	extend := `import "google/protobuf/descriptor.proto"; extend google.protobuf.FileOptions {`
	for i := range 5000 {
		extend += fmt.Sprintf("string n%d = %d;", i, 50000+i)
	}
	for name, text := range map[string]string{
		"fields":  `message A {` + fields.String() + `}`,
		"values":  `message A {} enum E {` + values.String() + `}`,
		"options": extend + `} ` + options.String() + `message A {}`,
	} {
		begin := time.Now()
		_, err := protobuf.Compiler{}.Compile(file(`syntax="proto3"; ` + text))
		if err != nil || time.Since(begin) > 30*time.Second {
			t.Errorf("%s: %.200v after %v", name, err, time.Since(begin))
		}
	}
}

func TestDataThatIsABombIsRefused(t *testing.T) {
	t.Parallel()
	v := compile(t, file(`syntax = "proto2"; message A { optional A next = 1; optional group G = 2 { optional string x = 1; } }`))
	nested := []byte(nil)
	for range 2000 {
		nested = append(append([]byte{0x0a}, varint(len(nested))...), nested...)
	}
	for name, data := range map[string][]byte{
		"nested messages":       nested,
		"nested groups":         []byte(strings.Repeat("\x13", 100_000)),
		"nested unknown groups": []byte(strings.Repeat("\x1b", 500_000) + strings.Repeat("\x1c", 500_000)),
		"a length of 2^63":      {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"an end without begin":  {0x14},
	} {
		begin := time.Now()
		if err := v.Validate(data); !errors.Is(err, schema.ErrMismatch) || time.Since(begin) > 30*time.Second {
			t.Errorf("%s: %.200v after %v", name, err, time.Since(begin))
		}
	}
}

func varint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func TestTheCodecKeepsAMessage(t *testing.T) {
	t.Parallel()
	var c protobuf.Codec[*structpb.Struct]
	want, err := structpb.NewStruct(map[string]any{"id": "o-1", "items": []any{1.5, true, nil}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got *structpb.Struct
	if err := c.Unmarshal(data, &got); err != nil || !proto.Equal(got, want) || c.ContentType() != protobuf.ContentType {
		t.Errorf("%v, %v", got, err)
	}
	old := got
	if err := c.Unmarshal(data[:3], &got); err == nil || got != old {
		t.Errorf("%v, %v", got, err)
	}
}

func TestACodecOfAnInterfaceIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	var got proto.Message
	if err := (protobuf.Codec[proto.Message]{}).Unmarshal([]byte{}, &got); err == nil || !strings.Contains(err.Error(), "protoreflect.ProtoMessage") {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzValidate walks over any data, and compiles any text.
func FuzzValidate(f *testing.F) {
	f.Add([]byte(money), []byte{0x08, 0x10, 0x12, 0x01, 0x61})
	f.Add([]byte(`syntax = "proto2"; message A { required A a = 1; optional group G = 2 { optional int32 x = 1; } }`), []byte{0x0a, 0x00, 0x13, 0x08, 0x01, 0x14})
	f.Add([]byte(`edition = "2023"; message A { map<sint32, bytes> m = 1; repeated fixed64 f = 2; }`), []byte{0x0a, 0x04, 0x08, 0x03, 0x12, 0x00})
	f.Fuzz(func(t *testing.T, text, data []byte) {
		v, err := protobuf.Compiler{}.Compile(file(string(text)))
		if err != nil {
			if !errors.Is(err, schema.ErrInvalidSchema) {
				t.Fatal(err)
			}
			return
		}
		if err := v.Validate(data); err != nil && !errors.Is(err, schema.ErrMismatch) {
			t.Fatal(err)
		}
	})
}

// BenchmarkCodec encodes and decodes a message; beside it what the library alone costs.
func BenchmarkCodec(b *testing.B) {
	var c protobuf.Codec[*structpb.Struct]
	value, err := structpb.NewStruct(map[string]any{"id": "o-1", "note": strings.Repeat("x", 200), "total": 1.5})
	if err != nil {
		b.Fatal(err)
	}
	data, err := c.Marshal(value)
	if err != nil {
		b.Fatal(err)
	}
	v := compile(b, file(`syntax = "proto3"; import "google/protobuf/struct.proto"; message A { map<string, google.protobuf.Value> fields = 1; }`))
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("marshal", func() error { _, err := c.Marshal(value); return err })
	run("marshal-library", func() error { _, err := proto.Marshal(value); return err })
	run("unmarshal", func() error { var m *structpb.Struct; return c.Unmarshal(data, &m) })
	run("unmarshal-library", func() error { return proto.Unmarshal(data, &structpb.Struct{}) })
	run("validate", func() error { return v.Validate(data) })
}
