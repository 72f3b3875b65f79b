package envelope_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// checkCloudEvent holds reading to checkStable, and what was read to coming
// back from the CloudEvents forms unchanged, under detection.
func checkCloudEvent(t *testing.T, r *envelope.Record) {
	t.Helper()
	checkStable(t, r)
	var e envelope.Event
	if _, err := envelope.Decode(&e, r, envelope.Limits{Message: 64 << 10}); err != nil {
		return
	}
	for form, codec := range map[envelope.Form]envelope.Codec{
		envelope.FormCloudEvents: envelope.CloudEvents, envelope.FormCloudEventsJSON: envelope.CloudEventsStructured,
	} {
		var again envelope.Record
		if err := codec.Encode(&again, &e); err != nil {
			if !errors.Is(err, envelope.ErrInvalid) {
				t.Fatalf("%v: %v", form, err)
			}
			continue
		}
		var back envelope.Event
		found, err := envelope.Decode(&back, &again, envelope.Limits{})
		if found != form || err != nil {
			t.Fatalf("%v wrote what it can't read: %v, %v\n%q", form, found, err, again)
		}
		if len(back.Data) == 0 && len(e.Data) == 0 {
			back.Data = e.Data
		}
		if !reflect.DeepEqual(back, e) {
			t.Fatalf("%v: got\n%+v\nwant\n%+v", form, back, e)
		}
	}
}

func FuzzDecodeCloudEvents(f *testing.F) {
	f.Add("application/json", int64(1705314600e9), "ce_id=1\nce_source=/s\nce_type=ping\nce_specversion=1.0\ntenant=acme", []byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, contentType string, at int64, lines string, body []byte) {
		r := envelope.Record{ContentType: contentType, Time: time.Unix(0, at), Headers: splitHeaders(lines), Body: body, Position: "1"}
		checkCloudEvent(t, &r)
		r.ContentType, r.Headers = envelope.ContentTypeCloudEvents, r.Headers[:0:0]
		checkCloudEvent(t, &r)
	})
}
