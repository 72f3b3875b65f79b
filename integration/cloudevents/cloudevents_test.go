package cloudevents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/herald-go/herald/envelope"
)

// at has nanoseconds, which both sides keep.
var at = time.Date(2024, 1, 15, 10, 30, 0, 123456789, time.UTC)

// theirs is an event of the SDK with every attribute, an extension of each
// type, and those that Herald has a place for.
func theirs(t *testing.T, contentType string, data any) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("A234-1234-1234")
	e.SetSource("https://example.com/orders?shop=%C3%A9")
	e.SetType("com.example.order.placed")
	e.SetSubject("order/7")
	e.SetTime(at)
	e.SetDataSchema("https://example.com/order.json")
	for name, value := range map[string]any{
		"partitionkey": "customer-42", "correlationid": "corr-1", "causationid": "cause-1",
		"expirytime":  at.Add(time.Hour),
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=1,b=2",
		"sequence": 5, "sampled": true, "unicode": "größe",
	} {
		e.SetExtension(name, value)
	}
	if err := e.SetData(contentType, data); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e
}

// wantOurs is what theirs is in Herald, apart from the headers.
func wantOurs(contentType string, data []byte) envelope.Event {
	return envelope.Event{
		ID: "A234-1234-1234", Type: "com.example.order.placed", Version: "1", Source: "https://example.com/orders?shop=%C3%A9",
		CorrelationID: "corr-1", CausationID: "cause-1", Time: at, Key: "customer-42",
		ContentType: contentType, Schema: "https://example.com/order.json", ExpiresAt: at.Add(time.Hour),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1,b=2", Data: data,
	}
}

var wantHeaders = map[string]string{"subject": "order/7", "sequence": "5", "sampled": "true", "unicode": "größe"}

// produced is the record that a Kafka adapter makes of a message: the headers
// as they stand, the key, and no other native attribute.
func produced(t *testing.T, m *sarama.ProducerMessage) *envelope.Record {
	t.Helper()
	r := &envelope.Record{}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, envelope.Header{Key: string(h.Key), Value: string(h.Value)})
	}
	key, body := encoded(t, m.Key), encoded(t, m.Value)
	r.Key, r.Body = string(key), body
	return r
}

func encoded(t *testing.T, e sarama.Encoder) []byte {
	t.Helper()
	if e == nil {
		return nil
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// consumed is the message that a Kafka adapter makes of a record: the content
// type in the binding's header, the other headers as they stand.
func consumed(r *envelope.Record) *sarama.ConsumerMessage {
	m := &sarama.ConsumerMessage{Topic: "orders", Key: []byte(r.Key), Value: r.Body}
	if r.ContentType != "" {
		m.Headers = append(m.Headers, &sarama.RecordHeader{Key: []byte("content-type"), Value: []byte(r.ContentType)})
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, &sarama.RecordHeader{Key: []byte(h.Key), Value: []byte(h.Value)})
	}
	return m
}

type mode struct {
	name  string
	with  func(context.Context) context.Context
	form  envelope.Form
	codec envelope.Codec
}

func modes() []mode {
	return []mode{
		{"binary", binding.WithForceBinary, envelope.FormCloudEvents, envelope.CloudEvents},
		{"structured", binding.WithForceStructured, envelope.FormCloudEventsJSON, envelope.CloudEventsStructured},
	}
}

func TestWhatTheSDKWritesToKafkaReadsInHerald(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		for _, tc := range []struct {
			contentType string
			data        any
			want        string
		}{
			{"application/json", map[string]any{"amount": 99.99}, `{"amount":99.99}`},
			{"text/plain", "größe", "größe"},
			{"application/octet-stream", []byte{0, 1, 0xff}, "\x00\x01\xff"},
			{"application/xml", []byte(`<much wow="xml"/>`), `<much wow="xml"/>`},
		} {
			t.Run(mode.name+" "+tc.contentType, func(t *testing.T) {
				t.Parallel()
				in := theirs(t, tc.contentType, tc.data)
				var m sarama.ProducerMessage
				if err := kafka_sarama.WriteProducerMessage(mode.with(t.Context()), binding.ToMessage(&in), &m); err != nil {
					t.Fatal(err)
				}
				var got envelope.Event
				form, err := envelope.Decode(&got, produced(t, &m), envelope.Limits{})
				if form != mode.form || err != nil {
					t.Fatalf("got %v, %v", form, err)
				}
				if hs := got.Headers.Map(); !reflect.DeepEqual(hs, wantHeaders) {
					t.Errorf("got headers %q, want %q", hs, wantHeaders)
				}
				headers := got.Headers
				got.Headers = nil
				if want := wantOurs(tc.contentType, []byte(tc.want)); !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%+v\nwant\n%+v", got, want)
				}
				// And back to the SDK, unchanged but for the types of extensions.
				got.Headers = headers
				back := toSDK(t, mode.codec, &got)
				if want := stringly(t, &in); !reflect.DeepEqual(stringly(t, back), want) || !bytes.Equal(back.Data(), []byte(tc.want)) {
					t.Errorf("back in the SDK\n%v\nwant\n%v\ndata %q", stringly(t, back), want, back.Data())
				}
			})
		}
	}
}

