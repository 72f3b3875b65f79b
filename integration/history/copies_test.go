package history_test

import (
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// tale is what happened to one event; a word is an operation, and three seconds pass before each fault and after it.
func tale(key string, words ...string) []history.Op {
	at := int64(time.Second)
	var ops []history.Op
	for _, word := range words {
		member, kind := word[:2], history.Kind(word[3:])
		o := history.Op{At: at, Kind: kind, ID: "e0", Key: key}
		switch kind {
		case history.Hurt:
			at += 3 * int64(time.Second)
			o = history.Op{At: at, Kind: kind, Member: member}
			at += 3 * int64(time.Second)
		case history.Start, history.Done, history.Freed, history.Dead, history.Redriven:
			o.Group, o.Member = "g", member
		default: // publishers have no group
		}
		at += ms
		ops = append(ops, o)
	}
	return ops
}

// atOnce is how often handlers had one event at once, and why.
type atOnce struct{ copies, hurt, wrong int }

// Who has the event at once has copies of its own, or was hurt; else it is wrong. The three seconds are more than what a fault and its effect may lie apart.
func TestOnlyCopiesAreHandledAtOnce(t *testing.T) {
	t.Parallel()
	published := []string{"p1 attempt", "p1 unknown", "p1 attempt", "p1 acked"}
	once := []string{"p1 attempt", "p1 acked"}
	dead := []string{"m1 start", "m1 freed", "m1 dead"}
	for name, tc := range map[string]struct {
		key   string
		words [][]string
		want  atOnce
	}{
		"published again, by two members":         {"", [][]string{published, {"m1 start", "m2 start"}}, atOnce{copies: 1}},
		"published again, with a key, by two":     {"k", [][]string{published, {"m1 start", "m2 start"}}, atOnce{wrong: 1}},
		"published again, by one member":          {"", [][]string{published, {"m1 start", "m1 start"}}, atOnce{copies: 1}},
		"published again, with a key, by one":     {"k", [][]string{published, {"m1 start", "m1 start"}}, atOnce{wrong: 1}},
		"published again, one after the other":    {"k", [][]string{published, {"m1 start", "m1 done", "m1 start", "m1 done"}}, atOnce{}},
		"published again, in three hands":         {"", [][]string{published, {"m1 start", "m2 start", "m3 start"}}, atOnce{copies: 1, wrong: 1}},
		"published once":                          {"", [][]string{once, {"m1 start", "m2 start"}}, atOnce{wrong: 1}},
		"published again, but refused":            {"", [][]string{{"p1 attempt", "p1 unknown", "p1 attempt", "p1 refused", "m1 start", "m2 start"}}, atOnce{wrong: 1}},
		"published again, and refused later":      {"", [][]string{{"p1 attempt", "p1 unknown", "p1 attempt", "m1 start", "m2 start", "p1 refused"}}, atOnce{wrong: 1}},
		"published again only later":              {"", [][]string{{"p1 attempt", "m1 start", "m2 start", "p1 unknown", "p1 attempt", "p1 acked"}}, atOnce{wrong: 1}},
		"twice dead by a fault, sent back twice":  {"", [][]string{once, dead, {"m1 hurt"}, dead, {"n1 redriven", "m1 start", "n1 redriven", "m1 start"}}, atOnce{copies: 1}},
		"twice dead without, sent back twice":     {"", [][]string{once, dead, dead, {"n1 redriven", "m1 start", "n1 redriven", "m1 start"}}, atOnce{wrong: 1}},
		"once dead, sent back twice":              {"", [][]string{once, dead, {"n1 redriven", "n1 redriven", "m1 start", "m2 start"}}, atOnce{wrong: 1}},
		"twice dead by a fault, thrice sent back": {"", [][]string{once, dead, {"m1 hurt"}, dead, {"n1 redriven", "n1 redriven", "n1 redriven", "m1 start", "m2 start", "m3 start"}}, atOnce{copies: 1, wrong: 1}},
		"twice dead by a fault, sent back once":   {"", [][]string{once, {"m1 start", "m1 done", "m1 hurt", "m2 start", "m2 freed", "m2 dead", "n1 redriven", "m2 start", "m3 start"}}, atOnce{wrong: 1}},
		"failed, and not settled":                 {"", [][]string{once, {"m1 start", "m1 freed", "m1 hurt", "m1 start", "m1 start"}}, atOnce{copies: 1}},
		"failed, and settled":                     {"", [][]string{once, {"m1 start", "m1 freed", "m1 start", "m1 start"}}, atOnce{wrong: 1}},
		"failed, and hurt when it was in hand":    {"", [][]string{once, {"m1 start", "m1 freed", "m1 start", "m1 hurt", "m2 start", "m3 start"}}, atOnce{wrong: 1}},
		"with a key, in a member that was hurt":   {"k", [][]string{once, {"m1 start", "m1 hurt", "m1 start"}}, atOnce{wrong: 1}},
	} {
		r := judge(t, tale(tc.key, slices.Concat(tc.words...)...))
		if got := (atOnce{r.CopiesAtOnce, r.ConcurrentExcused, len(r.Concurrent)}); got != tc.want {
			t.Errorf("%s: %+v, want %+v; %s", name, got, tc.want, r)
		}
	}
}

// Where keys have no order among members, two members may have copies of an event with a key at once, and one member may not.
func TestCopiesWithAKeyAreHandledAtOnceWhereThereIsNoOrder(t *testing.T) {
	t.Parallel()
	disordered := rules
	disordered.Disordered = true
	for second, want := range map[string]atOnce{"m2 start": {copies: 1}, "m1 start": {wrong: 1}} {
		r := disordered.Judge(tale("k", "p1 attempt", "p1 unknown", "p1 attempt", "p1 acked", "m1 start", second))
		if got := (atOnce{r.CopiesAtOnce, r.ConcurrentExcused, len(r.Concurrent)}); got != want {
			t.Errorf("%s: %+v, want %+v; %s", second, got, want, r)
		}
	}
}

// Whether a member was hurt about that time may show later: within the time that cause and effect may lie apart it is excused, in two members.
func TestAMemberThatIsHurtSoonIsExcused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second string
		wait   time.Duration
		want   atOnce
	}{
		"soon":        {"m2 start", time.Second, atOnce{hurt: 1}},
		"not so soon": {"m2 start", 3 * time.Second, atOnce{wrong: 1}},
		"one member":  {"m1 start", time.Second, atOnce{wrong: 1}},
	} {
		ops := tale("", "p1 attempt", "p1 acked", "m1 start", tc.second)
		ops = append(ops, history.Op{At: ops[3].At + int64(tc.wait), Kind: history.Hurt, Member: "m1"})
		r := judge(t, ops)
		if got := (atOnce{r.CopiesAtOnce, r.ConcurrentExcused, len(r.Concurrent)}); got != tc.want {
			t.Errorf("%s: %+v, want %+v; %s", name, got, tc.want, r)
		}
	}
}

// A member that has two copies in hand is done with each of them.
func TestEachCopyIsSettledByWhoHasIt(t *testing.T) {
	t.Parallel()
	two := tale("", "p1 attempt", "p1 unknown", "p1 attempt", "p1 acked", "m1 start", "m1 start", "m1 done", "m1 done")
	if r := judge(t, two); !r.OK() || r.CopiesAtOnce != 1 {
		t.Errorf("two copies: %s", r)
	}
	if r := judge(t, append(two, tale("", "m1 done")...)); len(r.Stale) != 1 {
		t.Errorf("once more than there are copies: %s", r)
	}
}
