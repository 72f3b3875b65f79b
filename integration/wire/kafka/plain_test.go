package kafka_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/wire/exchange"
)

// plain is a program on kafka-go alone, at its high level.
type plain struct{ addr string }

// record is what the scripts of the other languages print, too. A header that is there once is text, else a list.
type record struct {
	Key       *string        `json:"key"`
	Headers   map[string]any `json:"headers"`
	Timestamp string         `json:"timestamp,omitempty"`
	Value     *string        `json:"value"`
}

func (p plain) Prepare(*testing.T, string) {}

func (p plain) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	reader := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{p.addr}, Topic: topic, Partition: 0, MaxWait: 100 * time.Millisecond})
	t.Cleanup(func() { _ = reader.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var records []json.RawMessage
	for len(records) < n {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatalf("%d of %d records came: %v", len(records), n, err)
		}
		records = append(records, exchange.Raw(t, recordOf(&m)))
	}
	return records
}

func recordOf(m *kafkago.Message) record {
	r := record{Headers: map[string]any{}, Timestamp: strconv.FormatInt(m.Time.UnixMilli(), 10), Key: optional(m.Key), Value: optional(m.Value)}
	for _, h := range m.Headers {
		value := exchange.Encode(h.Value)
		switch present := r.Headers[h.Key].(type) {
		case nil:
			r.Headers[h.Key] = value
		case string:
			r.Headers[h.Key] = []any{present, value}
		case []any:
			r.Headers[h.Key] = append(present, value)
		}
	}
	return r
}

func optional(b []byte) *string {
	if b == nil {
		return nil
	}
	s := exchange.Encode(b)
	return &s
}

func (p plain) Publish(t *testing.T, topic string, records []json.RawMessage) {
	t.Helper()
	transport := &kafkago.Transport{} // its own: the default one may remember that the topic is not there
	defer transport.CloseIdleConnections()
	writer := &kafkago.Writer{Addr: kafkago.TCP(p.addr), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, Transport: transport}
	defer func() { _ = writer.Close() }()
	var messages []kafkago.Message
	for _, raw := range records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, r.message(t))
	}
	if err := writer.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

func (r record) message(t *testing.T) kafkago.Message {
	t.Helper()
	var m kafkago.Message
	if ms, err := strconv.ParseInt(r.Timestamp, 10, 64); err == nil {
		m.Time = time.UnixMilli(ms)
	}
	if r.Key != nil {
		m.Key = exchange.Decode(t, *r.Key)
	}
	if r.Value != nil {
		m.Value = exchange.Decode(t, *r.Value)
	}
	names := make([]string, 0, len(r.Headers))
	for name := range r.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values, ok := r.Headers[name].([]any)
		if !ok {
			values = []any{r.Headers[name]}
		}
		for _, value := range values {
			text, _ := value.(string)
			m.Headers = append(m.Headers, kafkago.Header{Key: name, Value: exchange.Decode(t, text)})
		}
	}
	return m
}
