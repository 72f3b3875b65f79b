package driver_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/herald-go/herald/pkg/driver"
)

// The vectors are those of Kafka's Java client (UtilsTest.testMurmur2), so that a key lies in the same partition whoever writes it.
func TestMurmur2IsKafkas(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(driver.Murmur2(key)); got != want {
			t.Errorf("Murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestSlotIsGolden(t *testing.T) {
	t.Parallel()
	got := map[string]uint8{}
	want := map[string]uint8{
		"": 0, "a": 60, "abc": 27, "foobar": 62, "order-1": 54, "order-2": 3, "customer/42": 23, "日本語": 10, "\x00\xff": 33,
	}
	for key := range want {
		got[key] = driver.Slot(key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("slots are %v, want %v", got, want)
	}
}

func TestSlotsAreAllUsed(t *testing.T) {
	t.Parallel()
	var count [driver.Slots]int
	for i := range 64_000 {
		count[driver.Slot(fmt.Sprintf("key-%d", i))]++
	}
	for slot, n := range count {
		if n < 800 || n > 1200 {
			t.Errorf("slot %d has %d of 64000 keys, want about 1000", slot, n)
		}
	}
}

func TestNameIsGolden(t *testing.T) {
	t.Parallel()
	got := []string{
		driver.Name(driver.KindGroup, "orders", "billing"),
		driver.Name(driver.KindInbox, "orders", "billing"),
		driver.Name(driver.KindLater, "orders", "billing", "10s"),
		driver.Name(driver.KindDead, "orders.eu", "billing"),
		driver.Name(driver.KindRedrive, "orders.eu", "billing"),
		driver.Name(driver.KindLease, "orders", "billing", "7"),
	}
	want := []string{
		"herald..group..orders..billing",
		"herald..inbox..orders..billing",
		"herald..later..orders..billing..10s",
		"herald..dead..orders.eu..billing",
		"herald..redrive..orders.eu..billing",
		"herald..lease..orders..billing..7",
	}
	if !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
}

// Every pair of valid names, with every split of the words between them, has a name of its own.
func TestNameIsInjective(t *testing.T) {
	t.Parallel()
	words := []string{"a", "b", "a.b", "a.b.c", "b.c", "c", "a-b", "a_b", "herald", "group", "inbox", "herald.group", "group.a"}
	kinds := []driver.Kind{
		driver.KindGroup, driver.KindInbox, driver.KindLater, driver.KindDead, driver.KindRedrive, driver.KindLease,
	}
	seen := map[string]string{}
	for _, kind := range kinds {
		for _, topic := range words {
			for _, group := range words {
				for _, more := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"10s"}} {
					from := fmt.Sprintf("%s %s %s %q", kind, topic, group, more)
					name := driver.Name(kind, topic, group, more...)
					if before, taken := seen[name]; taken {
						t.Errorf("%s and %s are both called %s", before, from, name)
					}
					if driver.ValidName(name) {
						t.Errorf("%s is called %s, which a user may call a topic", from, name)
					}
					seen[name] = from
				}
			}
		}
	}
}

func TestValidName(t *testing.T) {
	t.Parallel()
	limit := strings.Repeat("a", driver.NameLimit)
	for name, want := range map[string]bool{
		"orders": true, "orders.eu": true, "Orders_2-x": true, "1": true, "-": true, "a.b.c": true, limit: true,
		"": false, ".": false, ".a": false, "a.": false, "a..b": false, "a b": false, "a/b": false, "a:b": false, "a{b}": false,
		"ä": false, "a\n": false, "a\x00": false, "a*": false, "#": false, limit + "a": false,
	} {
		if got := driver.ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestClaimAndWithdrawExcludeEachOther(t *testing.T) {
	t.Parallel()
	for range 2000 {
		var m driver.Message
		var claimed, withdrawn, claimedAgain bool
		var wg sync.WaitGroup
		wg.Go(func() { claimed, claimedAgain = m.Claim(), m.Claim() })
		wg.Go(func() { withdrawn = m.Withdraw() })
		wg.Wait()
		if claimed == withdrawn || claimed != claimedAgain || m.Claimed() != claimed || m.Withdrawn() != withdrawn {
			t.Fatalf("Claim = %v, then %v; Withdraw = %v; Claimed = %v, Withdrawn = %v",
				claimed, claimedAgain, withdrawn, m.Claimed(), m.Withdrawn())
		}
	}
}

func TestWithdrawnTwiceIsWithdrawnOnce(t *testing.T) {
	t.Parallel()
	var m driver.Message
	if m.Claimed() || m.Withdrawn() {
		t.Error("a new message is claimed or withdrawn")
	}
	if !m.Withdraw() || m.Withdraw() || m.Claim() || m.Claimed() || !m.Withdrawn() {
		t.Error("want the first Withdraw to succeed, and neither another one nor a Claim after it")
	}
}

func TestOneOfManyWithdraws(t *testing.T) {
	t.Parallel()
	var m driver.Message
	took := make([]bool, 16)
	var wg sync.WaitGroup
	for i := range took {
		wg.Go(func() { took[i] = m.Withdraw() })
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(took, func(b bool) bool { return !b })); n != 1 {
		t.Errorf("%d callers withdrew the message, want 1", n)
	}
}

func TestSourceGoesForwardOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps func(s *driver.Source)
		want  []driver.SourceState
	}{
		"announced":       {func(s *driver.Source) { s.End(); s.End(); s.Lose(); s.Lose() }, []driver.SourceState{driver.Ending, driver.Gone}},
		"lost at once":    {func(s *driver.Source) { s.Lose(); s.End() }, []driver.SourceState{driver.Gone}},
		"nothing happens": {func(*driver.Source) {}, nil},
	} {
		s := driver.NewSource("partition 7")
		var got []driver.SourceState
		s.Watch(func(state driver.SourceState) { got = append(got, state) })
		c.steps(s)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the watcher saw %v, want %v", name, got, c.want)
		}
		if s.Name() != "partition 7" {
			t.Errorf("%s: the name is %q", name, s.Name())
		}
	}
}

