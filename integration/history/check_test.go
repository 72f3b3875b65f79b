package history_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// clean is a history of three keys with ten events each, in which nothing goes wrong but one unknown publish that is made again.
func clean() []history.Op {
	var ops []history.Op
	for seq := range 10 {
		for _, key := range []string{"a", "b", "c"} {
			o := history.Op{ID: key + strconv.Itoa(seq), Key: key, Seq: seq}
			add := func(kind history.Kind) {
				o.Kind = kind
				ops = append(ops, o)
			}
			add(history.Attempt)
			if key == "b" && seq == 4 {
				add(history.Unknown)
				add(history.Attempt)
			}
			add(history.Acked)
			o.Group, o.Member = "g", "m1"
			add(history.Start)
			add(history.Done)
		}
	}
	return ops
}

// at returns the index of the operation of that kind on that event.
func at(ops []history.Op, kind history.Kind, id string) int {
	return slices.IndexFunc(ops, func(o history.Op) bool { return o.Kind == kind && o.ID == id })
}

func TestACleanHistoryPasses(t *testing.T) {
	t.Parallel()
	r := history.Check(clean(), "g", 4)
	if !r.OK() || r.Acked != 30 || r.Handled != 30 || r.Unknown != 1 || r.Duplicates != 0 {
		t.Errorf("got %s", r)
	}
}

func start(id, key string, seq int, member string) history.Op {
	return history.Op{Kind: history.Start, ID: id, Key: key, Seq: seq, Group: "g", Member: member}
}

func TestEachViolationIsSeen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(ops []history.Op) []history.Op
		seen   func(r history.Report) []history.Op
	}{
		"lost": {
			func(ops []history.Op) []history.Op {
				i := at(ops, history.Start, "a5")
				return slices.Delete(ops, i, i+2)
			},
			func(r history.Report) []history.Op { return r.Lost },
		},
		"started and never done": {
			func(ops []history.Op) []history.Op {
				i := at(ops, history.Done, "c9")
				return slices.Delete(ops, i, i+1)
			},
			func(r history.Report) []history.Op { return r.Lost },
		},
		"unexpected": {
			func(ops []history.Op) []history.Op { return append(ops, start("ghost", "", 0, "m1")) },
			func(r history.Report) []history.Op { return r.Unexpected },
		},
		"phantom": {
			func(ops []history.Op) []history.Op {
				return append(ops, history.Op{Kind: history.Attempt, ID: "p"}, history.Op{Kind: history.Refused, ID: "p"}, start("p", "", 0, "m1"))
			},
			func(r history.Report) []history.Op { return r.Phantom },
		},
		"reordered": {
			func(ops []history.Op) []history.Op {
				i, j := at(ops, history.Start, "a2"), at(ops, history.Start, "a3")
				ops[i], ops[j] = ops[j], ops[i]
				i, j = at(ops, history.Done, "a2"), at(ops, history.Done, "a3")
				ops[i], ops[j] = ops[j], ops[i]
				return ops
			},
			func(r history.Report) []history.Op { return r.Reordered },
		},
		"concurrent": {
			func(ops []history.Op) []history.Op {
				return slices.Insert(ops, at(ops, history.Done, "b7"), start("b7", "b", 7, "m2"))
			},
			func(r history.Report) []history.Op { return r.Concurrent },
		},
		"unexplained": {
			func(ops []history.Op) []history.Op { return append(ops, start("b7", "b", 7, "m2")) },
			func(r history.Report) []history.Op { return r.Unexplained },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := history.Check(tc.change(clean()), "g", 4)
			if len(tc.seen(r)) == 0 || r.OK() {
				t.Errorf("not seen: %s", r)
			}
		})
	}
}

// A duplicate has a cause when the event was published again, or when a member lost it.
func TestExplainedDuplicatesPass(t *testing.T) {
	t.Parallel()
	again := func(id string, seq int, before ...history.Op) []history.Op {
		ops := append(clean(), before...)
		o := history.Op{ID: id, Key: id[:1], Seq: seq, Group: "g", Member: "m2", Kind: history.Start}
		ops = append(ops, o)
		o.Kind = history.Done
		return append(ops, o)
	}
	freed := history.Op{Kind: history.Freed, ID: "a1", Key: "a", Seq: 1, Group: "g", Member: "m1"}
	hurt := history.Op{Kind: history.Hurt}
	for _, ops := range [][]history.Op{again("b4", 4), again("a1", 1, freed), again("b9", 9, hurt)} {
		if r := history.Check(ops, "g", 4); !r.OK() || r.Duplicates != 1 {
			t.Errorf("got %s", r)
		}
	}
}

// Each copy that a member had finished may come again after a fault, also where they are copies of one event.
func TestAFaultExplainsEveryCopy(t *testing.T) {
	t.Parallel()
	start := history.Op{Kind: history.Start, ID: "x", Group: "g", Member: "m1"}
	done := history.Op{Kind: history.Done, ID: "x", Group: "g", Member: "m1"}
	ops := []history.Op{
		{Kind: history.Attempt, ID: "x"},
		{Kind: history.Unknown, ID: "x"},
		{Kind: history.Attempt, ID: "x"},
		{Kind: history.Acked, ID: "x"},
		start, done, start, done,
		{Kind: history.Hurt},
		start, done, start, done,
	}
	if r := history.Check(ops, "g", 4); !r.OK() || r.Duplicates != 3 {
		t.Errorf("got %s", r)
	}
	if r := history.Check(append(ops, start, done), "g", 4); len(r.Unexplained) != 1 {
		t.Errorf("one too many: %s", r)
	}
}

