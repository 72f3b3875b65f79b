package kafka

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAssign_KeepsWhatMembersHaveAndTakesAwayFirst(t *testing.T) {
	t.Parallel()
	a, b := peer{id: "a", card: card{Generation: 1, Units: []int{0, 1, 2, 3}}}, peer{id: "b", card: card{Generation: -1}}
	first := assign([]peer{b, a}, 4)
	if want := map[string][]int{"a": {0, 1}, "b": nil}; !reflect.DeepEqual(first, want) {
		t.Errorf("the first round gives %v, want %v: what a still has goes to nobody", first, want)
	}
	a.Units = []int{0, 1}
	second := assign([]peer{b, a}, 4)
	if want := map[string][]int{"a": {0, 1}, "b": {2, 3}}; !reflect.DeepEqual(second, want) {
		t.Errorf("the second round gives %v, want %v", second, want)
	}
}

func TestAssign_BelievesTheLaterOfTwoOwners(t *testing.T) {
	t.Parallel()
	got := assign([]peer{{"zombie", card{Generation: 3, Units: []int{0}}}, {"owner", card{Generation: 5, Units: []int{0}}}}, 1)
	if want := map[string][]int{"zombie": nil, "owner": {0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("assign gives %v, want %v", got, want)
	}
}

// TestAssign_EndsFairWhateverHappens lets members come and go, and checks after each round that no unit has two owners.
func TestAssign_EndsFairWhateverHappens(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 20 {
		members := map[string][]int{}
		for step := range 30 {
			if r.IntN(3) > 0 || len(members) == 0 {
				members[fmt.Sprint("m", step)] = nil
			} else {
				delete(members, sortedKeys(members)[r.IntN(len(members))])
			}
			for range 3 {
				members = round(t, members, n, int32(step))
			}
			for id, units := range members {
				if len(units) < n/max(1, len(members)) || len(units) > n/len(members)+1 {
					t.Fatalf("of %d units %s has %v beside %v", n, id, units, members)
				}
			}
		}
	}
}

func round(t *testing.T, members map[string][]int, n int, generation int32) map[string][]int {
	t.Helper()
	var peers []peer
	for id, units := range members {
		peers = append(peers, peer{id, card{Generation: generation, Units: units}})
	}
	given := assign(peers, n)
	owner := map[int]string{}
	for id, units := range members {
		for _, u := range units {
			owner[u] = id
		}
	}
	seen := map[int]bool{}
	for id, units := range given {
		for _, u := range units {
			if seen[u] || owner[u] != "" && owner[u] != id {
				t.Fatalf("unit %d goes to %s while %q has it (twice: %v)", u, id, owner[u], seen[u])
			}
			seen[u] = true
		}
	}
	return given
}

func TestCards_ReadBackAndAreAWireForm(t *testing.T) {
	t.Parallel()
	topics := []string{"orders", "herald..inbox..orders..billing..now"}
	want := card{Generation: 7, Units: []int{0, 2}, Partitions: 4, Types: []string{"order.*"}}
	metadata, given := encodeMetadata(topics, want), encodeAssignment(topics, []int{1, 3})
	if got, ok := decodeMetadata(metadata); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("the card reads back as %+v, want %+v", got, want)
	}
	if got := decodeAssignment(given, "orders"); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("the assignment reads back as %v", got)
	}
	golden(t, "group.golden", fmt.Sprintf("%q\n%q\n", metadata, given))
	for cut := range metadata {
		decodeMetadata(metadata[:cut])
	}
	for cut := range given {
		decodeAssignment(given[:cut], "orders")
	}
	if _, ok := decodeMetadata([]byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}); ok {
		t.Error("a stranger's metadata is taken for a card")
	}
}

func TestNames_AreAWireFormAndDoNotCollide(t *testing.T) {
	t.Parallel()
	var lines []string
	seen := map[string]string{}
	for _, group := range []string{"b", "b.c", "b_c", "b-c", "B.c"} {
		for _, name := range append(inboxTopics("a", group), topicName("herald..dead..a.."+group)) {
			lines = append(lines, name)
			collides := strings.ReplaceAll(name, ".", "_") // as Kafka compares them
			if other, twice := seen[collides]; twice {
				t.Errorf("%s and %s are one for Kafka", name, other)
			}
			seen[collides] = name
			if len(name) > 249 {
				t.Errorf("%s has %d characters", name, len(name))
			}
		}
		lines = append(lines, groupID("a", group))
	}
	long := strings.Repeat("x_", 50)
	for _, name := range inboxTopics(long, long) {
		if len(name) > 249 {
			t.Errorf("the longest name has %d characters, and Kafka takes 249", len(name))
		}
	}
	if got := topicName("a_b"); got != "a_b" {
		t.Errorf("a user's topic a_b is %s", got)
	}
	golden(t, "names.golden", strings.Join(lines, "\n")+"\n")
	if g, ok := groupOf("a", groupID("a", "b.c")); !ok || g != "b.c" {
		t.Errorf("groupOf is %q, %v", g, ok)
	}
	if _, ok := groupOf("a", groupID("a.b", "c")); ok {
		t.Error("a group of a.b is taken for one of a")
	}
}

func TestTierFor_IsLongEnough(t *testing.T) {
	t.Parallel()
	for i, tr := range tiers {
		if got := tierFor(tr.wait); got != i {
			t.Errorf("a delay of %v goes to the tier %s, want %s", tr.wait, tiers[got].name, tr.name)
		}
		if got := tierFor(tr.wait + 1); got != min(i+1, len(tiers)-1) {
			t.Errorf("a delay of a little more than %v goes to the tier %s", tr.wait, tiers[got].name)
		}
	}
}

func TestPartitionOf_IsTheJavaClients(t *testing.T) {
	t.Parallel()
	// The hashes of Kafka's own UtilsTest.testMurmur2, made positive.
	for key, hash := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536} {
		if got, want := partitionOf(key, 12), int(hash&0x7fffffff)%12; got != want {
			t.Errorf("%s lies in partition %d of 12, want %d", key, got, want)
		}
	}
}
