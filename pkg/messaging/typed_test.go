package messaging_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestDefinition_NewMakesAnEventOfTheValue(t *testing.T) {
	t.Parallel()
	d := messaging.Define[order]("order.placed", "")
	if d.Type() != "order.placed" || d.Version() != "1" {
		t.Errorf("defined %s version %s", d.Type(), d.Version())
	}
	e := orderPlaced2.New(order{"o-1", 250}, envelope.Key("customer"), envelope.ID("id"))
	want := envelope.Event{
		ID: "id", Type: "order.placed", Version: "2", ContentType: "application/json", Key: "customer", Time: e.Time,
		Data: []byte(`{"id":"o-1","cents":250}`),
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("made %+v, want %+v", e, want)
	}
	if e := orderPlaced.New(order{}, envelope.Version("9"), envelope.ContentType("text/json")); e.Version != "9" || e.ContentType != "text/json" {
		t.Errorf("options come last: %+v", e)
	}
	v, err := orderPlaced2.Decode(&e)
	if want := (order{"o-1", 250}); err != nil || v != want {
		t.Errorf("decoded %+v, %v", v, err)
	}
	if _, err := orderPlaced.Decode(&envelope.Event{Type: "order.placed", Version: "1", Data: []byte(`[]`)}); err == nil ||
		!strings.HasPrefix(err.Error(), "data of order.placed version 1: ") {
		t.Errorf("decoding an array: %v", err)
	}
}

func TestOn_HandlerGetsTheValueAndTheDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		on := messaging.On(orderPlaced, func(_ context.Context, e messaging.Typed[order]) error {
			s.saw("%s %s %d %s #%d", e.Key, e.Value.ID, e.Value.Cents, e.Group, e.Attempt)
			return nil
		})
		if _, err := s.Subscribe(t.Context(), "orders", messaging.Route(on), messaging.Group("billing")); err != nil {
			t.Fatal(err)
		}
		bad := envelope.New("order.placed", []byte(`{"id":7}`), envelope.ID("bad"))
		if err := s.Publish(t.Context(), "orders", orderPlaced.New(order{"o-1", 250}, envelope.Key("k")), bad); err != nil {
			t.Fatal(err)
		}
		s.want("k o-1 250 billing #1")
		letters := s.letters()
		if len(letters) != 1 || letters[0].Reason != messaging.ReasonDecode || letters[0].Event.ID != "bad" || string(letters[0].Event.Data) != `{"id":7}` ||
			!strings.Contains(letters[0].Error, "data of order.placed version 1") {
			t.Errorf("dead letters %+v", letters)
		}
	})
}
