package envelope_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// changed is a valid binary record with one header of another value, or
// without it where the value is "-".
func changed(key, value string) *envelope.Record {
	r := cloudRecord()
	for i := range r.Headers {
		if r.Headers[i].Key != key {
			continue
		}
		r.Headers[i].Value = value
		if value == "-" {
			r.Headers = append(r.Headers[:i], r.Headers[i+1:]...)
		}
		return r
	}
	r.Headers = append(r.Headers, envelope.Header{Key: key, Value: value})
	return r
}

func TestBrokenClaimsToBeACloudEventAreMalformed(t *testing.T) { //nolint:funlen // a table of cases
	t.Parallel()
	native := changed("ce_datacontenttype", "text/s3cret")
	native.ContentType = "text/plain"
	document := func(body string) *envelope.Record {
		return &envelope.Record{ContentType: envelope.ContentTypeCloudEvents, Body: []byte(body)}
	}
	many := make([]string, 200)
	for i := range many {
		many[i] = fmt.Sprintf(`"x%d":""`, i)
	}
	for _, tc := range []struct {
		name   string
		record *envelope.Record
		field  string
	}{
		{"no id", changed("ce_id", "-"), "id"},
		{"empty id", changed("ce_id", ""), "id"},
		{"long id", changed("ce_id", strings.Repeat("i", 1025)), "id"},
		{"line in id", changed("ce_id", "s3cret\n"), "id"},
		{"no source", changed("ce_source", "-"), "source"},
		{"empty source", changed("ce_source", ""), "source"},
		{"no type", changed("ce_type", "-"), "type"},
		{"space in type", changed("ce_type", "s3cret type"), "type"},
		{"older specversion", changed("ce_specversion", "0.3"), "specversion"},
		{"later specversion", changed("ce_specversion", "2.0"), "specversion"},
		{"empty specversion", changed("ce_specversion", ""), "specversion"},
		{"time", changed("ce_time", "s3cret"), "time"},
		{"time of a number", changed("ce_time", "1705314600"), "time"},
		{"expiry", changed("ce_expirytime", "s3cret"), "expirytime"},
		{"delivery", changed("ce_deliverat", "2024-01-15"), "deliverat"},
		{"content types that differ", native, "datacontenttype"},
		{"id twice", cloudRecord(envelope.Header{Key: "ce_id", Value: "1"}), "id"},
		{"trace twice", cloudRecord(headers{{"ce_traceparent", "a"}, {"ce_traceparent", "a"}}...), "traceparent"},
		{"content type twice", cloudRecord(headers{{"content-type", "a/b"}, {"Content-Type", "a/b"}}...), "datacontenttype"},
		{"extension twice", cloudRecord(headers{{"ce_subject", "a"}, {"ce_subject", "a"}}...), `extension "subject"`},
		{"two prefixes", cloudRecord(envelope.Header{Key: "ce-subject", Value: "a"}), "specversion"},
		{"two AMQP prefixes", cloudRecord(headers{{"cloudEvents:subject", "a"}, {"cloudEvents_a", "a"}}...), "specversion"},
		{"list with half an escape", changed("ce_heraldheaders", "a=%4"), "heraldheaders"},
		{"list with an own header", changed("ce_heraldheaders", "herald-attempts=9"), "heraldheaders"},
		{"list with a trace", changed("ce_heraldheaders", "traceparent"), "heraldheaders"},
		{"list with a key twice", changed("ce_heraldheaders", "s3cret=1,s3cret=2"), "heraldheaders"},

		{"no document", document(""), "body"},
		{"list of events", document(`[{}]`), "body"},
		{"cut", document(`{"specversion":"1.0","id":"1`), "id"},
		{"after the end", document(`{"specversion":"1.0","id":"1","source":"/","type":"a"}x`), "body"},
		{"document without specversion", document(`{"id":"1","source":"/s","type":"ping"}`), "specversion"},
		{"document without id", document(`{"specversion":"1.0","source":"/s","type":"ping"}`), "id"},
		{"null id", document(`{"specversion":"1.0","id":null,"source":"/s","type":"ping"}`), "id"},
		{"number as id", document(`{"specversion":"1.0","id":7,"source":"/s","type":"ping"}`), "id"},
		{"number as specversion", document(`{"specversion":1.0,"id":"7","source":"/s","type":"ping"}`), "specversion"},
		{"empty source in a document", document(`{"specversion":"1.0","id":"7","source":"","type":"ping"}`), "source"},
		{"no type in a document", document(`{"specversion":"1.0","id":"7","source":"/s"}`), "type"},
		{"number as time", cloudDocument(`"time":1705314600`), "time"},
		{"document's time", cloudDocument(`"time":"s3cret"`), "time"},
		{"member twice", cloudDocument(`"subject":"s3cret","subject":"s3cret"`), "body"},
		{"member twice, escaped", cloudDocument(`"\u0069d":"1"`), "body"},
		{"member of data twice", cloudDocument(`"data":{"s3cret":1,"s3cret":2}`), "data"},
		{"list as extension", cloudDocument(`"tags":["s3cret"]`), `extension "tags"`},
		{"object as extension", cloudDocument(`"tags":{}`), `extension "tags"`},
		{"two kinds of data", cloudDocument(`"data":1,"data_base64":""`), "data_base64"},
		{"two kinds of data, reversed", cloudDocument(`"data_base64":"","data":1`), "data"},
		{"data_base64", cloudDocument(`"data_base64":"s3cret!"`), "data_base64"},
		{"object as text", cloudDocument(`"data":{},"datacontenttype":"text/plain"`), "data"},
		{"number as text", cloudDocument(`"datacontenttype":"text/plain","data":5`), "data"},
		{"broken UTF-8", cloudDocument("\"subject\":\"\xff\""), "body"},
		{"lone surrogate", cloudDocument(`"subject":"\ud800"`), `extension "subject"`},
		{"document's list", cloudDocument(`"heraldheaders":"a=%zz"`), "heraldheaders"},
	} {
		var e envelope.Event
		form, err := envelope.Decode(&e, tc.record, envelope.Limits{})
		if !form.Marked() {
			t.Errorf("%s: got form %v", tc.name, form)
		}
		var typed *envelope.Error
		if !errors.As(err, &typed) || !errors.Is(err, envelope.ErrMalformed) || typed.Field != tc.field {
			t.Errorf("%s: got %v, want field %q", tc.name, err, tc.field)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: prints the value: %v", tc.name, err)
		}
	}
	for name, r := range map[string]*envelope.Record{
		"headers":                    cloudRecord(manyHeaders(129)...),
		"data":                       cloudDocument(`"data":` + nested(64)),
		"extensions, before the end": cloudDocument(strings.Join(many, ",") + "!"),
		"message":                    {Headers: cloudRecord().Headers, Body: make([]byte, 1_000_000)},
		"headers of a list":          changed("ce_heraldheaders", strings.Repeat("a,", 200)),
		"headers beside a full list": cloudRecord(append(manyHeaders(100), envelope.Header{Key: "ce_heraldheaders", Value: strings.Join(manyKeys(100), ",")})...),
	} {
		var e envelope.Event
		if form, err := envelope.Decode(&e, r, envelope.Limits{}); !form.Marked() || !errors.Is(err, envelope.ErrTooLarge) {
			t.Errorf("%s: got %v, %v, want ErrTooLarge", name, form, err)
		}
	}
}