func TestWatchTellsALateWatcher(t *testing.T) {
	t.Parallel()
	s := driver.NewSource("lease")
	s.End()
	var got []driver.SourceState
	s.Watch(func(state driver.SourceState) { got = append(got, state) })
	s.Lose()
	s.Watch(func(state driver.SourceState) { got = append(got, state) })
	if want := []driver.SourceState{driver.Ending, driver.Gone, driver.Gone}; !slices.Equal(got, want) {
		t.Errorf("watchers saw %v, want %v", got, want)
	}
}

// However a registration and the changes interleave, a watcher hears that the source is gone, and nothing after that.
func TestWatchRacesLose(t *testing.T) {
	t.Parallel()
	for range 500 {
		s := driver.NewSource("connection")
		var mu sync.Mutex
		var got []driver.SourceState
		var wg sync.WaitGroup
		wg.Go(func() { s.End(); s.Lose() })
		wg.Go(func() {
			s.Watch(func(state driver.SourceState) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, state)
			})
		})
		wg.Wait()
		if !slices.Contains(got, driver.Gone) {
			t.Fatalf("a watcher saw %v and never that the source is gone", got)
		}
	}
}

func TestMessageSizeAndLookup(t *testing.T) {
	t.Parallel()
	m := driver.Message{
		ID: "12", Type: "345", Key: "6", ContentType: "78", Body: []byte("90"),
		Headers: []driver.Header{{Key: "a", Value: "first"}, {Key: "a", Value: "second"}, {Key: "empty"}},
	}
	if got, want := m.Size(), 10+1+5+1+6+5; got != want {
		t.Errorf("Size is %d, want %d", got, want)
	}
	for key, want := range map[string]string{"a": "first true", "empty": " true", "b": " false"} {
		value, ok := m.Lookup(key)
		if got := fmt.Sprint(value, " ", ok); got != want {
			t.Errorf("Lookup(%q) = %s, want %s", key, got, want)
		}
	}
}

func TestZeroValuesPromiseNothing(t *testing.T) {
	t.Parallel()
	var caps driver.Capabilities
	if l := caps.Features[driver.FeatureHistory].Level; l != driver.Refused {
		t.Errorf("a feature that nobody mentions is %v", l)
	}
	got := []string{
		driver.Fate(0).String(), driver.Unconfirmed.String(), driver.Fate(99).String(),
		driver.Refused.String(), driver.Emulated.String(), driver.Native.String(),
	}
	want := []string{"none", "unconfirmed", "unknown", "refused", "emulated", "native"}
	if !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
}
