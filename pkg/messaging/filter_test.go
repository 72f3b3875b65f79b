package messaging_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

func TestTypePattern_Matches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, typ string
		want         bool
	}{
		{"order.placed", "order.placed", true},
		{"order.placed", "order.place", false},
		{"order.placed", "order", false},
		{"order", "order.placed", false},
		{"order.*", "order.placed", true},
		{"order.*", "order", false},
		{"order.*", "order.placed.eu", false},
		{"*.placed", "order.placed", true},
		{"*.placed", "placed", false},
		{"*", "order", true},
		{"*", "order.placed", false},
		{"#", "order", true},
		{"#", "order.placed.eu", true},
		{"order.#", "order", true},
		{"order.#", "order.placed", true},
		{"order.#", "order.placed.eu", true},
		{"order.#", "orders.placed", false},
		{"#.eu", "eu", true},
		{"#.eu", "order.placed.eu", true},
		{"#.eu", "order.eu.placed", false},
		{"order.#.eu", "order.eu", true},
		{"order.#.eu", "order.eu.eu", true},
		{"order.#.eu", "order.placed.now.eu", true},
		{"order.#.eu", "order.placed.us", false},
		{"#.placed.#", "order.placed.eu", true},
		{"#.placed.#", "placed", true},
		{"#.placed.#", "order.paid", false},
		{"#.*", "order", true},
		{"*.#", "order.placed", true},
		{"#.#", "order", true},
		{"order.*.#", "order", false},
		{"order.#.*", "order.placed", true},
		{"order.*", "order.", true}, // an empty word is a word, as in AMQP
	} {
		if got := messaging.MatchType(tc.pattern, tc.typ); got != tc.want {
			t.Errorf("%s matches %s: %v, want %v", tc.pattern, tc.typ, got, tc.want)
		}
	}
}

// matches is the definition of a pattern, word by word, without regard for cost.
func matches(pattern, typ []string) bool {
	switch {
	case len(pattern) == 0:
		return len(typ) == 0
	case pattern[0] == "#":
		return matches(pattern[1:], typ) || len(typ) > 0 && matches(pattern, typ[1:])
	case len(typ) == 0:
		return false
	default:
		return (pattern[0] == "*" || pattern[0] == typ[0]) && matches(pattern[1:], typ[1:])
	}
}

func TestTypePattern_MatchesByItsDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string, most int) string {
		w := make([]string, 1+rng.IntN(most))
		for i := range w {
			w[i] = from[rng.IntN(len(from))]
		}
		return strings.Join(w, ".")
	}
	for range 200_000 {
		pattern, typ := pick([]string{"a", "b", "*", "#"}, 6), pick([]string{"a", "b"}, 7)
		want := matches(strings.Split(pattern, "."), strings.Split(typ, "."))
		if got := messaging.MatchType(pattern, typ); got != want {
			t.Fatalf("%s matches %s: %v, want %v", pattern, typ, got, want)
		}
	}
}

// The type is anybody's to choose; matching must not take long for it.
func TestTypePattern_HostileTypeIsCheap(t *testing.T) {
	t.Parallel()
	pattern := strings.Repeat("#.a.", 60) + "b"
	typ := strings.Repeat("a.", 127) + "c"
	start := time.Now()
	for range 100 {
		if messaging.MatchType(pattern, typ) {
			t.Fatal("it matches")
		}
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("100 matches took %v", took)
	}
}

func TestTypes_BadPatternsAreRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	for pattern, want := range map[string]string{
		"":                       "must have 1 to 255 characters",
		strings.Repeat("x", 256): "must have 1 to 255 characters",
		"order.pl*":              "* and # stand for whole words between dots",
		"order.##":               "* and # stand for whole words between dots",
		"order placed":           "' ' is not allowed in a type",
		"bestellung.größe":       "is not allowed in a type",
	} {
		_, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"), messaging.Types("good.#", pattern))
		refused(t, fmt.Sprintf("pattern %q", pattern), err, messaging.ErrInvalid, want)
	}
}
