package messaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Three versions of one event.
type (
	placed1 struct{ Name string }
	placed2 struct{ First, Last string }
	placed3 struct {
		First, Last string
		VIP         bool
	}
)

var (
	v1 = messaging.Define[placed1]("order.placed", "1")
	v2 = messaging.Define[placed2]("order.placed", "2")
	v3 = messaging.Define[placed3]("order.placed", "3.0")
)

var errNameless = errors.New("no name")

func to2(o placed1) (placed2, error) {
	first, last, _ := strings.Cut(o.Name, " ")
	if first == "" {
		return placed2{}, errNameless
	}
	return placed2{first, last}, nil
}

func to3(o placed2) (placed3, error) { return placed3{o.First, o.Last, o.Last == "Lovelace"}, nil }
func back2(o placed3) (placed2, error) {
	return placed2{o.First, o.Last}, nil
}
func back1(o placed2) (placed1, error) { return placed1{o.First + " " + o.Last}, nil }

var (
	up12   = messaging.Upcast(v1, v2, to2)
	up23   = messaging.Upcast(v2, v3, to3)
	down32 = messaging.Downcast(v3, v2, back2)
	down21 = messaging.Downcast(v2, v1, back1)
)

// taking binds a handler that notes what it gets.
func taking[T any](s *shop, d messaging.Definition[T]) messaging.Binding {
	return messaging.On(d, func(_ context.Context, e messaging.Typed[T]) error {
		s.saw("%+v as version %s, %s, %s", e.Value, e.Version, e.Data, e.ContentType)
		return nil
	})
}

func publishThree(s *shop) {
	s.t.Helper()
	for _, e := range []envelope.Event{
		v1.New(placed1{"Ada Lovelace"}), v2.New(placed2{"Alan", "Turing"}), v3.New(placed3{"Grace", "Hopper", true}),
	} {
		if err := s.Publish(s.t.Context(), "orders", e); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestUpcast_AHandlerOfTheNewestVersionGetsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(messaging.Route(taking(s, v3), up23, up12).Handle, messaging.Concurrency(1))
		publishThree(s)
		s.want(
			`{First:Ada Last:Lovelace VIP:true} as version 3, {"First":"Ada","Last":"Lovelace","VIP":true}, application/json`,
			`{First:Alan Last:Turing VIP:false} as version 3, {"First":"Alan","Last":"Turing","VIP":false}, application/json`,
			`{First:Grace Last:Hopper VIP:true} as version 3.0, {"First":"Grace","Last":"Hopper","VIP":true}, application/json`,
		)
	})
}

func TestUpcast_AVersionsOwnHandlerAndTheNearestOneWin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(messaging.Route(taking(s, v3), taking(s, v2), up12, up23, down32).Handle, messaging.Concurrency(1))
		publishThree(s)
		s.want(
			`{First:Ada Last:Lovelace} as version 2, {"First":"Ada","Last":"Lovelace"}, application/json`,
			`{First:Alan Last:Turing} as version 2, {"First":"Alan","Last":"Turing"}, application/json`,
			`{First:Grace Last:Hopper VIP:true} as version 3.0, {"First":"Grace","Last":"Hopper","VIP":true}, application/json`,
		)
	})
}

func TestDowncast_AHandlerOfTheOldestVersionGetsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(messaging.Route(taking(s, v1), down21, down32).Handle, messaging.Concurrency(1))
		publishThree(s)
		s.want(
			`{Name:Ada Lovelace} as version 1, {"Name":"Ada Lovelace"}, application/json`,
			`{Name:Alan Turing} as version 1, {"Name":"Alan Turing"}, application/json`,
			`{Name:Grace Hopper} as version 1, {"Name":"Grace Hopper"}, application/json`,
		)
	})
}

func TestDowncast_IsTakenOnlyWhereNoUpcasterLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(messaging.Route(taking(s, v1), taking(s, v3), down21, up23).Handle)
		if err := s.Publish(t.Context(), "orders", v2.New(placed2{"Alan", "Turing"})); err != nil {
			t.Fatal(err)
		}
		s.want(`{First:Alan Last:Turing VIP:false} as version 3, {"First":"Alan","Last":"Turing","VIP":false}, application/json`)
	})
}

