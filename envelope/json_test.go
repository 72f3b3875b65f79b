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

func jsonRecord(body string) *envelope.Record {
	return &envelope.Record{ContentType: envelope.ContentTypeEvent, Body: []byte(body)}
}

// with is a marked document with more members.
func with(members string) string {
	return `{"herald":1,"eventId":"1","type":"ping",` + members + `}`
}

// nested is an array of n levels.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestBrokenDocumentsAreMalformedWhenMarkedAndForeignWhenNot(t *testing.T) { //nolint:funlen // a table of cases
	t.Parallel()
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"m%d":%d,`, i, i)
		}
		return "{" + b.String() + last + ":0}"
	}
	for _, tc := range []struct{ name, body, field string }{
		{"cut", `{"herald":1,"eventId":"1","type":"pi`, "type"},
		{"after the end", with(`"key":"k"`) + "x", "body"},
		{"second document", with(`"key":"k"`) + "{}", "body"},
		{"no id", `{"herald":1,"type":"ping","x":"eventId"}`, "eventId"},
		{"empty id", `{"herald":1,"eventId":"","type":"ping"}`, "eventId"},
		{"null id", `{"herald":1,"eventId":null,"type":"ping"}`, "eventId"},
		{"id of a number", `{"herald":1,"eventId":7,"type":"ping"}`, "eventId"},
		{"line in id", `{"herald":1,"eventId":"a\nb","type":"ping"}`, "eventId"},
		{"no type", `{"herald":1,"eventId":"1"}`, "type"},
		{"empty type", `{"herald":1,"eventId":"1","type":""}`, "type"},
		{"space in type", `{"herald":1,"eventId":"1","type":"s3cret type"}`, "type"},
		{"types that differ", with(`"eventType":"pong"`), "eventType"},
		{"member twice", with(`"source":"a","source":"a"`), "body"},
		{"member twice, escaped", with(`"source":"a","s\u006Furce":"a"`), "body"},
		{"unknown member twice", with(`"s3cret":1,"s3cret":2`), "body"},
		{"member of data twice", with(`"data":{"a":[{"s3cret":1,"b":2,"s3cret":3}]}`), "data"},
		{"member of data twice among many", with(`"data":` + many(`"m\u0033"`)), "data"},
		{"header twice", with(`"headers":{"a":"1","a":"2"}`), "headers"},
		{"header of a number", with(`"headers":{"a":1}`), "headers"},
		{"headers of a list", with(`"headers":[]`), "headers"},
		{"broken UTF-8", with("\"source\":\"\xff\""), "body"},
		{"broken UTF-8 in data", with("\"data\":\"\xc3\""), "body"},
		{"lone high surrogate", with(`"source":"\ud800"`), "source"},
		{"lone low surrogate", with(`"data":["\udc00"]`), "data"},
		{"two high surrogates", with(`"data":"\ud800\ud800"`), "data"},
		{"surrogate and another character", with(`"data":"\ud800\ue000"`), "data"},
		{"cut surrogate", with(`"data":"\ud800`), "data"},
		{"control character", with("\"source\":\"a\tb\""), "source"},
		{"escape", with(`"source":"\x41"`), "source"},
		{"hexadecimal", with(`"source":"\u00g1"`), "source"},
		{"leading zero", with(`"data":01`), "body"},
		{"leading plus", with(`"data":+1`), "data"},
		{"bare point", with(`"data":1.`), "data"},
		{"bare exponent", with(`"data":1e`), "data"},
		{"lone minus", with(`"data":-`), "data"},
		{"literal", with(`"data":nul`), "data"},
		{"NaN", with(`"data":NaN`), "data"},
		{"trailing comma", with(`"data":[1,]`), "data"},
		{"trailing comma in an object", with(`"data":{"a":1,}`), "data"},
		{"no comma", with(`"data":[1 2]`), "data"},
		{"no colon", with(`"data":{"a" 1}`), "data"},
		{"no quotes", with(`"data":{a:1}`), "data"},
		{"comment", with(`/**/"data":1`), "body"},
		{"byte order mark", "\ufeff" + with(`"key":"k"`), "body"},
		{"both data", with(`"data":1,"data_base64":"AQ=="`), "data_base64"},
		{"both data, other order", with(`"data_base64":"","data":null`), "data"},
		{"base64 without padding", with(`"data_base64":"AQ"`), "data_base64"},
		{"base64 with stray bits", with(`"data_base64":"AR=="`), "data_base64"},
		{"base64 with a line", with(`"data_base64":"AQ\n=="`), "data_base64"},
		{"base64 of a number", with(`"data_base64":1`), "data_base64"},
		{"version of an object", with(`"version":{}`), "version"},
		{"source of a number", with(`"source":1`), "source"},
		{"timestamp in words", with(`"timestamp":"yesterday s3cret"`), "timestamp"},
		{"timestamp of a list", with(`"timestamp":[]`), "timestamp"},
		{"timestamp in microseconds", with(`"timestamp":1705314600000000`), "timestamp"},
		{"timestamp beyond all", with(`"timestamp":1e999999999999999999999`), "timestamp"},
		{"timestamp whose exponent overflows", with(`"timestamp":1e18446744073709551616`), "timestamp"},
		{"broken number as timestamp", with(`"timestamp":1.x`), "timestamp"},
		{"expiry", with(`"expiresAt":"2024-13-01T00:00:00Z"`), "expiresAt"},
		{"delivery", with(`"deliverAt":true`), "deliverAt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var e envelope.Event
			r := jsonRecord(tc.body)
			form, err := envelope.Decode(&e, r, envelope.Limits{})
			checkError(t, err, tc.field, envelope.ErrMalformed)
			if form != envelope.FormJSON {
				t.Errorf("got form %v", form)
			}
			checkError(t, envelope.JSON.Decode(&e, r, envelope.Limits{}), tc.field, envelope.ErrMalformed)

			bare := envelope.Record{ID: "native", Body: []byte(strings.Replace(tc.body, `"herald":1,`, "", 1))}
			form, err = envelope.Decode(&e, &bare, envelope.Limits{})
			want := envelope.Event{ID: "native", Type: envelope.TypeForeign, Version: "1", Data: bare.Body}
			if form != envelope.FormForeign || err != nil || !reflect.DeepEqual(e, want) {
				t.Errorf("without the mark: got %v, %v, %+v", form, err, e)
			}
		})
	}
}