// A fault explains no more than what a member may hold: its last four events.
func TestAFaultExplainsTheWindowAlone(t *testing.T) {
	t.Parallel()
	ops := append(clean(), history.Op{Kind: history.Hurt}, history.Op{Kind: history.Start, ID: "b8", Key: "b", Seq: 8, Group: "g", Member: "m2"},
		history.Op{Kind: history.Done, ID: "b8", Key: "b", Seq: 8, Group: "g", Member: "m2"})
	if r := history.Check(ops, "g", 4); len(r.Unexplained) != 1 {
		t.Errorf("got %s", r)
	}
}

// Events that are done are settled in an order of their own: a fault lets a window of them come again, out of more than that, and no more.
func TestAFaultExplainsNoMoreThanAWindow(t *testing.T) {
	t.Parallel()
	r := history.Rules{Group: "g", Window: 4, Reach: 8}
	again := func(ops []history.Op, ids ...string) []history.Op {
		for _, id := range ids {
			seq, _ := strconv.Atoi(id[1:])
			o := start(id, id[:1], seq, "m2")
			ops = append(ops, o)
			o.Kind = history.Done
			ops = append(ops, o)
		}
		return ops
	}
	hurt := append(clean(), history.Op{Kind: history.Hurt})
	for name, tc := range map[string]struct {
		ids  []string
		want int
	}{
		"a window, out of the last eight": {[]string{"c7", "a8", "b8", "c9"}, 0},
		"one too many":                    {[]string{"c7", "a8", "b8", "c9", "b9"}, 1},
		"too old":                         {[]string{"c6"}, 1},
		"one twice":                       {[]string{"c9", "c9"}, 1},
	} {
		if got := r.Judge(again(hurt, tc.ids...)); len(got.Unexplained) != tc.want {
			t.Errorf("%s: %d without a cause, want %d; %s", name, len(got.Unexplained), tc.want, got)
		}
	}
	owned := append(clean(), history.Op{Kind: history.Attempt, ID: "d0"}, start("d0", "", 0, "m1"), history.Op{Kind: history.Hurt})
	if got := r.Judge(again(owned, "c8", "a9", "b9", "c9", "d0")); len(got.Unexplained) != 1 {
		t.Errorf("what is in hand is a part of the window: %s", got)
	}
}

// What is done while the broker forgets may come again once, however much it is; what was done before may not.
func TestWhatIsUndoneComesAgain(t *testing.T) {
	t.Parallel()
	ops := clean()
	ops = slices.Insert(ops, at(ops, history.Attempt, "a5"), history.Op{Kind: history.Undoing, Note: "rolled back"})
	ops = append(ops, history.Op{Kind: history.Undone})
	for _, key := range []string{"a", "b", "c"} {
		for seq := 5; seq < 10; seq++ {
			o := start(key+strconv.Itoa(seq), key, seq, "m1")
			ops = append(ops, o)
			o.Kind = history.Done
			ops = append(ops, o)
		}
	}
	if r := history.Check(ops, "g", 4); !r.OK() || r.Causes["rolled back"] != 15 {
		t.Errorf("got %s, %v", r, r.Causes)
	}
	for _, o := range []history.Op{start("a5", "a", 5, "m1"), start("b4", "b", 4, "m1"), start("b3", "b", 3, "m1")} {
		r := history.Check(append(slices.Clone(ops), o), "g", 4)
		if want := o.ID != "b4"; (len(r.Unexplained) == 1) != want { // b4 was published twice
			t.Errorf("%s: %s", o.ID, r)
		}
	}
}

// What the broker has forgotten may come again late where further faults keep members from reading it, and no later otherwise.
func TestWhatIsForgottenWaitsForFurtherFaults(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	for name, tc := range map[string]struct {
		faulty bool
		want   int
	}{"a fault in between": {true, 0}, "nothing in between": {false, 1}} {
		ops := clean()
		add := func(at int64, o history.Op) {
			o.At = at * second
			ops = append(ops, o)
		}
		for i := range ops {
			ops[i].At = second
		}
		add(2, history.Op{Kind: history.Forgot, Note: "group deleted"})
		if tc.faulty {
			add(3, history.Op{Kind: history.Fault, Count: 1, Note: "paused", Member: history.Nobody})
			add(9, history.Op{Kind: history.Healed, Count: 1, Note: "paused", Member: history.Nobody})
		}
		add(10, start("a1", "a", 1, "m1"))
		r := history.Rules{Group: "g", Window: 4, Grace: 3 * time.Second}.Judge(ops)
		if len(r.Unexplained) != tc.want {
			t.Errorf("%s: %d without a cause, want %d; %s", name, len(r.Unexplained), tc.want, r)
		}
	}
}

// What is told of a gap counts entries: an event that was published again has two.
func TestAGapCountsCopies(t *testing.T) {
	t.Parallel()
	for told, want := range map[int64]int{1: 0, 3: 0, 4: 1} { // two copies of x, and the second one of b4
		ops := append(clean(), history.Op{Kind: history.Attempt, ID: "x"}, history.Op{Kind: history.Unknown, ID: "x"}, history.Op{Kind: history.Attempt, ID: "x"},
			history.Op{Kind: history.Acked, ID: "x"}, history.Op{Kind: history.Attempt, ID: "x"}, history.Op{Kind: history.Refused, ID: "x"})
		ops = append(ops, history.Op{Kind: history.Destroyed, Count: 1}, history.Op{Kind: history.Destroyed, ID: "x", Count: 1},
			history.Op{Kind: history.Gap, Member: "m1", Count: told})
		r := history.Check(ops, "g", 4)
		if len(r.Misreported) != want {
			t.Errorf("told %d: %+v", told, r.Gaps)
		}
	}
}
