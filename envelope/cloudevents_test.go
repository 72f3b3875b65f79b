package envelope_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// cloudRecord is a CloudEvent of someone else in binary mode.
func cloudRecord(hs ...envelope.Header) *envelope.Record {
	return &envelope.Record{Headers: append(headers{
		{Key: "ce_specversion", Value: "1.0"},
		{Key: "ce_id", Value: "1"},
		{Key: "ce_source", Value: "/s"},
		{Key: "ce_type", Value: "ping"},
	}, hs...)}
}

// cloudDocument is a CloudEvent of someone else in structured mode.
func cloudDocument(members string) *envelope.Record {
	body := `{"specversion":"1.0","id":"1","source":"/s","type":"ping"`
	if members != "" {
		body += "," + members
	}
	return &envelope.Record{ContentType: envelope.ContentTypeCloudEvents, Body: []byte(body + "}")}
}

func cloudPing() envelope.Event {
	return envelope.Event{ID: "1", Type: "ping", Version: "1", Source: "/s"}
}

func TestCloudEventsFormsHaveNames(t *testing.T) {
	t.Parallel()
	for form, codec := range map[envelope.Form]envelope.Codec{
		envelope.FormCloudEvents: envelope.CloudEvents, envelope.FormCloudEventsJSON: envelope.CloudEventsStructured,
	} {
		if form.String() != codec.Name() || !form.Marked() {
			t.Errorf("form %q, Marked %v, codec %q", form, form.Marked(), codec.Name())
		}
	}
	if envelope.CloudEvents.Name() != "cloudevents" || envelope.CloudEventsStructured.Name() != "cloudevents-json" {
		t.Errorf("got %q and %q", envelope.CloudEvents.Name(), envelope.CloudEventsStructured.Name())
	}
}

