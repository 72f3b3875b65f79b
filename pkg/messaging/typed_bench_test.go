package messaging_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/messaging"
)

// BenchmarkTyped decodes the data of an event of 512 bytes; beside it json.Unmarshal alone.
func BenchmarkTyped(b *testing.B) {
	type item struct {
		SKU   string  `json:"sku"`
		Count int     `json:"count"`
		Price float64 `json:"price"`
	}
	type placed struct {
		ID    string `json:"id"`
		Note  string `json:"note"`
		Items []item `json:"items"`
	}
	d := messaging.Define[placed]("order.placed", "1")
	value := placed{ID: "o-1", Note: strings.Repeat("x", 190), Items: slices.Repeat([]item{{"book-001", 1, 9.99}}, 7)}
	delivery := &messaging.Delivery{Event: d.New(value)}
	if n := len(delivery.Data); n < 500 || n > 520 {
		b.Fatalf("%d bytes", n)
	}
	ctx := context.Background()
	b.Run("router", func(b *testing.B) {
		router := messaging.Route(messaging.On(d, func(context.Context, messaging.Typed[placed]) error { return nil }))
		b.ReportAllocs()
		for b.Loop() {
			if err := router.Handle(ctx, delivery); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json.Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v placed
			if err := json.Unmarshal(delivery.Data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
