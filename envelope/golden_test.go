package envelope_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/herald-go/herald/envelope"
)

var update = flag.Bool("update", false, "write the golden files")

// article is the event as many articles show it, byte for byte.
const article = `{"eventId":"evt_abc123","eventType":"OrderCreated","timestamp":"2024-01-15T10:30:00Z",` +
	`"version":"1.0","source":"order-service","correlationId":"corr_xyz789","data":{"orderId":"ord_123","amount":99.99}}`

func articleEvent() envelope.Event {
	return envelope.Event{
		ID: "evt_abc123", Type: "OrderCreated", Version: "1.0", Source: "order-service", CorrelationID: "corr_xyz789",
		Time: time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC),
		Data: []byte(`{"orderId":"ord_123","amount":99.99}`),
	}
}

// full has every attribute, with nanoseconds and characters that need care.
func full() envelope.Event {
	at := time.Date(2024, 1, 15, 10, 30, 0, 123456789, time.UTC)
	return envelope.Event{
		ID: "0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", Type: "order.placed", Version: "2.1", Source: "bestellung/größe",
		CorrelationID: "corr-1", CausationID: "cause-1", Time: at, Key: `customer "42"\`,
		ContentType: "application/json; charset=utf-8", Schema: "https://example.com/order.json", ReplyTo: "orders.replies",
		ExpiresAt: at.Add(time.Hour), DeliverAt: at.Add(time.Minute).Truncate(time.Second),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1,b=2", Baggage: "user=7",
		Headers: envelope.Headers{{Key: "tenant", Value: "acme"}, {Key: "note", Value: "tab\there, <b>&\u2028"}},
		Data:    []byte("{\n  \"amount\": 99.990,\n  \"text\": \"<&>\\u00e9\"\n}"),
	}
}

func minimal() envelope.Event {
	return envelope.Event{ID: "1", Type: "ping", Version: "1"}
}

func binaryData() envelope.Event {
	e := minimal()
	e.ContentType, e.Data = "application/octet-stream", []byte{0, 1, 0xfe, 0xff}
	return e
}

// goldenRecord is a record as the files hold it.
type goldenRecord struct {
	ID          string      `json:"id"`
	Type        string      `json:"type"`
	Key         string      `json:"key"`
	ContentType string      `json:"contentType"`
	Time        string      `json:"time"`
	Headers     [][2]string `json:"headers"`
	Body        *string     `json:"body,omitempty"`
	BodyBase64  string      `json:"bodyBase64,omitempty"`
}

func dump(t *testing.T, r *envelope.Record) []byte {
	t.Helper()
	g := goldenRecord{ID: r.ID, Type: r.Type, Key: r.Key, ContentType: r.ContentType, Headers: [][2]string{}}
	if !r.Time.IsZero() {
		g.Time = r.Time.Format(time.RFC3339Nano)
	}
	for _, h := range r.Headers {
		g.Headers = append(g.Headers, [2]string{h.Key, h.Value})
	}
	if utf8.Valid(r.Body) {
		body := string(r.Body)
		g.Body = &body
	} else {
		g.BodyBase64 = base64.StdEncoding.EncodeToString(r.Body)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t *testing.T, b []byte) *envelope.Record {
	t.Helper()
	var g goldenRecord
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	r := &envelope.Record{ID: g.ID, Type: g.Type, Key: g.Key, ContentType: g.ContentType}
	if g.Time != "" {
		at, err := time.Parse(time.RFC3339Nano, g.Time)
		if err != nil {
			t.Fatal(err)
		}
		r.Time = at
	}
	for _, h := range g.Headers {
		r.Headers = append(r.Headers, envelope.Header{Key: h[0], Value: h[1]})
	}
	if g.Body != nil {
		r.Body = []byte(*g.Body)
		return r
	}
	body, err := base64.StdEncoding.DecodeString(g.BodyBase64)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = body
	return r
}

func TestWireFormsMatchGoldenFilesAndReadBack(t *testing.T) {
	t.Parallel()
	bare := envelope.JSONCodec{TypeMember: "eventType", Unmarked: true}
	for _, tc := range []struct {
		name  string
		codec envelope.Codec
		event envelope.Event
		form  envelope.Form
	}{
		{"binary-full", envelope.Binary, full(), envelope.FormBinary},
		{"binary-minimal", envelope.Binary, minimal(), envelope.FormBinary},
		{"binary-bytes", envelope.Binary, binaryData(), envelope.FormBinary},
		{"binary-article", envelope.Binary, articleEvent(), envelope.FormBinary},
		{"json-full", envelope.JSON, full(), envelope.FormJSON},
		{"json-minimal", envelope.JSON, minimal(), envelope.FormJSON},
		{"json-bytes", envelope.JSON, binaryData(), envelope.FormJSON},
		{"json-article", envelope.JSON, articleEvent(), envelope.FormJSON},
		{"bare-article", bare, articleEvent(), envelope.FormBareJSON},
		{"bare-full", bare, full(), envelope.FormBareJSON},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var r envelope.Record
			if err := tc.codec.Encode(&r, &tc.event); err != nil {
				t.Fatal(err)
			}
			got := dump(t, &r)
			path := filepath.Join("testdata", "golden", tc.name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("wrote\n%s\nwant\n%s", got, want)
			}
			var e envelope.Event
			form, err := envelope.Decode(&e, load(t, want), envelope.Limits{})
			if err != nil || form != tc.form {
				t.Fatalf("read form %v, %v; want %v", form, err, tc.form)
			}
			// A broker can't tell no data from empty data.
			if len(e.Data) == 0 && len(tc.event.Data) == 0 {
				e.Data = tc.event.Data
			}
			if !reflect.DeepEqual(e, tc.event) {
				t.Errorf("read\n%+v\nwant\n%+v", e, tc.event)
			}
		})
	}
}

func TestTheArticlesEventReadsAndWritesAsItStands(t *testing.T) {
	t.Parallel()
	var e envelope.Event
	form, err := envelope.Decode(&e, &envelope.Record{Body: []byte(article)}, envelope.Limits{})
	if err != nil || form != envelope.FormBareJSON {
		t.Fatalf("got form %v, %v", form, err)
	}
	if want := articleEvent(); !reflect.DeepEqual(e, want) {
		t.Errorf("got\n%+v\nwant\n%+v", e, want)
	}
	var r envelope.Record
	if err := (envelope.JSONCodec{TypeMember: "eventType", Unmarked: true}).Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	if string(r.Body) != article {
		t.Errorf("got\n%s\nwant\n%s", r.Body, article)
	}
}
