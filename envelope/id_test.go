package envelope_test

import (
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
)

var (
	uuidV7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	uuidV8 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

func TestNewIDsAreSortedAndUnique(t *testing.T) {
	t.Parallel()
	const n = 20_000
	ids := make([]string, n)
	for i := range ids {
		ids[i] = envelope.NewID()
	}
	random := map[string]bool{}
	for i, id := range ids {
		if !uuidV7.MatchString(id) {
			t.Fatalf("%q is no UUIDv7", id)
		}
		random[id[19:]] = true
		if i > 0 && id <= ids[i-1] {
			t.Fatalf("%q after %q", id, ids[i-1])
		}
	}
	if len(random) != n {
		t.Errorf("got %d different random parts of %d ids", len(random), n)
	}
}

func TestNewIDsAreUniqueAcrossGoroutines(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 2000
	all := make([][]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range each {
				all[i] = append(all[i], envelope.NewID())
			}
		})
	}
	wg.Wait()
	ids := slices.Concat(all...)
	slices.Sort(ids)
	if got := len(slices.Compact(ids)); got != callers*each {
		t.Errorf("got %d different ids, want %d", got, callers*each)
	}
}

// The bubble's clock is decades behind the process's, so ids must follow it
// rather than stick to the latest time seen. Not parallel, for that reason.
func TestNewIDCarriesTheTimeEvenAfterTheClockSteppedBack(t *testing.T) {
	envelope.NewID()
	synctest.Test(t, func(t *testing.T) {
		first := envelope.NewID()
		// 2000-01-01T00:00:00Z is 946684800000 ms, 0xdc6acfac00.
		if want := "00dc6acf-ac00-7000-"; first[:len(want)] != want {
			t.Errorf("got %q, want it to begin with %q", first, want)
		}
		if second := envelope.NewID(); second[:19] != "00dc6acf-ac00-7001-" {
			t.Errorf("got %q for the second id of an instant", second)
		}
		time.Sleep(1500 * time.Microsecond)
		if later := envelope.NewID(); later[:19] != "00dc6acf-ac01-7800-" {
			t.Errorf("got %q after 1.5 ms", later)
		}
	})
}

func TestDeriveIDIsStable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ parent, name, want string }{
		{"", "", "374708ff-f771-8dd5-979e-c875d56cd228"},
		{"evt_abc123", "payment.taken", "305c2d5c-bce1-8d3f-8a3a-231bd7097bb0"},
		{"0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", "invoice/größe", "2bb6b30b-1fc6-8d5b-a864-05d3c45b3e43"},
	} {
		if got := envelope.DeriveID(tc.parent, tc.name); got != tc.want {
			t.Errorf("DeriveID(%q, %q): got %q, want %q", tc.parent, tc.name, got, tc.want)
		}
	}
}

func TestDeriveIDTellsItsArgumentsApart(t *testing.T) {
	t.Parallel()
	pairs := [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"c", "ab"}, {"a\x00", "b"}, {"a", "\x00b"}}
	seen := map[string][2]string{}
	for _, p := range pairs {
		id := envelope.DeriveID(p[0], p[1])
		if !uuidV8.MatchString(id) {
			t.Errorf("%q is no UUIDv8", id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q give the same id", p, other)
		}
		seen[id] = p
	}
}
