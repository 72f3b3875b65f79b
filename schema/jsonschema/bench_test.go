package jsonschema_test

import (
	"bytes"
	"os"
	"testing"

	lib "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema/jsonschema"
)

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// BenchmarkValidate validates an event of 512 bytes, and beside it what the library alone costs: reading the JSON and validating it.
func BenchmarkValidate(b *testing.B) {
	text, data := read(b, "testdata/order.json"), read(b, "testdata/order-512.json")
	if len(data) != 512 {
		b.Fatalf("the event has %d bytes", len(data))
	}
	b.Run("herald", func(b *testing.B) {
		v := compile(b, jsonschema.Compiler{}, string(text))
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Validate(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		c := lib.NewCompiler()
		doc, err := lib.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		if err := c.AddResource("order.json", doc); err != nil {
			b.Fatal(err)
		}
		s := c.MustCompile("order.json")
		b.ReportAllocs()
		for b.Loop() {
			doc, err := lib.UnmarshalJSON(bytes.NewReader(data))
			if err == nil {
				err = s.Validate(doc)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