// manyKeys are items of heraldheaders.
func manyKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("listed-%d=", i)
	}
	return keys
}

func TestACodecReadsNoRecordWithoutItsMark(t *testing.T) {
	t.Parallel()
	var e envelope.Event
	r := envelope.Record{ID: "1", Type: "ping", Body: []byte(`{"id":"1","source":"/s","type":"ping"}`)}
	checkError(t, envelope.CloudEvents.Decode(&e, &r, envelope.Limits{}), "specversion", envelope.ErrMalformed)
	checkError(t, envelope.CloudEventsStructured.Decode(&e, &r, envelope.Limits{}), "specversion", envelope.ErrMalformed)
	for _, codec := range []envelope.Codec{envelope.CloudEvents, envelope.CloudEventsStructured} {
		checkError(t, codec.Decode(&e, &r, envelope.Limits{Message: 10}), "message", envelope.ErrTooLarge)
	}
}

// Not parallel: it counts allocations.
func TestDetectKnowsCloudEvents(t *testing.T) {
	with := func(contentType, body string, hs ...envelope.Header) *envelope.Record {
		return &envelope.Record{ID: "1", ContentType: contentType, Body: []byte(body), Headers: hs}
	}
	version := func(prefix string) envelope.Header {
		return envelope.Header{Key: prefix + "specversion", Value: "1.0"}
	}
	for _, tc := range []struct {
		name   string
		record *envelope.Record
		want   envelope.Form
	}{
		{"ce_", with("", "", version("ce_")), envelope.FormCloudEvents},
		{"ce-", with("", "", version("ce-")), envelope.FormCloudEvents},
		{"cloudEvents:", with("", "", version("cloudEvents:")), envelope.FormCloudEvents},
		{"cloudEvents_", with("", "", version("cloudEvents_")), envelope.FormCloudEvents},
		{"after others", with("", "", envelope.Header{Key: "a"}, version("ce_")), envelope.FormCloudEvents},
		{"without a prefix", with("", "", version("")), envelope.FormForeign},
		{"another attribute", with("", "", envelope.Header{Key: "ce_id", Value: "1"}), envelope.FormForeign},
		{"our mark, and a CloudEvent's", with("", "", version("ce_"), envelope.Header{Key: "herald", Value: "1"}), envelope.FormBinary},
		{"our mark, and a document as data", with(envelope.ContentTypeCloudEvents, "{}", envelope.Header{Key: "herald", Value: "1"}), envelope.FormBinary},
		{"a document of ours as data", with("", `{"herald":1}`, version("ce_")), envelope.FormCloudEvents},
		{"structured", with("Application/CloudEvents+JSON; charset=UTF-8", ""), envelope.FormCloudEventsJSON},
		{"structured, by a header", with("", "", envelope.Header{Key: "Content-Type", Value: envelope.ContentTypeCloudEvents}), envelope.FormCloudEventsJSON},
		{"structured, with headers", with(envelope.ContentTypeCloudEvents, "", version("ce_")), envelope.FormCloudEventsJSON},
		{"a batch", with("application/cloudevents-batch+json", "[]"), envelope.FormForeign},
		{"another event format", with("application/cloudevents+avro", ""), envelope.FormForeign},
		{"another event format, with headers", with("application/cloudevents+avro", "", version("ce_")), envelope.FormCloudEvents},
		{"document alone", with("", " { \"specversion\" : \"1.0\" ,"), envelope.FormCloudEventsJSON},
		{"document alone, in another order", with("", `{"id":"1","specversion":"1.0"`), envelope.FormForeign},
		{"document of another specversion", with("", `{"specversion":"1.01"`), envelope.FormForeign},
	} {
		if got := envelope.Detect(tc.record); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
		if n := testing.AllocsPerRun(10, func() { _ = envelope.Detect(tc.record) }); n != 0 {
			t.Errorf("%s: got %v allocations", tc.name, n)
		}
	}
}

