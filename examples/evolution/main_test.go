package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema/gotypes"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// version 1
	//   shop 1 published 200, billing 1 handled them
	//   refused: data does not fit its schema order.placed version 1: /total: expected 0 or more
	//
	// version 2: a note, if the customer made one
	//   gate: version 2 may be published
	//   shop 1 and shop 2 published 400 each, billing 1 and billing 2 handled them
	//
	// version 3: a currency, in every order
	//   gate: order.placed/3.json: /properties/currency: `currency` became required: events of version 2 lack it (json-required-added, backward)
	//   gate: version 3 is stopped
	//   billing 3 has an upcaster that knows the currency of version 2
	//   gate: version 3 may be published
	//   shop 1 and shop 2 published 200 each, billing 2 and billing 3 handled them
	//   shop 2 and shop 3 published 200 each, billing 3 handled them
	//
	// version 4: the total as text
	//   gate: order.placed/4.json: /properties/total/type: `total` changed from integer to string: events of version 3 may hold 1 (json-type-narrowed, backward)
	//   gate: order.placed/4.json: /properties/total/type: `total` changed from integer to string: events of version 4 may hold "text" (json-type-narrowed, forward)
	//   gate: version 4 is stopped
	//
	// published 1800 orders of 224100 cents, billing handled 1800 of 224100, the ledger 1600 of the 1600 since it is there; dead letters: 0
	// nothing was lost
}

func TestWhatIsLostIsAnError(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*story){
		"orders were lost": func(s *story) { s.published++ },
		"came twice":       func(s *story) { s.billing.write(1, 100) },
		"dead letters":     func(s *story) { s.dead.told = []string{"order.placed"} },
	} {
		s := &story{out: io.Discard, billing: newBook(), ledger: newBook(), dead: &deadLetters{}, published: 1, sum: 100, sinceThen: 1}
		s.billing.write(1, 100)
		if err := s.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		spoil(s)
		if err := s.settle(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestAnOpenGateIsAnError(t *testing.T) {
	t.Parallel()
	s := &story{out: io.Discard}
	if err := s.gate(t.Context(), "2", nil); err != nil {
		t.Errorf("version 2: %v", err)
	}
	if err := s.gate(t.Context(), "3", nil); err == nil {
		t.Error("version 3 needs its upcaster")
	}
	if err := s.breaking(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheTypesAreThoseOfTheSchemas(t *testing.T) {
	t.Parallel()
	registry, err := folder("schemas")
	if err != nil {
		t.Fatal(err)
	}
	refs, err := registry.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sources []gotypes.Source
	for _, ref := range refs {
		s, err := registry.Schema(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, gotypes.Source{Ref: ref, Schema: s})
	}
	want, err := gotypes.To(gotypes.ToConfig{Package: "main", Define: true}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("events.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("run go generate in this folder")
	}
}
