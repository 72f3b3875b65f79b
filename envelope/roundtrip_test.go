package envelope_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

// pick returns up to most characters of the alphabet.
func pick(rnd *rand.Rand, alphabet string, least, most int) string {
	runes := []rune(alphabet)
	out := make([]rune, least+rnd.IntN(most-least+1))
	for i := range out {
		out[i] = runes[rnd.IntN(len(runes))]
	}
	return string(out)
}

func randomTime(rnd *rand.Rand) time.Time {
	if rnd.IntN(3) == 0 {
		return time.Time{}
	}
	// From the year 1 to 9999.
	return time.Unix(rnd.Int64N(315_000_000_000)-62_000_000_000, rnd.Int64N(1e9)).UTC()
}

// randomEvent is a valid event.
func randomEvent(rnd *rand.Rand) envelope.Event {
	const (
		typ  = "abcXYZ019._:/-"
		text = "abc XYZ \"\\/<>&é\u2028😀{}[],:'"
		key  = "abcdefghijklmnopqrstuvwyz019._-"
	)
	attribute := func() string { return pick(rnd, text, 0, 12) }
	e := envelope.Event{
		ID: pick(rnd, text, 1, 40), Type: pick(rnd, typ, 1, 30), Version: pick(rnd, "0123456789.", 1, 5), Source: attribute(),
		CorrelationID: attribute(), CausationID: attribute(), Time: randomTime(rnd), Key: attribute(),
		Schema: attribute(), ReplyTo: attribute(), ExpiresAt: randomTime(rnd), DeliverAt: randomTime(rnd),
		TraceParent: attribute(), TraceState: attribute(), Baggage: attribute(),
		ContentType: []string{"", "application/json", "text/plain", "application/x+json; q=1"}[rnd.IntN(4)],
	}
	for range rnd.IntN(5) {
		k := pick(rnd, key, 1, 8)
		if _, taken := e.Headers.Lookup(k); !taken && !envelope.ReservedHeader(k) {
			e.Headers = append(e.Headers, envelope.Header{Key: k, Value: attribute() + "\t\x01"})
		}
	}
	e.Data = []byte([]string{"{}", `{"a":[1,"é"]}`, `{"a":1,"a":1}`, " 1 ", "null", "\xff\x00", "text", `"\u0000"`}[rnd.IntN(8)])
	return e
}

func TestCodecsHaveNames(t *testing.T) {
	t.Parallel()
	if envelope.Binary.Name() != "binary" || envelope.JSON.Name() != "json" {
		t.Errorf("got %q and %q", envelope.Binary.Name(), envelope.JSON.Name())
	}
}

func TestEveryValidEventSurvivesEveryForm(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	codecs := []struct {
		envelope.Codec
		form envelope.Form
	}{
		{envelope.Binary, envelope.FormBinary},
		{envelope.JSON, envelope.FormJSON},
		{envelope.JSONCodec{TypeMember: "eventType"}, envelope.FormJSON},
		{envelope.JSONCodec{Unmarked: true}, envelope.FormBareJSON},
	}
	var r envelope.Record
	for i := range 5000 {
		e := randomEvent(rnd)
		if err := e.Validate(envelope.Limits{}); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		for _, c := range codecs {
			before := e.Clone()
			if err := c.Encode(&r, &e); err != nil {
				t.Fatalf("event %d in %v: %v", i, c.form, err)
			}
			if !reflect.DeepEqual(e, before) {
				t.Fatalf("event %d in %v: encoding changed it", i, c.form)
			}
			if c.form == envelope.FormBinary && r.Size() != e.Size() {
				t.Fatalf("event %d: written size %d, event's size %d", i, r.Size(), e.Size())
			}
			var got envelope.Event
			form, err := envelope.Decode(&got, &r, envelope.Limits{})
			if form != c.form || err != nil || !reflect.DeepEqual(got, e) {
				t.Fatalf("event %d: got %v, %v\n%+v\nwant %v\n%+v\nbody %s", i, form, err, got, c.form, e, r.Body)
			}
		}
	}
}
