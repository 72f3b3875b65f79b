package envelope_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

func TestDetectTellsFormsApart(t *testing.T) {
	t.Parallel()
	mark := headers{{"a", "b"}, {"herald", "1"}}
	for _, tc := range []struct {
		name   string
		record envelope.Record
		want   envelope.Form
	}{
		{"nothing", envelope.Record{}, envelope.FormForeignNoID},
		{"native id", envelope.Record{ID: "1"}, envelope.FormForeign},
		{"position", envelope.Record{Position: "1"}, envelope.FormForeign},
		{"mark", envelope.Record{Headers: mark}, envelope.FormBinary},
		{"mark and a document as data", envelope.Record{Headers: mark, Body: []byte(with(`"key":""`))}, envelope.FormBinary},
		{"mark and our content type", envelope.Record{Headers: mark, ContentType: envelope.ContentTypeEvent}, envelope.FormJSON},
		{"content type", envelope.Record{ContentType: "APPLICATION/vnd.herald.event+json ; charset=utf-8"}, envelope.FormJSON},
		{"longer content type", envelope.Record{ID: "1", ContentType: envelope.ContentTypeEvent + "5"}, envelope.FormForeign},
		{"document alone", envelope.Record{Body: []byte(" \n{ \"herald\" : 1")}, envelope.FormJSON},
		{"later document alone", envelope.Record{Body: []byte(`{"herald":2}`)}, envelope.FormJSON},
		{"a herald of words", envelope.Record{ID: "1", Body: []byte(`{"herald":"tribune"}`)}, envelope.FormForeign},
		{"a heralding", envelope.Record{ID: "1", Body: []byte(`{"heraldry":1}`)}, envelope.FormForeign},
		{"bare", envelope.Record{Body: []byte(article)}, envelope.FormBareJSON},
		{"guess", envelope.Record{Body: []byte(`{"eventId"`)}, envelope.FormBareJSON},
		{"list", envelope.Record{ID: "1", Body: []byte(`["eventId"]`)}, envelope.FormForeign},
		{"other object", envelope.Record{ID: "1", Body: []byte(`{"id":1}`)}, envelope.FormForeign},
		{"upper case mark", envelope.Record{ID: "1", Headers: headers{{"Herald", "1"}}}, envelope.FormForeign},
	} {
		if got := envelope.Detect(&tc.record); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestFormsHaveNames(t *testing.T) {
	t.Parallel()
	want := map[envelope.Form]string{
		envelope.FormForeign: "foreign", envelope.FormForeignNoID: "foreign-no-id", envelope.FormBinary: "binary",
		envelope.FormJSON: "json", envelope.FormBareJSON: "bare-json", 200: "unknown",
	}
	for f, name := range want {
		if f.String() != name {
			t.Errorf("got %q, want %q", f.String(), name)
		}
		if marked := name == "binary" || name == "json"; f.Marked() != marked {
			t.Errorf("%v: Marked is %v", f, f.Marked())
		}
	}
}

func TestForeignMessagesAreDeliveredWhole(t *testing.T) {
	t.Parallel()
	r := envelope.Record{
		ID: "native", Type: "their.type", Key: "k\xff", ContentType: "text/plain", Time: time.Unix(5, 6), Position: "9",
		Headers: headers{{"Their", "1"}, {"traceparent", "tp"}, {"herald-attempt", "9"}, {"x-death", "2"}},
		Body:    []byte("any\xff bytes"),
	}
	var e envelope.Event
	form, err := envelope.Decode(&e, &r, envelope.Limits{})
	want := envelope.Event{
		ID: "native", Type: "their.type", Version: "1", Key: "k\xff", ContentType: "text/plain", Time: time.Unix(5, 6).UTC(), TraceParent: "tp",
		Headers: envelope.Headers{{Key: "Their", Value: "1"}, {Key: "x-death", Value: "2"}}, Data: r.Body,
	}
	if form != envelope.FormForeign || err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got %v, %v\n%+v\nwant\n%+v", form, err, e, want)
	}
}

func TestAForeignIDIsAsStableAsTheBrokerAllows(t *testing.T) {
	t.Parallel()
	broken := strings.Repeat("i", 1025)
	for _, tc := range []struct {
		name         string
		id, position string
		form         envelope.Form
		want         string
	}{
		{"native", "n", "p", envelope.FormForeign, "n"},
		{"position", "", "p", envelope.FormForeign, "p"},
		{"broken native and position", broken, "p", envelope.FormForeign, "p"},
		{"broken native", broken, "", envelope.FormForeign, envelope.DeriveID(broken, envelope.TypeForeign)},
		{"none", "", "", envelope.FormForeignNoID, ""},
		{"broken position", "", "\n", envelope.FormForeignNoID, ""},
	} {
		r := envelope.Record{ID: tc.id, Position: tc.position}
		var first, second envelope.Event
		form, err := envelope.Decode(&first, &r, envelope.Limits{})
		if form != tc.form || err != nil {
			t.Errorf("%s: got %v, %v", tc.name, form, err)
		}
		if _, err := envelope.Decode(&second, &r, envelope.Limits{}); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		switch {
		case tc.form == envelope.FormForeignNoID:
			if !uuidV7.MatchString(first.ID) || first.ID == second.ID {
				t.Errorf("%s: got %q and %q, want two new ids", tc.name, first.ID, second.ID)
			}
		case first.ID != tc.want || second.ID != tc.want:
			t.Errorf("%s: got %q and %q, want %q", tc.name, first.ID, second.ID, tc.want)
		}
		if first.Type != envelope.TypeForeign {
			t.Errorf("%s: got type %q", tc.name, first.Type)
		}
	}
}

func TestTooLargeForeignMessagesAreErrors(t *testing.T) {
	t.Parallel()
	var e envelope.Event
	for field, r := range map[string]envelope.Record{
		"message": {ID: "1", Body: make([]byte, 1_000_000)},
		"headers": {ID: "1", Headers: manyHeaders(129)},
	} {
		form, err := envelope.Decode(&e, &r, envelope.Limits{})
		checkError(t, err, field, envelope.ErrTooLarge)
		if form != envelope.FormForeign {
			t.Errorf("got form %v", form)
		}
	}
}

func TestANumericHeraldInABareDocumentMarksIt(t *testing.T) {
	t.Parallel()
	var e envelope.Event
	form, err := envelope.Decode(&e, &envelope.Record{Body: []byte(`{"eventId":"1","type":"ping","herald":1}`)}, envelope.Limits{})
	if form != envelope.FormJSON || err != nil || !reflect.DeepEqual(e, minimal()) {
		t.Errorf("got %v, %v, %+v", form, err, e)
	}
	form, err = envelope.Decode(&e, &envelope.Record{Body: []byte(`{"eventId":"1","herald":1,"type":""}`)}, envelope.Limits{})
	checkError(t, err, "type", envelope.ErrMalformed)
	if form != envelope.FormJSON {
		t.Errorf("got form %v", form)
	}
	form, err = envelope.Decode(&e, &envelope.Record{Body: []byte(`{"eventId":"1","type":"ping","herald":"tribune"}`)}, envelope.Limits{})
	if form != envelope.FormBareJSON || err != nil || !reflect.DeepEqual(e, minimal()) {
		t.Errorf("got %v, %v, %+v", form, err, e)
	}
}

func TestDetectAllocatesNothing(t *testing.T) {
	r := envelope.Record{Body: []byte(article), Headers: headers{{"a", "b"}}}
	if n := testing.AllocsPerRun(100, func() { _ = envelope.Detect(&r) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