func TestAClaimOfAnotherFormVersionIsMalformed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"herald":2,"eventId":"1","type":"ping"}`, `{"herald":1.0,"eventId":"1","type":"ping"}`, ` { "herald" : 0 } `,
		`{"eventId":"1","type":"ping","herald":-1}`,
	} {
		form, err := envelope.Decode(&envelope.Event{}, &envelope.Record{Body: []byte(body)}, envelope.Limits{})
		if form != envelope.FormJSON {
			t.Errorf("%s: got form %v", body, form)
		}
		checkError(t, err, "herald", envelope.ErrMalformed)
	}
	r := jsonRecord(with(`"key":"k"`))
	r.Headers = headers{{"herald", "2"}}
	checkError(t, envelope.JSON.Decode(&envelope.Event{}, r, envelope.Limits{}), "herald", envelope.ErrMalformed)
	r = jsonRecord(`{"herald":"1","eventId":"1","type":"ping"}`)
	checkError(t, envelope.JSON.Decode(&envelope.Event{}, r, envelope.Limits{}), "herald", envelope.ErrMalformed)
}

func TestNestingEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		levels, limit int
		want          error
	}{
		// The document is a level of its own.
		{63, 0, nil},
		{64, 0, envelope.ErrTooLarge},
		{100_000, 0, envelope.ErrTooLarge},
		{3, 4, nil},
		{4, 4, envelope.ErrTooLarge},
		{999, 1 << 40, nil},
		{1000, 1 << 40, envelope.ErrTooLarge},
	} {
		for _, member := range []string{"data", "unknown"} {
			r := jsonRecord(with(`"` + member + `":` + nested(tc.levels)))
			err := envelope.JSON.Decode(&envelope.Event{}, r, envelope.Limits{Nesting: tc.limit})
			if !errors.Is(err, tc.want) {
				t.Errorf("%s of %d levels, limit %d: got %v, want %v", member, tc.levels, tc.limit, err, tc.want)
			}
		}
	}
}

func TestDocumentsAreReadLeniently(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, members string
		want          func(*envelope.Event)
	}{
		{"both types", `"eventType":"ping"`, nil},
		{"unknown members", `"EventId":"2","Type":"x","extra":{"a":[1,2.5e-3,true,false,null,"\ud83d\ude00"]}`, nil},
		{"nulls", `"source":null,"timestamp":null,"version":null,"headers":null,"data_base64":null,"expiresAt":null`, nil},
		{"null data", `"data":null`, func(e *envelope.Event) { e.Data = []byte("null") }},
		{"text data", `"data":"a\u00e9"`, func(e *envelope.Event) { e.Data = []byte(`"a\u00e9"`) }},
		{"data as it stands", "\"data\" : { \"a\" : 1.50 ,\n \"b\":[ ] } ", func(e *envelope.Event) { e.Data = []byte("{ \"a\" : 1.50 ,\n \"b\":[ ] }") }},
		{"empty base64", `"data_base64":""`, func(e *envelope.Event) { e.Data = []byte{} }},
		{"escaped base64", `"data_base64":"\/\/8="`, func(e *envelope.Event) { e.Data = []byte{0xff, 0xff} }},
		{"version of a number", `"version":2.10`, func(e *envelope.Event) { e.Version = "2.10" }},
		{"control characters", `"source":"\u0001\u001F\u007f"`, func(e *envelope.Event) { e.Source = "\x01\x1f\x7f" }},
		{"escapes", `"sou\u0072ce":"\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00"`, func(e *envelope.Event) { e.Source = "\"\\/\b\f\n\r\té😀" }},
		{"headers", `"headers":{"B":"2","a":"\u0031"}`, func(e *envelope.Event) {
			e.Headers = envelope.Headers{{Key: "B", Value: "2"}, {Key: "a", Value: "1"}}
		}},
		{"reserved names among headers", `"headers":{"herald":"2","herald-source":"x","traceparent":"tp","tracestate":"ts","baggage":"b"}`, func(e *envelope.Event) {
			e.TraceParent, e.TraceState, e.Baggage = "tp", "ts", "b"
		}},
		{"offset", `"timestamp":"2024-01-15T11:30:00+01:00"`, func(e *envelope.Event) { e.Time = at }},
		{"seconds", `"timestamp":1705314600`, func(e *envelope.Event) { e.Time = at }},
		{"seconds and nanoseconds", `"timestamp":1705314600.1234567899`, func(e *envelope.Event) { e.Time = at.Add(123456789) }},
		{"seconds with an exponent", `"timestamp":1.7053146E+9`, func(e *envelope.Event) { e.Time = at }},
		{"milliseconds", `"timestamp":1705314600123`, func(e *envelope.Event) { e.Time = at.Add(123 * time.Millisecond) }},
		{"milliseconds and nanoseconds", `"timestamp":1705314600123.456789`, func(e *envelope.Event) { e.Time = at.Add(123456789) }},
		{"last second below the border", `"timestamp":99999999999`, func(e *envelope.Event) { e.Time = time.Unix(99999999999, 0).UTC() }},
		{"first millisecond at the border", `"timestamp":100000000000`, func(e *envelope.Event) { e.Time = time.UnixMilli(100000000000).UTC() }},
		{"before 1970", `"timestamp":-1.5`, func(e *envelope.Event) { e.Time = time.Unix(-2, 5e8).UTC() }},
		{"small fraction", `"timestamp":0.000000001`, func(e *envelope.Event) { e.Time = time.Unix(0, 1).UTC() }},
		{"vanishing fraction", `"timestamp":1e-999999999999999999`, func(e *envelope.Event) { e.Time = time.Unix(0, 0).UTC() }},
		{"zero", `"timestamp":0e5`, func(e *envelope.Event) { e.Time = time.Unix(0, 0).UTC() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := minimal()
			if tc.want != nil {
				tc.want(&want)
			}
			e := full()
			form, err := envelope.Decode(&e, jsonRecord(with(tc.members)), envelope.Limits{})
			if err != nil || form != envelope.FormJSON || !reflect.DeepEqual(e, want) {
				t.Errorf("got %v, %v\n%+v\nwant\n%+v", form, err, e, want)
			}
		})
	}
}

func TestNativeAttributesFillWhatTheDocumentLacks(t *testing.T) {
	t.Parallel()
	native := envelope.Record{
		ID: "native", Type: "native", Key: "nk", Time: time.Unix(5, 0),
		Headers: headers{{"traceparent", "ntp"}, {"tracestate", "nts"}, {"baggage", "nb"}, {"tenant", "native"}, {"Extra", "e"}, {"herald-slot", "9"}},
		Body:    []byte(`{"eventId":"1","type":"ping"}`),
	}
	var e envelope.Event
	form, err := envelope.Decode(&e, &native, envelope.Limits{})
	want := envelope.Event{
		ID: "1", Type: "ping", Version: "1", Key: "nk", Time: time.Unix(5, 0).UTC(), TraceParent: "ntp", TraceState: "nts", Baggage: "nb",
		Headers: envelope.Headers{{Key: "tenant", Value: "native"}, {Key: "Extra", Value: "e"}},
	}
	if form != envelope.FormBareJSON || err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %v, %v\n%+v\nwant\n%+v", form, err, e, want)
	}

	native.Body = []byte(`{"eventId":"1","type":"ping","timestamp":7,"key":"dk","traceparent":"dtp","baggage":"db","headers":{"tenant":"doc"}}`)
	form, err = envelope.Decode(&e, &native, envelope.Limits{})
	want = envelope.Event{
		ID: "1", Type: "ping", Version: "1", Key: "dk", Time: time.Unix(7, 0).UTC(), TraceParent: "dtp", Baggage: "db",
		Headers: envelope.Headers{{Key: "tenant", Value: "doc"}, {Key: "Extra", Value: "e"}},
	}
	if form != envelope.FormBareJSON || err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %v, %v\n%+v\nwant\n%+v", form, err, e, want)
	}
}

func TestOnlyDataThatReadsBackByteForByteIsEmbedded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, contentType, data string
		embedded                bool
	}{
		{"no content type", "", `{"a":1}`, true},
		{"json", "application/json", `[1, 2]`, true},
		{"json with a charset", "Application/JSON; charset=utf-8", `"text"`, true},
		{"suffix", "application/vnd.order+json", `null`, true},
		{"inner space", "", "{\n \"a\": 1.500\n}", true},
		{"63 levels", "", nested(63), true},
		{"64 levels", "", nested(64), false},
		{"text", "text/plain", `{"a":1}`, false},
		{"bare suffix", "+json", `{"a":1}`, false},
		{"line at the end", "", "{}\n", false},
		{"space before", "", " {}", false},
		{"empty", "", "", false},
		{"no json", "", "{", false},
		{"two values", "", "{}{}", false},
		{"member twice", "", `{"a":1,"a":2}`, false},
		{"broken UTF-8", "", "\"\xff\"", false},
		{"lone surrogate", "", `"\ud800"`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := minimal()
			e.ContentType, e.Data = tc.contentType, []byte(tc.data)
			var r envelope.Record
			if err := envelope.JSON.Encode(&r, &e); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(r.Body), `"data":`+tc.data+"}"); got != tc.embedded {
				t.Errorf("embedded %v: %s", got, r.Body)
			}
			var back envelope.Event
			if _, err := envelope.Decode(&back, &r, envelope.Limits{}); err != nil || !reflect.DeepEqual(back, e) {
				t.Errorf("got %+v, %v, want %+v", back, err, e)
			}
		})
	}
}

func TestJSONEncodeRefusesWhatItCouldNotReadBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec  envelope.JSONCodec
		change func(*envelope.Event)
	}{
		"broken id":      {change: func(e *envelope.Event) { e.ID = "\xff" }},
		"broken baggage": {change: func(e *envelope.Event) { e.Baggage = "\xff" }},
		"late time":      {change: func(e *envelope.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		"header twice":   {change: func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "a"}, {Key: "a"}} }},
		"own header":     {change: func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "herald-x"}} }},
		"broken header":  {change: func(e *envelope.Event) { e.Headers = envelope.Headers{{Key: "a", Value: "\xff"}} }},
		"failed":         {change: envelope.Failed(errors.New("no data"))},
		"type member":    {codec: envelope.JSONCodec{TypeMember: "kind"}, change: func(*envelope.Event) {}},
	} {
		e := minimal()
		tc.change(&e)
		if err := tc.codec.Encode(&envelope.Record{}, &e); !errors.Is(err, envelope.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestNestingOfACodecBoundsWhatIsEmbedded(t *testing.T) {
	t.Parallel()
	e := minimal()
	e.Data = []byte(`[[1]]`)
	for nesting, want := range map[int]string{3: `"data":[[1]]`, 2: `"data_base64":"W1sxXV0="`} {
		var r envelope.Record
		if err := (envelope.JSONCodec{Nesting: nesting}).Encode(&r, &e); err != nil || !strings.Contains(string(r.Body), want) {
			t.Errorf("nesting %d: got %s, %v", nesting, r.Body, err)
		}
	}
}