func TestCloudEventsMatchGoldenFilesAndReadBack(t *testing.T) {
	t.Parallel()
	text := minimal()
	text.ContentType, text.Data = "text/plain", []byte("a \"text\"")
	for _, tc := range []struct {
		name  string
		event envelope.Event
	}{
		{"full", full()}, {"minimal", minimal()}, {"bytes", binaryData()}, {"article", articleEvent()}, {"text", text},
	} {
		for form, codec := range map[envelope.Form]envelope.Codec{
			envelope.FormCloudEvents: envelope.CloudEvents, envelope.FormCloudEventsJSON: envelope.CloudEventsStructured,
		} {
			t.Run(codec.Name()+"-"+tc.name, func(t *testing.T) {
				t.Parallel()
				var r envelope.Record
				if err := codec.Encode(&r, &tc.event); err != nil {
					t.Fatal(err)
				}
				got := dump(t, &r)
				path := filepath.Join("testdata", "golden", codec.Name()+"-"+tc.name+".json")
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
				found, err := envelope.Decode(&e, load(t, want), envelope.Limits{})
				if err != nil || found != form {
					t.Fatalf("read form %v, %v; want %v", found, err, form)
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
}

// randomCloudEvent is a valid event with what is hard for CloudEvents in its
// attributes and headers.
func randomCloudEvent(rnd *rand.Rand) envelope.Event {
	e := randomEvent(rnd)
	sources := []string{
		e.Source, "", envelope.CloudEventsNoSource, "https://example.com/a?b=%20#c", "//host/a", "//", "a b", "1:a", "urn:x", "http://[::1]/a",
		"a[b", "%zz", "%", "a#b#c", "größe", "?[", ":", "http://%41/", "a//b", "?%zz", "\u0085", "\ufffe",
	}
	e.Source, e.Schema = sources[rnd.IntN(len(sources))], sources[rnd.IntN(len(sources))]
	keys := []string{
		"id", "subject", "type", "data", "source", "specversion", "time", "content-language", "sequence", "partitionkey", "heraldheaders",
		"heraldsource", "data_base64", "a-b", "a.b", "abcdefghijklmnopqrst", "abcdefghijklmnopqrstu", "datacontenttype", "0",
	}
	values := []string{"", "x", "a,b=c%", "\t", "é", "\u0085", "\uffff", "😀", "\x7f", " ", "\"", "\\", "null"}
	for range rnd.IntN(6) {
		k := keys[rnd.IntN(len(keys))]
		if _, taken := e.Headers.Lookup(k); !taken {
			e.Headers = append(e.Headers, envelope.Header{Key: k, Value: values[rnd.IntN(len(values))]})
		}
	}
	e.ContentType = []string{e.ContentType, "text/json", "application/JSON", "a/b+JSON ;x", ";", "json", "text/plain"}[rnd.IntN(7)]
	return e
}

func TestEveryValidEventSurvivesCloudEvents(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	var r envelope.Record
	for i := range 5000 {
		e := randomCloudEvent(rnd)
		if err := e.Validate(envelope.Limits{}); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		for form, codec := range map[envelope.Form]envelope.Codec{
			envelope.FormCloudEvents: envelope.CloudEvents, envelope.FormCloudEventsJSON: envelope.CloudEventsStructured,
		} {
			before := e.Clone()
			if err := codec.Encode(&r, &e); err != nil {
				t.Fatalf("event %d in %v: %v", i, form, err)
			}
			if !reflect.DeepEqual(e, before) {
				t.Fatalf("event %d in %v: encoding changed it", i, form)
			}
			// A broker that gives the content type as a header reads the same.
			moved := r
			moved.ContentType = ""
			moved.Headers = append(headers{{"content-type", r.ContentType}}, r.Headers...)
			for _, record := range []*envelope.Record{&r, &moved} {
				var got envelope.Event
				found, err := envelope.Decode(&got, record, envelope.Limits{})
				if found != form || err != nil || !reflect.DeepEqual(got, e) {
					t.Fatalf("event %d: got %v, %v\n%+v\nwant %v\n%+v\nrecord %q", i, found, err, got, form, e, record)
				}
			}
		}
	}
}

func TestHeadersAtTheLimitSurviveCloudEvents(t *testing.T) {
	t.Parallel()
	e := minimal()
	e.Headers = envelope.Headers{{Key: "tenant", Value: strings.Repeat("x", envelope.DefaultHeaderBytes-len("tenant"))}}
	for _, codec := range []envelope.Codec{envelope.CloudEvents, envelope.CloudEventsStructured} {
		var r envelope.Record
		if err := codec.Encode(&r, &e); err != nil {
			t.Fatal(err)
		}
		var got envelope.Event
		if _, err := envelope.Decode(&got, &r, envelope.Limits{}); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: got %v", codec.Name(), err)
		}
	}
}

func TestCloudEventsWriteURIsWhereCloudEventsWantsThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, source, heraldSource, dataSchema, heraldSchema string }{
		{"", "herald:none", "", "", ""},
		{"herald:none", "herald:none", "herald:none", "herald:none", ""},
		{"order-service", "order-service", "", "", "order-service"},
		{"/a/b", "/a/b", "", "", "/a/b"},
		{"//host/a", "//host/a", "", "", "//host/a"},
		{"https://example.com/a?b=%20#c", "https://example.com/a?b=%20#c", "", "https://example.com/a?b=%20#c", ""},
		{"http://[::1]/a", "http://[::1]/a", "", "http://[::1]/a", ""},
		{"a b", "a%20b", "a b", "", "a b"},
		{"// b", "/%2F%20b", "// b", "", "// b"},
		{"1:a", "1%3Aa", "1:a", "", "1:a"},
		{"größe", "gr%C3%B6%C3%9Fe", "größe", "", "größe"},
		{"a?%zz", "a%3F%25zz", "a?%zz", "", "a?%zz"},
		{"x:", "x:", "", "", "x:"},
		{"a#b#c", "a%23b%23c", "a#b#c", "", "a#b#c"},
		{"a[b]", "a%5Bb%5D", "a[b]", "", "a[b]"},
	} {
		e := minimal()
		e.Source, e.Schema = tc.in, tc.in
		var r envelope.Record
		if err := envelope.CloudEvents.Encode(&r, &e); err != nil {
			t.Fatal(err)
		}
		hs := envelope.Headers(r.Headers)
		got := [...]string{hs.Get("ce_source"), hs.Get("ce_heraldsource"), hs.Get("ce_dataschema"), hs.Get("ce_heraldschema")}
		if want := [...]string{tc.source, tc.heraldSource, tc.dataSchema, tc.heraldSchema}; got != want {
			t.Errorf("%q: got %q, want %q", tc.in, got, want)
		}
	}
}

func TestUserHeadersGoWhereCloudEventsCanCarryThem(t *testing.T) {
	t.Parallel()
	e := minimal()
	e.Headers = envelope.Headers{
		{Key: "tenant", Value: "acme"},
		{Key: "request-id", Value: "7"},
		{Key: "id", Value: "mine"},
		{Key: "note", Value: "a\tb"},
		{Key: "content-type", Value: "x,y"},
		{Key: "c1", Value: "\u0085"},
		{Key: "nonchar", Value: "\ufffe"},
	}
	var r envelope.Record
	if err := envelope.CloudEvents.Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	want := headers{
		{"ce_specversion", "1.0"},
		{"ce_id", "1"},
		{"ce_source", "herald:none"},
		{"ce_type", "ping"},
		{"ce_heraldheaders", "tenant,request-id,id,note,content-type=x%2Cy,c1,nonchar"},
		{"ce_tenant", "acme"},
		{"request-id", "7"},
		{"id", "mine"},
		{"note", "a\tb"},
		{"c1", "\u0085"},
		{"nonchar", "\ufffe"},
	}
	if !reflect.DeepEqual(r.Headers, want) {
		t.Errorf("got\n%q\nwant\n%q", r.Headers, want)
	}
	if err := envelope.CloudEventsStructured.Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	const body = `{"specversion":"1.0","id":"1","source":"herald:none","type":"ping",` +
		`"heraldheaders":"tenant,request-id=7,id=mine,note=a%09b,content-type=x%2Cy,c1=%C2%85,nonchar=%EF%BF%BE","tenant":"acme"}`
	if string(r.Body) != body {
		t.Errorf("got\n%s\nwant\n%s", r.Body, body)
	}
}

func TestDataThatReadersGetWrongIsNotEmbedded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ contentType, data, want string }{
		{"", `{}`, `"data":{}`},
		{"application/JSON; charset=utf-8", `{}`, `"datacontenttype":"application/JSON; charset=utf-8","data":{}`},
		{"text/json", `"a"`, `"datacontenttype":"text/json","data":"a"`},
		{"", `null`, `"data_base64":"bnVsbA=="`},
		{"", `{"a":1,"a":1}`, `"data_base64":"eyJhIjoxLCJhIjoxfQ=="`},
		{"application/x+json", `{}`, `"datacontenttype":"application/x+json","data_base64":"e30="`},
	} {
		e := minimal()
		e.ContentType, e.Data = tc.contentType, []byte(tc.data)
		var r envelope.Record
		if err := envelope.CloudEventsStructured.Encode(&r, &e); err != nil {
			t.Fatal(err)
		}
		if want := `{"specversion":"1.0","id":"1","source":"herald:none","type":"ping",` + tc.want + "}"; string(r.Body) != want {
			t.Errorf("got\n%s\nwant\n%s", r.Body, want)
		}
	}
}

