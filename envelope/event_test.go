package envelope_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
)

// Not parallel: the bubble's clock is far from that of tests that compare ids.
func TestNewSetsIDTimeAndVersionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := envelope.New("order.placed", []byte("{}"))
		if e.ID == "" {
			t.Fatal("no id")
		}
		want := envelope.Event{ID: e.ID, Type: "order.placed", Version: "1", Time: time.Now().Round(0).UTC(), Data: []byte("{}")}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("got %+v, want %+v", e, want)
		}
	})
}

func TestTimesHaveNoMonotonicReading(t *testing.T) {
	t.Parallel()
	now := time.Now()
	e := envelope.New("order.placed", nil, envelope.DeliverAt(now), envelope.ExpiresAt(now))
	plain := envelope.New("order.placed", nil)
	for _, got := range []time.Time{e.Time, e.DeliverAt, e.ExpiresAt, plain.Time} {
		if got != got.Round(0) || got.Location() != time.UTC {
			t.Errorf("got %v", got)
		}
	}
}

func TestOptionsSetEveryAttribute(t *testing.T) {
	t.Parallel()
	want := full()
	zone := time.FixedZone("east", 3600)
	got := envelope.New(want.Type, want.Data,
		envelope.ID(want.ID), envelope.Version(want.Version), envelope.Source(want.Source),
		envelope.Correlation(want.CorrelationID), envelope.Causation(want.CausationID), envelope.At(want.Time.In(zone)),
		envelope.Key(want.Key), envelope.ContentType(want.ContentType), envelope.Schema(want.Schema),
		envelope.ReplyTo(want.ReplyTo), envelope.ExpiresAt(want.ExpiresAt.In(zone)), envelope.DeliverAt(want.DeliverAt.In(zone)),
		envelope.WithHeader("tenant", "other"), envelope.WithHeader("note", want.Headers[1].Value), envelope.WithHeader("tenant", "acme"),
		func(e *envelope.Event) {
			e.TraceParent, e.TraceState, e.Baggage = want.TraceParent, want.TraceState, want.Baggage
		},
	)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestWithHeaderLeavesSharedHeadersAlone(t *testing.T) {
	t.Parallel()
	shared := append(make(envelope.Headers, 0, 8), envelope.Header{Key: "a", Value: "1"})
	one, two := envelope.Event{Headers: shared}, envelope.Event{Headers: shared}
	envelope.WithHeader("a", "2")(&one)
	envelope.WithHeader("b", "3")(&one)
	envelope.WithHeader("c", "4")(&two)
	if want := (envelope.Headers{{Key: "a", Value: "2"}, {Key: "b", Value: "3"}}); !reflect.DeepEqual(one.Headers, want) {
		t.Errorf("got %v, want %v", one.Headers, want)
	}
	if want := (envelope.Headers{{Key: "a", Value: "1"}, {Key: "c", Value: "4"}}); !reflect.DeepEqual(two.Headers, want) {
		t.Errorf("got %v, want %v", two.Headers, want)
	}
}

func TestDerivedFromDoesNotDependOnTheOrderOfOptions(t *testing.T) {
	t.Parallel()
	root := envelope.Event{ID: "p"}
	child := envelope.Event{ID: "p", CorrelationID: "c"}
	type ids struct{ id, correlation, causation string }
	for _, tc := range []struct {
		name string
		opts []envelope.Option
		want ids
	}{
		{"named by the type", []envelope.Option{envelope.DerivedFrom(child)}, ids{envelope.DeriveID("p", "t"), "c", "p"}},
		{"parent without correlation", []envelope.Option{envelope.DerivedFrom(root)}, ids{envelope.DeriveID("p", "t"), "p", "p"}},
		{"named", []envelope.Option{envelope.DerivedFrom(child, "n")}, ids{envelope.DeriveID("p", "n"), "c", "p"}},
		{"path", []envelope.Option{envelope.DerivedFrom(child, "n", "m")}, ids{envelope.DeriveID(envelope.DeriveID("p", "n"), "m"), "c", "p"}},
		{"with id", []envelope.Option{envelope.ID("x"), envelope.DerivedFrom(child)}, ids{"x", "c", "p"}},
		{"with all", []envelope.Option{envelope.Correlation("y"), envelope.DerivedFrom(child), envelope.Causation("z")}, ids{envelope.DeriveID("p", "t"), "y", "z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			forward := envelope.New("t", nil, tc.opts...)
			var reversed []envelope.Option
			for i := len(tc.opts) - 1; i >= 0; i-- {
				reversed = append(reversed, tc.opts[i])
			}
			backward := envelope.New("t", nil, reversed...)
			for _, e := range []envelope.Event{forward, backward} {
				if got := (ids{e.ID, e.CorrelationID, e.CausationID}); got != tc.want {
					t.Errorf("got %+v, want %+v", got, tc.want)
				}
			}
		})
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	e := full()
	c := e.Clone()
	if !reflect.DeepEqual(c, e) {
		t.Fatalf("got %+v, want %+v", c, e)
	}
	c.Headers[0].Value, c.Data[0] = "changed", '!'
	if want := full(); !reflect.DeepEqual(e, want) {
		t.Errorf("changing the clone changed the event: %+v", e)
	}
	empty := envelope.Event{}
	if c := empty.Clone(); c.Headers != nil || c.Data != nil {
		t.Errorf("nil became %v, %v", c.Headers, c.Data)
	}
}

func TestHeadersLookUpTheFirstOfAKey(t *testing.T) {
	t.Parallel()
	hs := envelope.Headers{{Key: "a", Value: "1"}, {Key: "b", Value: ""}, {Key: "a", Value: "2"}}
	if got := hs.Get("a"); got != "1" {
		t.Errorf("Get: got %q", got)
	}
	if v, ok := hs.Lookup("b"); v != "" || !ok {
		t.Errorf("Lookup of an empty value: got %q, %v", v, ok)
	}
	if v, ok := hs.Lookup("A"); v != "" || ok {
		t.Errorf("Lookup of another case: got %q, %v", v, ok)
	}
	if got, want := hs.Map(), map[string]string{"a": "1", "b": ""}; !reflect.DeepEqual(got, want) {
		t.Errorf("Map: got %v, want %v", got, want)
	}
	if envelope.Headers(nil).Map() == nil {
		t.Error("Map of none is nil")
	}
}

func TestEventsAreJSONValues(t *testing.T) {
	t.Parallel()
	e := full()
	e.Data = []byte(`{"a":1}`)
	b, err := json.Marshal(map[string]envelope.Event{"event": e})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]envelope.Event
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got["event"], e) {
		t.Errorf("got\n%+v\nwant\n%+v", got["event"], e)
	}
	var bare envelope.Event
	if err := json.Unmarshal([]byte(article), &bare); err != nil || !reflect.DeepEqual(bare, articleEvent()) {
		t.Errorf("bare form: got %+v, %v", bare, err)
	}
}

func TestUnmarshalJSONLeavesTheEventAloneOnErrorsAndCopies(t *testing.T) {
	t.Parallel()
	e := full()
	if err := e.UnmarshalJSON([]byte(`{"eventId":"x"}`)); !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
	if want := full(); !reflect.DeepEqual(e, want) {
		t.Errorf("changed to %+v", e)
	}
	b := []byte(article)
	if err := e.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if want := articleEvent(); !reflect.DeepEqual(e, want) {
		t.Errorf("shares the text: %+v", e)
	}
}

func TestMarshalJSONRefusesWhatJSONCannotCarry(t *testing.T) {
	t.Parallel()
	e := minimal()
	e.Key = "\xff"
	_, err := json.Marshal(e)
	if !errors.Is(err, envelope.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