func TestUpcast_WhatCantBeCastIsADeadLetterWithItsOwnData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(messaging.Route(taking(s, v3), up23, up12).Handle)
		bad := []envelope.Event{
			v1.New(placed1{}), envelope.New("order.placed", []byte("{"), envelope.Version("1")), envelope.New("order.placed", []byte("{}"), envelope.Version("4")),
		}
		for _, e := range bad {
			if err := s.Publish(t.Context(), "orders", e); err != nil {
				t.Fatal(err)
			}
		}
		letters := s.inOrder()
		if len(letters) != len(bad) {
			t.Fatalf("%d dead letters", len(letters))
		}
		for i, l := range letters {
			want := []string{"from version 1 to 2: no name", "data of order.placed version 1: ", "no handler for version 4 of order.placed, and no upcaster to one"}[i]
			if l.Reason != messaging.ReasonVersion || !strings.Contains(l.Error, want) || string(l.Event.Data) != string(bad[i].Data) || l.Event.Version != bad[i].Version {
				t.Errorf("%+v, want %s", l, want)
			}
		}
	})
}

func TestUpcast_BrokenChainsAreRefusedWhenSubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		other := messaging.Define[placed2]("order.shipped", "2")
		pattern := messaging.Define[placed1]("order.*", "1")
		nothing := func(context.Context, *messaging.Delivery) error { return nil }
		for name, tc := range map[string]struct {
			h    messaging.Handler
			want string
		}{
			"leads nowhere":      {messaging.Route(taking(s, v1), up12), "the cast to version 2 of order.placed leads to no handler"},
			"no handler at all":  {messaging.Route(messaging.OnType("x", messaging.HandlerFunc(nothing)), up12), "leads to no handler"},
			"only a wildcard":    {messaging.Route(messaging.OnType("order.placed", messaging.HandlerFunc(nothing)), up12), "leads to no handler"},
			"twice":              {messaging.Route(taking(s, v2), up12, up12), "two casts from version 1 to 2 of order.placed"},
			"another type":       {messaging.Route(taking(s, v2), messaging.Upcast(v1, other, to2)), "both must be of one type"},
			"to itself":          {messaging.Route(taking(s, v1), messaging.Upcast(v1, v1, func(o placed1) (placed1, error) { return o, nil })), "to itself"},
			"a pattern":          {messaging.Route(taking(s, v2), messaging.Upcast(pattern, messaging.Define[placed2]("order.*", "2"), to2)), "is a pattern"},
			"nil":                {messaging.Route(taking(s, v2), messaging.Upcast[placed1, placed2](v1, v2, nil)), "is nil"},
			"a batch":            {messaging.OnBatch(v1, nil, messaging.BatchOptions{Casts: []messaging.Binding{up12}}), "does not lead to version 1"},
			"a batch's handlers": {messaging.OnBatch(v1, nil, messaging.BatchOptions{Casts: []messaging.Binding{taking(s, v1)}}), "is no cast"},
		} {
			_, err := s.Subscribe(t.Context(), "orders", tc.h, messaging.Group("billing"))
			refused(t, name, err, messaging.ErrInvalid, tc.want)
		}
	})
}

func TestUpcast_BatchesAreCastEventByEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		h := messaging.OnBatch(v3, func(_ context.Context, batch []messaging.Typed[placed3]) error {
			for _, e := range batch {
				s.saw("%+v %s", e.Value, e.Version)
			}
			return nil
		}, messaging.BatchOptions{Size: 4, Casts: []messaging.Binding{up12, up23}})
		if _, err := s.Subscribe(t.Context(), "orders", h, messaging.Group("billing")); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), "orders", v1.New(placed1{})); err != nil {
			t.Fatal(err)
		}
		publishThree(s)
		s.want("{First:Ada Last:Lovelace VIP:true} 3", "{First:Alan Last:Turing VIP:false} 3", "{First:Grace Last:Hopper VIP:true} 3.0")
		if l := s.letters(); len(l) != 1 || l[0].Reason != messaging.ReasonVersion {
			t.Errorf("%v", l)
		}
	})
}

