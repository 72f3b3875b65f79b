package rabbitmq_test

import (
	"slices"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// A member whose topic falls silent binds again within a second or two; one whose topic has long been silent, or speaks, every ten seconds.
func TestBindingsAreMadeAgainSoonAfterSilence(t *testing.T) {
	t.Parallel()
	speaks := slices.Repeat([]bool{true}, 25)
	got := rabbitmq.Bound(append(speaks, make([]bool, 7)...))
	want := []string{"10s", "20s", "26s", "28s", "32s", "40s", "50s", "1m0s", "1m10s"}
	if !slices.Equal(got, want) {
		t.Errorf("bound at %v, want %v", got, want)
	}
}