func TestForeignCloudEventsKeepAllTheyCarry(t *testing.T) {
	t.Parallel()
	at := time.Date(2018, 4, 5, 15, 31, 0, 0, time.UTC)
	for _, prefix := range []string{"ce_", "ce-", "cloudEvents:", "cloudEvents_"} {
		r := envelope.Record{
			ID: "native", Type: "native.type", Key: "k", Time: time.Unix(1, 0), ContentType: "application/xml", Position: "9", Body: []byte("<a/>"),
		}
		for _, h := range (headers{
			{"id", "7"},
			{"specversion", "1.0"},
			{"source", "any text"},
			{"type", "com.example.a"},
			{"time", "2018-04-05T17:31:00+02:00"},
			{"subject", ""},
			{"dataschema", "x"},
			{"Upper", "u"},
			{"with-dash", "d"},
			{strings.Repeat("n", 21), "n"},
			{"center", "c"},
		}) {
			r.Headers = append(r.Headers, envelope.Header{Key: prefix + h.Key, Value: h.Value})
		}
		r.Headers = append(r.Headers, headers{
			{"traceparent", "hop"}, {"Their", "h"}, {"subject", "other"}, {"content-type", "application/xml"}, {"herald-attempts", "1"},
		}...)
		var e envelope.Event
		form, err := envelope.Decode(&e, &r, envelope.Limits{})
		want := envelope.Event{
			ID: "7", Type: "com.example.a", Version: "1", Source: "any text", Time: at, Key: "k", ContentType: "application/xml", Schema: "x",
			TraceParent: "hop", Data: []byte("<a/>"),
			Headers: envelope.Headers{
				{Key: "subject"},
				{Key: "ce_Upper", Value: "u"},
				{Key: "ce_with-dash", Value: "d"},
				{Key: "ce_" + strings.Repeat("n", 21), Value: "n"},
				{Key: "center", Value: "c"},
				{Key: "Their", Value: "h"},
				{Key: "subject", Value: "other"},
			},
		}
		if form != envelope.FormCloudEvents || err != nil || !reflect.DeepEqual(e, want) {
			t.Errorf("%s: got %v, %v\n%+v\nwant\n%+v", prefix, form, err, e, want)
		}
	}
}

