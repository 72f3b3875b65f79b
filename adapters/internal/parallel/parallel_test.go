package parallel_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/internal/parallel"
)

func TestEachCallsAllAFewAtATime(t *testing.T) {
	t.Parallel()
	for _, most := range []int{-1, 1, 3, 100} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n = 10
				var mu sync.Mutex
				var called []int
				running, highest := 0, 0
				at, err := parallel.Each(n, most, func(i int) error {
					mu.Lock()
					called = append(called, i)
					running++
					highest = max(highest, running)
					mu.Unlock()
					<-time.After(time.Second)
					mu.Lock()
					running--
					mu.Unlock()
					return nil
				})
				if at != n || err != nil {
					t.Errorf("Each: %d, %v", at, err)
				}
				slices.Sort(called)
				if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(called, want) {
					t.Errorf("called with %v, want %v", called, want)
				}
				if want := min(n, max(1, most)); highest != want {
					t.Errorf("%d calls at a time, want %d", highest, want)
				}
			})
		})
	}
}

// The later call fails first, and the earlier one is told.
func TestEachTellsTheFirstFailureByIndex(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := errors.New("the second")
		var mu sync.Mutex
		var called []int
		at, err := parallel.Each(100, 4, func(i int) error {
			mu.Lock()
			called = append(called, i)
			mu.Unlock()
			switch i {
			case 1:
				<-time.After(2 * time.Second)
				return want
			case 3:
				<-time.After(time.Second)
				return errors.New("the fourth")
			}
			<-time.After(time.Minute)
			return nil
		})
		if at != 1 || !errors.Is(err, want) {
			t.Errorf("Each: %d, %v, want 1, %v", at, err, want)
		}
		if len(called) != 4 {
			t.Errorf("%v were called, want none after the first failure", called)
		}
	})
}

func TestEachOfNothing(t *testing.T) {
	t.Parallel()
	at, err := parallel.Each(0, 8, func(int) error { return errors.New("called") })
	if at != 0 || err != nil {
		t.Errorf("Each: %d, %v", at, err)
	}
}
