package redis_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
)

func TestIdsAreComparedByTheirNumbers(t *testing.T) {
	t.Parallel()
	ordered := []string{"", "0-1", "9-9", "10-0", "10-2", "10-10", "1795275363921-9", "1795275363921-10", "1795275363922-0"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := redis.IsLater(a, b); got != (i > j) {
				t.Errorf("%q is later than %q: %v", a, b, got)
			}
		}
	}
}

// A loss is told again only by members that can't know that it was.
func TestWhatCountsAsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ own, counted, told, want int64 }{
		{0, 0, 0, 0},
		{0, 7, 0, 0}, // nobody has said that it was told
		{0, 7, 7, 7},
		{5, 7, 0, 5},
		{5, 7, 6, 6},
		{50, 0, 0, 0}, // the counts have begun anew
	} {
		if got := redis.Resume(c.own, c.counted, c.told); got != c.want {
			t.Errorf("%v: %d", fmt.Sprint(c), got)
		}
	}
}

// A reader and a keeper may hear of the same loss at the same moment: it is told once.
func TestALossThatIsFoundTwiceIsToldOnce(t *testing.T) {
	t.Parallel()
	find := redis.NewLoser()
	if got := find(7); !slices.Equal(got, []int64{7}) {
		t.Errorf("told %v of 7", got)
	}
	if got := find(9); !slices.Equal(got, []int64{7, 2}) {
		t.Errorf("told %v of 9", got)
	}
}