func TestAContentTypeBesideTheNativeOneIsAHeader(t *testing.T) {
	t.Parallel()
	r := cloudRecord(envelope.Header{Key: "content-type", Value: "a/b"})
	r.ContentType = "text/plain"
	want := cloudPing()
	want.ContentType, want.Headers = "text/plain", envelope.Headers{{Key: "content-type", Value: "a/b"}}
	var e envelope.Event
	if _, err := envelope.Decode(&e, r, envelope.Limits{}); err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %v\n%+v\nwant\n%+v", err, e, want)
	}
}

func TestNoExtensionIsWrittenAsData(t *testing.T) {
	t.Parallel()
	want := cloudPing()
	want.Headers = envelope.Headers{{Key: "ce_data_base64", Value: "AA=="}, {Key: "data", Value: "1"}}
	for _, codec := range []envelope.Codec{envelope.CloudEvents, envelope.CloudEventsStructured} {
		var e, back envelope.Event
		r := cloudRecord(headers{{"ce_data_base64", "AA=="}, {"ce_data", "1"}}...)
		if _, err := envelope.Decode(&e, r, envelope.Limits{}); err != nil || !reflect.DeepEqual(e, want) {
			t.Errorf("got %v\n%+v\nwant\n%+v", err, e, want)
		}
		if err := codec.Encode(r, &e); err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.Decode(&back, r, envelope.Limits{}); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s: got %v\n%+v\nwant\n%+v", codec.Name(), err, back, want)
		}
	}
}