// stringly returns the attributes and extensions as their canonical strings.
func stringly(t *testing.T, e *event.Event) map[string]string {
	t.Helper()
	c := e.Clone()
	c.DataEncoded, c.DataBase64 = nil, false
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(b, &members); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, value := range members {
		text, isText := value.(string)
		if !isText {
			b, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		out[name] = text
	}
	return out
}

// toSDK encodes one of ours and reads it by the SDK's binding for Kafka.
func toSDK(t *testing.T, codec envelope.Codec, e *envelope.Event) *event.Event {
	t.Helper()
	var r envelope.Record
	if err := codec.Encode(&r, e); err != nil {
		t.Fatal(err)
	}
	got, err := binding.ToEvent(t.Context(), kafka_sarama.NewMessageFromConsumerMessage(consumed(&r)))
	if err != nil {
		t.Fatal(err)
	}
	// The binding adds where it read the event.
	for _, name := range []string{"kafkaoffset", "kafkapartition", "kafkatopic"} {
		got.SetExtension(name, nil)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the SDK holds it for invalid: %v", err)
	}
	return got
}

// ours has every attribute.
func ours() envelope.Event {
	return envelope.Event{
		ID: "0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", Type: "order.placed", Version: "2.1", Source: "bestellung/größe",
		CorrelationID: "corr-1", CausationID: "cause-1", Time: at, Key: "customer 42", ContentType: "application/json",
		Schema: "https://example.com/order.json", ReplyTo: "orders.replies", ExpiresAt: at.Add(time.Hour), DeliverAt: at.Add(time.Minute),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1,b=2", Baggage: "user=7",
		Headers: envelope.Headers{{Key: "tenant", Value: "acme"}, {Key: "request-id", Value: "7"}},
		Data:    []byte(`{"amount":99.990}`),
	}
}

func TestWhatHeraldWritesReadsInTheSDK(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			e := ours()
			got := toSDK(t, mode.codec, &e)
			want := map[string]string{
				"specversion": "1.0", "id": e.ID, "source": "bestellung/gr%C3%B6%C3%9Fe", "type": e.Type,
				"time": "2024-01-15T10:30:00.123456789Z", "datacontenttype": "application/json", "dataschema": e.Schema,
				"partitionkey": e.Key, "correlationid": "corr-1", "causationid": "cause-1",
				"expirytime": "2024-01-15T11:30:00.123456789Z", "deliverat": "2024-01-15T10:31:00.123456789Z",
				"eventversion": "2.1", "replyto": "orders.replies", "traceparent": e.TraceParent, "tracestate": "a=1,b=2",
				"baggage": "user=7", "heraldsource": e.Source, "tenant": "acme",
			}
			if mode.form == envelope.FormCloudEventsJSON {
				want["heraldheaders"] = "tenant,request-id=7"
			}
			if attributes := stringly(t, got); !reflect.DeepEqual(attributes, want) {
				t.Errorf("got\n%v\nwant\n%v", attributes, want)
			}
			if !bytes.Equal(got.Data(), e.Data) {
				t.Errorf("got data %q, want %q", got.Data(), e.Data)
			}
		})
	}
}

func TestTheLeastEventAndEveryKindOfDataIsValidInTheSDK(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		for _, source := range []string{"", "a b", "1:a", "//x y", "größe", "http://[::1]/a", "%", "a#b#c", "urn:x:y", "\t"} {
			for contentType, data := range map[string]string{
				"": `{"a":1}`, "application/json": `[1, 2]`, "text/plain": "text", "application/x+json": `{"a":-0.50}`, "text/json": "null", "image/png": "\x00\xff",
			} {
				e := envelope.Event{ID: "1", Type: "ping", Source: source, Schema: source, ContentType: contentType, Data: []byte(data)}
				if got := toSDK(t, mode.codec, &e); got.ID() != "1" || string(got.Data()) != data {
					t.Errorf("%s, source %q, %s: got %v", mode.name, source, contentType, got)
				}
			}
			e := envelope.Event{ID: "1", Type: "ping", Source: source}
			if got := toSDK(t, mode.codec, &e); len(got.Data()) != 0 {
				t.Errorf("%s, source %q: got %v", mode.name, source, got)
			}
		}
	}
}

// An intermediary that changes the mode, as Knative's brokers do, keeps what
// CloudEvents knows of: every attribute, and the headers in heraldheaders.
func TestAnIntermediaryMayChangeTheMode(t *testing.T) {
	t.Parallel()
	e := ours()
	for _, from := range modes() {
		for _, to := range modes() {
			var m sarama.ProducerMessage
			middle := toSDK(t, from.codec, &e)
			if err := kafka_sarama.WriteProducerMessage(to.with(t.Context()), binding.ToMessage(middle), &m); err != nil {
				t.Fatal(err)
			}
			var got envelope.Event
			form, err := envelope.Decode(&got, produced(t, &m), envelope.Limits{})
			if form != to.form || err != nil {
				t.Fatalf("%s to %s: got %v, %v", from.name, to.name, form, err)
			}
			want := ours()
			if from.form == envelope.FormCloudEvents {
				want.Headers = want.Headers[:1] // request-id was Kafka's header, not CloudEvents'
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s to %s: got\n%+v\nwant\n%+v", from.name, to.name, got, want)
			}
		}
	}
}