func TestCloudEventsEncodeSetsEveryFieldAndReusesHeaders(t *testing.T) {
	t.Parallel()
	for _, codec := range []envelope.Codec{envelope.CloudEvents, envelope.CloudEventsStructured} {
		old := []byte("old body")
		r := envelope.Record{Position: "7", Body: old, Key: "old", ContentType: "old", Headers: make(headers, 40)}
		first := &r.Headers[0]
		e := minimal()
		e.Data, e.Key, e.Time = []byte(`{}`), "k", time.Unix(1, 2).UTC()
		var fresh envelope.Record
		if err := errors.Join(codec.Encode(&r, &e), codec.Encode(&fresh, &e)); err != nil {
			t.Fatal(err)
		}
		if fresh.ID != "1" || fresh.Type != "ping" || fresh.Key != "k" || !fresh.Time.Equal(e.Time) {
			t.Errorf("%s: native attributes are %+v", codec.Name(), fresh)
		}
		if &r.Headers[:1][0] != first {
			t.Errorf("%s: headers were not reused", codec.Name())
		}
		r.Headers, fresh.Headers = append(headers{}, r.Headers...), append(headers{}, fresh.Headers...)
		if !reflect.DeepEqual(r, fresh) || string(old) != "old body" {
			t.Errorf("%s: got %+v, want %+v; old body %q", codec.Name(), r, fresh, old)
		}
	}
}

func TestCloudEventsEncodeRefusesWhatItCouldNotReadBack(t *testing.T) {
	t.Parallel()
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(*envelope.Event){
		"failed":             envelope.Failed(errors.New("no data")),
		"own content type":   func(e *envelope.Event) { e.ContentType = envelope.ContentTypeEvent },
		"structured":         func(e *envelope.Event) { e.ContentType = "Application/CloudEvents+json; charset=utf-8" },
		"other event format": func(e *envelope.Event) { e.ContentType = "application/cloudevents+avro" },
		"own header":         func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "herald-source", Value: "x"}} },
		"trace header":       func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "baggage", Value: "x"}} },
		"header twice":       func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "a", Value: "x"}, {Key: "a", Value: "y"}} },
		"late time":          func(e *envelope.Event) { e.Time = late },
		"late expiry":        func(e *envelope.Event) { e.ExpiresAt = late },
		"late delivery":      func(e *envelope.Event) { e.DeliverAt = late },
	} {
		for _, codec := range []envelope.Codec{envelope.CloudEvents, envelope.CloudEventsStructured} {
			e := minimal()
			change(&e)
			if err := codec.Encode(&envelope.Record{}, &e); !errors.Is(err, envelope.ErrInvalid) {
				t.Errorf("%s: %s: got %v, want ErrInvalid", codec.Name(), name, err)
			}
		}
	}
	e := minimal()
	e.Key = "\xff"
	err := envelope.CloudEventsStructured.Encode(&envelope.Record{}, &e)
	checkError(t, err, "partitionkey", envelope.ErrInvalid)
}