func TestExtensionsAreWrittenAsTheyWereRead(t *testing.T) {
	t.Parallel()
	extensions := headers{{"subject", "s"}, {"Upper", "u"}, {"with-dash", "d"}, {strings.Repeat("n", 21), "n"}, {"sequence", "5"}, {"herald", "h"}}
	members, r := "", cloudRecord()
	for i, h := range extensions {
		r.Headers = append(r.Headers, envelope.Header{Key: "ce_" + h.Key, Value: h.Value})
		if i > 0 {
			members += ","
		}
		members += fmt.Sprintf("%q:%q", h.Key, h.Value)
	}
	var e envelope.Event
	var again envelope.Record
	if _, err := envelope.Decode(&e, r, envelope.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := envelope.CloudEvents.Encode(&again, &e); err != nil || !reflect.DeepEqual(again.Headers, r.Headers) {
		t.Errorf("got %v\n%q\nwant\n%q", err, again.Headers, r.Headers)
	}
	document := cloudDocument(members)
	if _, err := envelope.Decode(&e, document, envelope.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := envelope.CloudEventsStructured.Encode(&again, &e); err != nil || string(again.Body) != string(document.Body) {
		t.Errorf("got %v\n%s\nwant\n%s", err, again.Body, document.Body)
	}
}

func TestForeignDocumentsReadAsTheJSONFormatSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, members string
		change        func(*envelope.Event)
	}{
		{"nothing more", "", func(*envelope.Event) {}},
		{"nulls", `"subject":null,"time":null,"data_base64":null,"datacontenttype":null`, func(*envelope.Event) {}},
		{"types of extensions", `"a":5,"b":-1.50,"c":true,"d":false,"e":"\u00e9"`, func(e *envelope.Event) {
			e.Headers = envelope.Headers{{Key: "a", Value: "5"}, {Key: "b", Value: "-1.50"}, {Key: "c", Value: "true"}, {Key: "d", Value: "false"}, {Key: "e", Value: "é"}}
		}},
		{"data", `"data" : { "a" : 1.50 } `, func(e *envelope.Event) { e.Data = []byte(`{ "a" : 1.50 }`) }},
		{"data of null", `"data":null`, func(e *envelope.Event) { e.Data = []byte("null") }},
		{"string as JSON", `"data":"\u0041"`, func(e *envelope.Event) { e.Data = []byte(`"\u0041"`) }},
		{"any JSON", `"data":"a","datacontenttype":"text/JSON"`, func(e *envelope.Event) { e.ContentType, e.Data = "text/JSON", []byte(`"a"`) }},
		{"string as text", `"data":"\u0041\n","datacontenttype":"text/plain"`, func(e *envelope.Event) { e.ContentType, e.Data = "text/plain", []byte("A\n") }},
		{"null as text", `"datacontenttype":"text/plain","data":null`, func(e *envelope.Event) { e.ContentType = "text/plain" }},
		{"base64", `"data_base64":"AP8="`, func(e *envelope.Event) { e.Data = []byte{0, 255} }},
		{"list", `"heraldheaders":"b-c=%25,a,gone","z":"1","a":"2"`, func(e *envelope.Event) {
			e.Headers = envelope.Headers{{Key: "b-c", Value: "%"}, {Key: "a", Value: "2"}, {Key: "z", Value: "1"}}
		}},
	} {
		r := cloudDocument(tc.members)
		want := cloudPing()
		tc.change(&want)
		var e envelope.Event
		form, err := envelope.Decode(&e, r, envelope.Limits{})
		if form != envelope.FormCloudEventsJSON || err != nil || !reflect.DeepEqual(e, want) {
			t.Errorf("%s: got %v, %v\n%+v\nwant\n%+v", tc.name, form, err, e, want)
		}
	}
}

func TestADocumentCountsBeforeItsRecord(t *testing.T) {
	t.Parallel()
	r := cloudDocument(`"partitionkey":"k","tenant":"acme"`)
	r.ID, r.Type, r.Key, r.Time = "native", "native.type", "native", time.Unix(1, 2)
	r.Headers = headers{
		{"ce_specversion", "1.0"},
		{"ce_id", "other"},
		{"ce_subject", "s"},
		{"content-type", envelope.ContentTypeCloudEvents},
		{"traceparent", "tp"},
		{"baggage", "b"},
		{"tenant", "other"},
		{"hop", "1"},
		{"herald-attempts", "1"},
	}
	want := cloudPing()
	want.Key, want.Time, want.TraceParent, want.Baggage = "k", time.Unix(1, 2).UTC(), "tp", "b"
	want.Headers = envelope.Headers{{Key: "tenant", Value: "acme"}, {Key: "hop", Value: "1"}}
	var e envelope.Event
	form, err := envelope.Decode(&e, r, envelope.Limits{})
	if form != envelope.FormCloudEventsJSON || err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %v, %v\n%+v\nwant\n%+v", form, err, e, want)
	}
}

func TestDecodingCloudEventsAllocatesTheHeadersAlone(t *testing.T) {
	e := sample()
	var r envelope.Record
	if err := envelope.CloudEvents.Encode(&r, &e); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := envelope.Decode(&e, &r, envelope.Limits{}); err != nil {
			t.Fatal(err)
		}
	})
	if n != 1 {
		t.Errorf("got %v allocations", n)
	}
}
