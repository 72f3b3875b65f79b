package avro_test

import (
	"testing"

	lib "github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema/avro"
)

// BenchmarkCodec encodes and decodes an order; beside it what the library alone costs.
func BenchmarkCodec(b *testing.B) {
	c := codec[Order](b, text(order))
	value := sample()
	data, err := c.Marshal(value)
	if err != nil {
		b.Fatal(err)
	}
	parsed := lib.MustParse(order)
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Marshal(value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("marshal-library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := lib.Marshal(parsed, &value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v Order
			if err := c.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal-library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v Order
			if err := lib.Unmarshal(parsed, data[10:], &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("validate", func(b *testing.B) {
		v, err := avro.Compiler{}.Compile(text(order))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Validate(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
