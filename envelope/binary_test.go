package envelope_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

type headers = []envelope.Header

func marked(hs ...envelope.Header) *envelope.Record {
	return &envelope.Record{ID: "1", Type: "ping", Headers: append(headers{{Key: "herald", Value: "1"}}, hs...)}
}

func TestBinaryEncodeSetsEveryFieldAndReusesHeaders(t *testing.T) {
	t.Parallel()
	old := []byte("old body")
	r := envelope.Record{Position: "7", Body: old, Key: "old", Headers: make(headers, 40)}
	first := &r.Headers[0]
	e := minimal()
	e.Data = []byte("data")
	if err := envelope.Binary.Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	want := envelope.Record{ID: "1", Type: "ping", Headers: headers{{Key: "herald", Value: "1"}}, Body: []byte("data")}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
	if &r.Headers[0] != first {
		t.Error("headers were not reused")
	}
	if string(old) != "old body" {
		t.Error("wrote into the old body")
	}
}

func TestBinaryEncodeRefusesWhatWouldReadBackAsSomethingElse(t *testing.T) {
	t.Parallel()
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(*envelope.Event){
		"failed":           envelope.Failed(errors.New("no data")),
		"own content type": func(e *envelope.Event) { e.ContentType = envelope.ContentTypeEvent },
		"own header":       func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "herald-source", Value: "x"}} },
		"trace header":     func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "baggage", Value: "x"}} },
		"late expiry":      func(e *envelope.Event) { e.ExpiresAt = late },
		"late delivery":    func(e *envelope.Event) { e.DeliverAt = late },
	} {
		e := minimal()
		change(&e)
		if err := envelope.Binary.Encode(&envelope.Record{}, &e); !errors.Is(err, envelope.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestBinaryDecodeKeepsForeignHeadersAndPassesOverUnknownOwnOnes(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 3600)
	at := time.Date(2024, 1, 15, 11, 30, 0, 5, zone)
	r := marked(
		envelope.Header{Key: "X-Upper", Value: "1"},
		envelope.Header{Key: "herald-attempt", Value: "3"},
		envelope.Header{Key: "baggage", Value: "first"},
		envelope.Header{Key: "herald-expires-at", Value: "2024-01-15T11:30:00.5+01:00"},
		envelope.Header{Key: "twice", Value: "a"},
		envelope.Header{Key: "twice", Value: "b"},
		envelope.Header{Key: "baggage", Value: "last"},
		envelope.Header{Key: "heraldic", Value: "2"},
		envelope.Header{Key: "herald-version", Value: ""},
	)
	r.Time, r.Position, r.Body = at, "9", []byte("body")
	before := *r
	e := full()
	form, err := envelope.Decode(&e, r, envelope.Limits{})
	if err != nil || form != envelope.FormBinary {
		t.Fatalf("got form %v, %v", form, err)
	}
	want := envelope.Event{
		ID: "1", Type: "ping", Version: "1", Time: time.Date(2024, 1, 15, 10, 30, 0, 5, time.UTC),
		ExpiresAt: time.Date(2024, 1, 15, 10, 30, 0, 500_000_000, time.UTC), Baggage: "last",
		Headers: envelope.Headers{{Key: "X-Upper", Value: "1"}, {Key: "twice", Value: "a"}, {Key: "twice", Value: "b"}, {Key: "heraldic", Value: "2"}},
		Data:    []byte("body"),
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got\n%+v\nwant\n%+v", e, want)
	}
	if !reflect.DeepEqual(*r, before) {
		t.Error("decoding changed the record")
	}
	r.Headers[1].Value = "changed"
	if e.Headers[0].Value != "1" {
		t.Error("the event shares the record's headers")
	}
}

func TestBrokenClaimsInBinaryAreMalformed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*envelope.Record)
		field  string
	}{
		{"no id", func(r *envelope.Record) { r.ID = "" }, "eventId"},
		{"broken id", func(r *envelope.Record) { r.ID = "s3cret\n" }, "eventId"},
		{"no type", func(r *envelope.Record) { r.Type = "" }, "type"},
		{"broken type", func(r *envelope.Record) { r.Type = "s3cret type" }, "type"},
		{"later form", func(r *envelope.Record) { r.Headers[0].Value = "2" }, "herald"},
		{"empty mark", func(r *envelope.Record) { r.Headers[0].Value = "" }, "herald"},
		{"mark twice", func(r *envelope.Record) { r.Headers = append(r.Headers, r.Headers[0]) }, "herald"},
		{"source twice", func(r *envelope.Record) {
			r.Headers = append(r.Headers, headers{{"herald-source", "s3cret"}, {"herald-source", "b"}}...)
		}, "herald-source"},
		{"expiry", func(r *envelope.Record) {
			r.Headers = append(r.Headers, envelope.Header{Key: "herald-expires-at", Value: "s3cret"})
		}, "herald-expires-at"},
		{"delivery", func(r *envelope.Record) {
			r.Headers = append(r.Headers, envelope.Header{Key: "herald-deliver-at", Value: ""})
		}, "herald-deliver-at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := marked()
			tc.change(r)
			var e envelope.Event
			form, err := envelope.Decode(&e, r, envelope.Limits{})
			checkError(t, err, tc.field, envelope.ErrMalformed)
			if form != envelope.FormBinary {
				t.Errorf("got form %v", form)
			}
			checkError(t, envelope.Binary.Decode(&e, r, envelope.Limits{}), tc.field, envelope.ErrMalformed)
		})
	}
}

