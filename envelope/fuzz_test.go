package envelope_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// splitHeaders reads headers as lines of key=value, which can hold all that
// matters except line ends in keys.
func splitHeaders(lines string) headers {
	if lines == "" {
		return nil
	}
	var hs headers
	for line := range strings.SplitSeq(lines, "\n") {
		key, value, _ := strings.Cut(line, "=")
		hs = append(hs, envelope.Header{Key: key, Value: value})
	}
	return hs
}

// checkStable holds decoding to its promises for any record: an error is one
// of ours, and what was read can be written and read again unchanged.
func checkStable(t *testing.T, r *envelope.Record) {
	t.Helper()
	limits := envelope.Limits{Message: 64 << 10}
	var e envelope.Event
	form, err := envelope.Decode(&e, r, limits)
	if err != nil {
		var typed *envelope.Error
		if !errors.As(err, &typed) || !errors.Is(err, envelope.ErrMalformed) && !errors.Is(err, envelope.ErrTooLarge) {
			t.Fatalf("form %v: %v is none of the package's errors", form, err)
		}
		if !form.Marked() && !errors.Is(err, envelope.ErrTooLarge) {
			t.Fatalf("form %v, which claims nothing: %v", form, err)
		}
		return
	}
	if len(e.ID) == 0 || len(e.Type) == 0 || e.Version == "" {
		t.Fatalf("form %v without id, type or version: %+v", form, e)
	}
	for _, c := range []envelope.Codec{envelope.Binary, envelope.JSON, envelope.JSONCodec{TypeMember: "eventType", Unmarked: true}} {
		var again envelope.Record
		if err := c.Encode(&again, &e); err != nil {
			if !errors.Is(err, envelope.ErrInvalid) {
				t.Fatalf("%s: %v", c.Name(), err)
			}
			continue
		}
		var back envelope.Event
		if err := c.Decode(&back, &again, envelope.Limits{}); err != nil {
			t.Fatalf("%s wrote what it can't read: %v\n%s", c.Name(), err, again.Body)
		}
		if len(back.Data) == 0 && len(e.Data) == 0 {
			back.Data = e.Data
		}
		if !reflect.DeepEqual(back, e) {
			t.Fatalf("%s: got\n%+v\nwant\n%+v", c.Name(), back, e)
		}
	}
}

func FuzzDecodeBinary(f *testing.F) {
	f.Add("1", "ping", "k", "application/json", int64(1705314600e9), "herald-source=s\ntenant=acme", []byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, id, typ, key, contentType string, at int64, lines string, body []byte) {
		hs := append(headers{{Key: "herald", Value: "1"}}, splitHeaders(lines)...)
		checkStable(t, &envelope.Record{
			ID: id, Type: typ, Key: key, ContentType: contentType, Time: time.Unix(0, at), Headers: hs, Body: body,
		})
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(article))
	f.Fuzz(func(t *testing.T, body []byte) {
		checkStable(t, &envelope.Record{ContentType: envelope.ContentTypeEvent, Body: body})
		checkStable(t, &envelope.Record{Position: "1", Body: body})
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("1", "ping", "k", "application/json", int64(1705314600e9), "herald=1\ntraceparent=tp", []byte(article), "0-1")
	f.Fuzz(func(t *testing.T, id, typ, key, contentType string, at int64, lines string, body []byte, position string) {
		checkStable(t, &envelope.Record{
			ID: id, Type: typ, Key: key, ContentType: contentType, Time: time.Unix(at, 0), Headers: splitHeaders(lines), Body: body, Position: position,
		})
	})
}