// A publisher that owes a consumer the older version publishes it under a topic of its own.
func TestDowncast_ATransformPublishesTheOlderVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		caster, err := messaging.NewCaster(down32, down21)
		if err != nil {
			t.Fatal(err)
		}
		old := messaging.Transform(s, "orders-1", func(_ context.Context, d *messaging.Delivery) ([]envelope.Event, error) {
			e, err := caster.Cast(d.Event, "1")
			return []envelope.Event{e}, err
		})
		if _, err := s.Subscribe(t.Context(), "orders", old, messaging.Group("old")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Subscribe(t.Context(), "orders-1", messaging.Route(taking(s, v1)), messaging.Group("billing")); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), "orders", v3.New(placed3{"Grace", "Hopper", true}, envelope.Key("k"))); err != nil {
			t.Fatal(err)
		}
		s.want(`{Name:Grace Hopper} as version 1, {"Name":"Grace Hopper"}, application/json`)
	})
}

func TestCaster_KeepsAllButTheData(t *testing.T) {
	t.Parallel()
	caster, err := messaging.NewCaster(up12, up23, down32, down21)
	if err != nil {
		t.Fatal(err)
	}
	e := v1.New(placed1{"Ada Lovelace"}, envelope.Key("k"), envelope.ID("e-1"))
	e.Schema = "order.placed/1.json"
	before := string(e.Data)
	got, err := caster.Cast(e, "3")
	if err != nil || got.ID != "e-1" || got.Key != "k" || got.Version != "3" || got.Schema != "" || string(e.Data) != before || e.Version != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if same, err := caster.Cast(e, "1.0"); err != nil || string(same.Data) != before {
		t.Errorf("%+v, %v", same, err)
	}
	if _, err := caster.Cast(e, "7"); !errors.Is(err, messaging.ErrInvalid) {
		t.Error(err)
	}
	if got, err := caster.Cast(v1.New(placed1{}), "3"); !errors.Is(err, errNameless) || got.Version != "1" {
		t.Errorf("%+v, %v", got, err)
	}
}

// reversed is a data codec: JSON, backwards.
type reversed struct{}

func (reversed) ContentType() string { return "application/nosj" }
func (reversed) Marshal(v placed1) ([]byte, error) {
	data, err := json.Marshal(v)
	return turn(data), err
}

func (reversed) Unmarshal(data []byte, v *placed1) error { return json.Unmarshal(turn(data), v) }

func turn(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := len(data) - 1; i >= 0; i-- {
		out = append(out, data[i])
	}
	return out
}

func TestDefineWith_ACodecWritesAndReadsTheData(t *testing.T) {
	t.Parallel()
	d := messaging.DefineWith[placed1]("order.placed", "", reversed{})
	e := d.New(placed1{"Ada"})
	if string(e.Data) != `}"adA":"emaN"{` || e.ContentType != "application/nosj" || e.Version != "1" {
		t.Errorf("%+v", e)
	}
	if got, err := d.Decode(&e); err != nil || got != (placed1{"Ada"}) {
		t.Errorf("%+v, %v", got, err)
	}
	e.Data = []byte("{")
	if _, err := d.Decode(&e); err == nil || !strings.Contains(err.Error(), "data of order.placed version 1") {
		t.Error(err)
	}
	caster, err := messaging.NewCaster(messaging.Upcast(d, v2, to2), messaging.Downcast(v2, d, back1))
	if err != nil {
		t.Fatal(err)
	}
	down, err := caster.Cast(v2.New(placed2{"Ada", "L"}), "1")
	if err != nil || string(down.Data) != `}"L adA":"emaN"{` || down.ContentType != "application/nosj" {
		t.Errorf("%s, %v", down.Data, err)
	}
}

// inOrder returns the dead letters in the order of the topic.
func (s *shop) inOrder() []*messaging.DeadLetter {
	s.t.Helper()
	letters := s.letters()
	slices.SortFunc(letters, func(a, b *messaging.DeadLetter) int { return strings.Compare(a.Position, b.Position) })
	return letters
}
