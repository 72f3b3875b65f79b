package rabbitmq_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

var written = time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)

// messages have each attribute set, left out, and too long for its property.
func messages() []*driver.Message {
	long := strings.Repeat("x", 256)
	return []*driver.Message{
		{},
		{
			ID: "evt-1", Type: "order.placed", Key: "k/ü", ContentType: "application/json", Slot: 27,
			Time: time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.FixedZone("", 7200)), NotBefore: written.Add(time.Minute),
			Headers: []driver.Header{{Key: "tenant", Value: "acme"}, {Key: "empty", Value: ""}}, Body: []byte("{}"),
		},
		{ID: long, Type: "t" + long, ContentType: "c" + long, Time: time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)},
		{ID: "orders", Headers: []driver.Header{
			{Key: "CC", Value: "other"},
			{Key: "BCC", Value: "other"},
			{Key: "x-death", Value: "1"},
			{Key: "x-first-death-queue", Value: "q"},
			{Key: "x-delay", Value: "5"},
			{Key: "x-opt-y", Value: "z"},
			{Key: "herald-as-CC", Value: "twice"},
		}},
	}
}

func TestHeadersAreGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i, m := range messages() {
		p := rabbitmq.Publishing(rabbitmq.Frames("orders", "k", 131072, m, written.UnixMilli()))
		stamp := "none"
		if !p.Timestamp.IsZero() {
			stamp = p.Timestamp.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(&b, "message %d\n  message-id %q\n  type %q\n  content-type %q\n  timestamp %s\n  delivery-mode %d\n%s", i,
			p.MessageId, p.Type, p.ContentType, stamp, p.DeliveryMode, text(p.Headers))
	}
	golden(t, "headers.golden", b.String())
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	for i, m := range messages() {
		p := rabbitmq.Publishing(rabbitmq.Frames("orders", "k", 131072, m, written.UnixMilli()))
		got := rabbitmq.Decode(&amqp.Delivery{
			Headers: p.Headers, ContentType: p.ContentType, MessageId: p.MessageId, Type: p.Type, Timestamp: p.Timestamp.Truncate(time.Second), Body: p.Body,
		})
		byKey := func(a, b driver.Header) int { return cmp.Compare(a.Key, b.Key) }
		slices.SortFunc(got.Headers, byKey)
		slices.SortFunc(m.Headers, byKey)
		if m.NotBefore.IsZero() && !slices.Equal(got.Headers, m.Headers) {
			t.Errorf("message %d has the headers %v, want %v", i, got.Headers, m.Headers)
		}
		if got.ID != m.ID || got.Type != m.Type || got.Key != m.Key || got.ContentType != m.ContentType || !got.Time.Equal(m.Time) ||
			got.Slot != m.Slot || !got.NotBefore.Equal(m.NotBefore) || string(got.Body) != string(m.Body) {
			t.Errorf("message %d is %+v, want %+v", i, got, m)
		}
	}
}

// A stranger's message keeps everything, as text.
func TestAStrangersMessageIsReadWhole(t *testing.T) {
	t.Parallel()
	got := rabbitmq.Decode(&amqp.Delivery{
		MessageId: "1", CorrelationId: "c", ReplyTo: "r", AppId: "a", UserId: "u", ContentEncoding: "gzip", Expiration: "60000", Priority: 3,
		Timestamp: written, Body: []byte("raw"),
		Headers: amqp.Table{
			driver.HeaderSlot: "200", driver.HeaderTime: "yesterday", driver.HeaderNotBefore: "?", driver.HeaderKey: int32(7),
			"x-death": []any{amqp.Table{"queue": "q", "count": int64(1)}}, "n": nil, "x-delivery-count": int64(2),
		},
	})
	var keys []string
	for _, h := range got.Headers {
		keys = append(keys, h.Key+"="+h.Value)
	}
	slices.Sort(keys)
	want := []string{
		"amqp-app-id=a", "amqp-content-encoding=gzip", "amqp-correlation-id=c", "amqp-expiration=60000", "amqp-priority=3",
		"amqp-reply-to=r", "amqp-user-id=u", "n=null", `x-death=[{"count":1,"queue":"q"}]`,
	}
	if !slices.Equal(keys, want) {
		t.Errorf("headers are\n%q, want\n%q", keys, want)
	}
	if got.Key != "7" || got.Slot != driver.Slot("7") || !got.Time.Equal(written) || !got.NotBefore.IsZero() {
		t.Errorf("the message is %+v", got)
	}
}

func TestFieldsOfEachTypeHaveOneText(t *testing.T) {
	t.Parallel()
	table := amqp.Table{
		"z": []any{nil, true, "s\"", []byte{0xff}, amqp.Decimal{Scale: 2, Value: -5}, written, float32(0.1), math.NaN(), int8(-1)},
		"a": amqp.Table{"b": uint32(4294967295), "é": "ü"},
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{"text", "text"},
		{"", ""},
		{[]byte("text"), "text"},
		{[]byte{0, 0xff}, "AP8="},
		{true, "true"},
		{byte(255), "255"},
		{int8(-128), "-128"},
		{int16(-5), "-5"},
		{uint16(65535), "65535"},
		{int32(-1), "-1"},
		{uint32(4294967295), "4294967295"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{float32(0.1), "0.1"},
		{1e300, "1e+300"},
		{math.Inf(-1), "-Inf"},
		{amqp.Decimal{Scale: 2, Value: 1250}, "12.50"},
		{amqp.Decimal{Scale: 3, Value: -5}, "-0.005"},
		{amqp.Decimal{Value: 7}, "7"},
		{amqp.Decimal{Scale: 1, Value: math.MinInt32}, "-214748364.8"},
		{written, "2026-01-02T15:04:05Z"},
		{[]any{}, "[]"},
		{amqp.Table{}, "{}"},
		{table, `{"a":{"b":4294967295,"é":"ü"},"z":[null,true,"s\"","/w==",-0.05,"2026-01-02T15:04:05Z",0.1,"NaN",-1]}`},
	} {
		if got := rabbitmq.Render(c.value); got != c.want {
			t.Errorf("%T(%v) is %s, want %s", c.value, c.value, got, c.want)
		}
	}
}

// amqp091 closes the connection for what it can't write, so that is found out before.
func TestWhatDoesNotFitIsRefusedBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	const frame, most = 131072, 1000
	for _, c := range []struct {
		name string
		m    driver.Message
		want driver.Fate
	}{
		{"fits", driver.Message{Body: make([]byte, most)}, driver.Stored},
		{"body", driver.Message{Body: make([]byte, most+1)}, driver.TooLarge},
		{"header name", driver.Message{Headers: []driver.Header{{Key: strings.Repeat("k", 246)}}}, driver.Invalid},
		{"headers", driver.Message{Headers: []driver.Header{{Key: "k", Value: strings.Repeat("v", frame)}}}, driver.TooLarge},
	} {
		if got, err := rabbitmq.Unfit(&c.m, frame, most); got != c.want || (err == nil) != (c.want == driver.Stored) {
			t.Errorf("%s is %v (%v), want %v", c.name, got, err, c.want)
		}
	}
}
