package heraldwatermill_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

var codecs = []envelope.Codec{
	heraldwatermill.AMQP(heraldwatermill.Mapping{}), heraldwatermill.Kafka(heraldwatermill.Mapping{}), heraldwatermill.Redis(heraldwatermill.Mapping{}),
}

func TestCodec_AnEventComesBack(t *testing.T) {
	t.Parallel()
	event := envelope.New("order.placed", []byte("\x00\xff"), envelope.ID("1"), envelope.Key("k"), envelope.Version("2"), envelope.Correlation("c"),
		envelope.ContentType("application/octet-stream"), envelope.Schema("s"), envelope.ReplyTo("r"),
		envelope.WithHeader("long", strings.Repeat("l", 70_000)), envelope.WithHeader("medium", strings.Repeat("m", 300)),
		envelope.WithHeader("short", strings.Repeat("s", 40)), envelope.WithHeader("tenant", "acme"))
	limits := envelope.Limits{HeaderBytes: 1 << 20}
	for _, c := range codecs {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			var r envelope.Record
			if err := c.Encode(&r, &event); err != nil {
				t.Fatal(err)
			}
			if d, ok := c.(messaging.Detector); !ok || !d.Detect(&r) {
				t.Error("its own form is not detected")
			}
			var got envelope.Event
			if err := c.Decode(&got, &r, limits); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, event) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestCodec_RefusesWhatItCantWriteAndWhatIsBroken(t *testing.T) {
	t.Parallel()
	later := envelope.New("t", nil, envelope.DeliverAt(time.Now()))
	taken := envelope.New("t", nil, envelope.WithHeader("_watermill_message_uuid", "x"))
	for _, c := range codecs {
		for _, e := range []envelope.Event{later, taken} {
			var r envelope.Record
			if err := c.Encode(&r, &e); !errors.Is(err, envelope.ErrInvalid) {
				t.Errorf("%s: encode: %v", c.Name(), err)
			}
		}
		wrong := envelope.Record{Headers: []envelope.Header{
			{Key: "_watermill_message_uuid", Value: "1"}, {Key: "metadata", Value: "\x81\xabherald_type\xa3a b"}, {Key: "herald_type", Value: "a b"},
		}}
		var e envelope.Event
		if err := c.Decode(&e, &wrong, envelope.Limits{}); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: decode: %v", c.Name(), err)
		}
	}
}

func FuzzRedisCodec(f *testing.F) {
	for _, seed := range []string{"", "\xc0", "\x81\xa1a\xa1b", "\xde\x00\x01\xd9\x01a\xda\x00\x01b", "\xdf\xff\xff\xff\xff", "\x81\xa1", "\x80x"} {
		f.Add(seed)
	}
	c := heraldwatermill.Redis(heraldwatermill.Mapping{})
	f.Fuzz(func(t *testing.T, metadata string) {
		r := envelope.Record{Headers: []envelope.Header{
			{Key: "_watermill_message_uuid", Value: "1"}, {Key: "metadata", Value: metadata}, {Key: "payload", Value: "p"},
		}}
		var e envelope.Event
		if err := c.Decode(&e, &r, envelope.Limits{}); err != nil {
			if !errors.Is(err, envelope.ErrMalformed) && !errors.Is(err, envelope.ErrTooLarge) {
				t.Errorf("%v", err)
			}
			return
		}
		var again envelope.Record
		if err := c.Encode(&again, &e); err != nil {
			return // a reserved name, which only a stranger writes
		}
		var back envelope.Event
		if err := c.Decode(&back, &again, envelope.Limits{}); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%v: %+v, want %+v", err, back, e)
		}
	})
}
