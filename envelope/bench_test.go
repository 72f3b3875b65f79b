package envelope_test

import (
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// sample is an event as services publish it: 512 bytes of JSON data, every
// usual attribute, two headers of the user's.
func sample() envelope.Event {
	data := `{"orderId":"ord_123","amount":99.99,"note":"` + strings.Repeat("x", 512-46) + `"}`
	return envelope.Event{
		ID: "0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", Type: "order.placed", Version: "1", Source: "order-service",
		CorrelationID: "0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e70", CausationID: "0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e71",
		Time: time.Date(2024, 1, 15, 10, 30, 0, 123456789, time.UTC), Key: "customer-42",
		ContentType: "application/json",
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Headers:     envelope.Headers{{Key: "tenant", Value: "acme"}, {Key: "region", Value: "eu-west"}},
		Data:        []byte(data),
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	data := []byte(`{}`)
	for b.Loop() {
		_ = envelope.New("order.placed", data)
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = envelope.NewID()
	}
}

func BenchmarkNewIDParallel(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = envelope.NewID()
		}
	})
}

func BenchmarkDeriveID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = envelope.DeriveID("0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", "payment.taken")
	}
}

func BenchmarkValidate(b *testing.B) {
	b.ReportAllocs()
	e := sample()
	for b.Loop() {
		if err := e.Validate(envelope.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBinaryEncode512(b *testing.B) { benchmarkEncode(b, envelope.Binary) }

func BenchmarkBinaryDecode512(b *testing.B) { benchmarkDecode(b, envelope.Binary) }

func BenchmarkJSONEncode512(b *testing.B) { benchmarkEncode(b, envelope.JSON) }

func BenchmarkJSONDecode512(b *testing.B) { benchmarkDecode(b, envelope.JSON) }

func BenchmarkBareJSONDecode512(b *testing.B) {
	benchmarkDecode(b, envelope.JSONCodec{TypeMember: "eventType", Unmarked: true})
}

func BenchmarkForeignDecode512(b *testing.B) {
	b.ReportAllocs()
	e := sample()
	r := envelope.Record{ID: "1", Body: e.Data, ContentType: "application/json"}
	for b.Loop() {
		if form, err := envelope.Decode(&e, &r, envelope.Limits{}); form != envelope.FormForeign || err != nil {
			b.Fatal(form, err)
		}
	}
}

func benchmarkEncode(b *testing.B, c envelope.Codec) {
	b.ReportAllocs()
	e := sample()
	var r envelope.Record
	for b.Loop() {
		if err := c.Encode(&r, &e); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkDecode measures detection too, as a subscriber pays for it.
func benchmarkDecode(b *testing.B, c envelope.Codec) {
	b.ReportAllocs()
	e := sample()
	var r envelope.Record
	if err := c.Encode(&r, &e); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := envelope.Decode(&e, &r, envelope.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCloudEventsEncode512(b *testing.B) { benchmarkEncode(b, envelope.CloudEvents) }

func BenchmarkCloudEventsDecode512(b *testing.B) { benchmarkDecode(b, envelope.CloudEvents) }

func BenchmarkCloudEventsJSONEncode512(b *testing.B) {
	benchmarkEncode(b, envelope.CloudEventsStructured)
}

func BenchmarkCloudEventsJSONDecode512(b *testing.B) {
	benchmarkDecode(b, envelope.CloudEventsStructured)
}
