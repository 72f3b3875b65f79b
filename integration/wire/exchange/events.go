package exchange

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// Events returns the events that are exchanged: each attribute, each kind of data, and what is long or not ASCII. They are the same at each
// call, so that what is on the wire can be compared with a file.
func Events() []envelope.Event {
	at := envelope.At(time.Date(2024, 1, 15, 10, 30, 0, 123456789, time.UTC))
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	return []envelope.Event{
		envelope.New("order.placed", []byte(`{"order":1,"total":99.99}`), envelope.ID("order-1"), envelope.At(time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)),
			envelope.Source("shop")),
		envelope.New("order.paid", []byte(`{"größe":"日本語"}`), envelope.ID("0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f"), at, envelope.Version("2.1"),
			envelope.Source("bestellung/größe"), envelope.Correlation("corr-1"), envelope.Causation("cause-1"), envelope.Key(`customer "42"`),
			envelope.ContentType("application/json; charset=utf-8"), envelope.Schema("https://example.com/order.json"),
			envelope.ReplyTo("answers"), envelope.ExpiresAt(time.Date(2099, 1, 1, 0, 0, 0, 5, time.UTC)),
			envelope.WithHeader("tenant", "größe"), envelope.WithHeader("empty", "")),
		envelope.New("picture.taken", everyByte, envelope.ID("bytes"), at, envelope.Source("camera"), envelope.ContentType("application/octet-stream")),
		envelope.New("note.written", []byte("plain text, no JSON"), envelope.ID("text"), at, envelope.Source("desk"), envelope.ContentType("text/plain")),
		envelope.New("Long:type/"+strings.Repeat("t", 245), []byte(`[]`), envelope.ID(strings.Repeat("i", 1024)), at, envelope.Source("shop"),
			envelope.Key(strings.Repeat("k", 300))),
	}
}

// Text returns events as lines of JSON, which is how they are compared: headers in the order of their names, which not every broker keeps.
func Text(t testing.TB, events []envelope.Event) string {
	t.Helper()
	var text strings.Builder
	for _, e := range events {
		e = e.Clone()
		slices.SortFunc(e.Headers, func(a, b envelope.Header) int { return cmp.Compare(a.Key, b.Key) })
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(line)
		text.WriteByte('\n')
	}
	return text.String()
}