func TestBinaryDecodeWantsAMark(t *testing.T) {
	t.Parallel()
	r := marked()
	r.Headers = nil
	checkError(t, envelope.Binary.Decode(&envelope.Event{}, r, envelope.Limits{}), "herald", envelope.ErrMalformed)
}

func TestTimesInHeadersAreStrict(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{
		"2024-01-15T10:30:00Z": true, "2024-01-15T10:30:00.123456789Z": true, "2024-01-15T10:30:00-08:30": true,
		"2024-01-15T10:30:00": false, "2024-01-15 10:30:00Z": false, "2024-01-15T1:30:00Z": false, "2024-01-15T1:30:00.5Z": false, "2024-01-15T1:30:00+01:00": false, "2024-01-15T10:30:00,5Z": false,
		"2024-02-30T10:30:00Z": false, "0000-01-01T00:00:00+01:00": false, "9999-12-31T23:59:59-01:00": false, "1705314600": false,
	} {
		r := marked(envelope.Header{Key: "herald-deliver-at", Value: value})
		if err := envelope.Binary.Decode(&envelope.Event{}, r, envelope.Limits{}); (err == nil) != ok {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

func TestDecodeStopsExactlyAtTheLimits(t *testing.T) {
	t.Parallel()
	e := full()
	count, bytes := len(e.Headers), 0
	for _, h := range e.Headers {
		bytes += len(h.Key) + len(h.Value)
	}
	for _, codec := range []envelope.Codec{envelope.Binary, envelope.JSON, envelope.JSONCodec{Unmarked: true}} {
		var r envelope.Record
		if err := codec.Encode(&r, &e); err != nil {
			t.Fatal(err)
		}
		// What carriers add is not counted.
		r.Headers = append(r.Headers, envelope.Header{Key: "herald-error", Value: strings.Repeat("x", 8<<10)})
		decode := func(l envelope.Limits) error {
			_, err := envelope.Decode(&envelope.Event{}, &r, l)
			return err
		}
		if err := decode(envelope.Limits{Message: r.Size(), HeaderCount: count, HeaderBytes: bytes}); err != nil {
			t.Errorf("%s: %v", codec.Name(), err)
		}
		checkError(t, decode(envelope.Limits{Message: r.Size() - 1}), "message", envelope.ErrTooLarge)
		if codec != (envelope.JSONCodec{Unmarked: true}) {
			checkError(t, decode(envelope.Limits{HeaderCount: count - 1}), "headers", envelope.ErrTooLarge)
			checkError(t, decode(envelope.Limits{HeaderBytes: bytes - 1}), "headers", envelope.ErrTooLarge)
		}
	}
}

func TestBinaryCostsWithinItsBudgetOfAllocations(t *testing.T) {
	e := sample()
	var r envelope.Record
	if err := envelope.Binary.Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = envelope.Binary.Encode(&r, &e) }); n != 0 {
		t.Errorf("encode: got %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = envelope.Decode(&e, &r, envelope.Limits{}) }); n != 1 {
		t.Errorf("decode: got %v allocations", n)
	}
}

func checkError(t *testing.T, err error, field string, sentinel error) {
	t.Helper()
	var typed *envelope.Error
	if !errors.As(err, &typed) || !errors.Is(err, sentinel) || typed.Field != field {
		t.Errorf("got %#v, want field %q of %v", err, field, sentinel)
		return
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("prints the value: %v", err)
	}
}
