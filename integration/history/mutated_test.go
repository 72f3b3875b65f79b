package history_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/history"
)

const ms = int64(time.Millisecond)

// rules are strict in everything.
var rules = history.Rules{
	Group: "g", Window: 4, Grace: 2 * time.Second, Strict: true, Recovery: 5 * time.Second, Stall: 10 * time.Second, Overrun: 50 * time.Millisecond,
	OverrunOf: 10, Memory: 1000,
}

// recorded is a history with stamps in which nothing goes wrong: three keys, two members, a fault that hurts one of them, one that destroys
// two events and tells so, a dead letter that is sent back, publishes that are cut short, memory, an end in good order.
func recorded() []history.Op {
	at := ms
	var ops []history.Op
	add := func(o history.Op) {
		at += ms
		o.At = at
		ops = append(ops, o)
	}
	event := func(key string, seq int, member string, kinds ...history.Kind) {
		for _, kind := range kinds {
			o := history.Op{Kind: kind, ID: key + strconv.Itoa(seq), Key: key, Seq: seq}
			if slices.Contains([]history.Kind{history.Start, history.Done, history.Dead, history.Freed, history.Redriven}, kind) {
				o.Group, o.Member = "g", member
			}
			add(o)
		}
	}
	add(history.Op{Kind: history.Phase, Note: "warm"})
	add(history.Op{Kind: history.Memory, Member: "m1", Count: 5000})
	for seq := range 10 {
		event("a", seq, "m1", history.Attempt, history.Acked, history.Start, history.Done)
		event("b", seq, "m2", history.Attempt, history.Acked, history.Start, history.Done)
		event("c", seq, "m2", history.Attempt, history.Start, history.Acked, history.Done)
		switch seq {
		case 2:
			add(history.Op{Kind: history.Phase, Note: "faults"})
			at += 5 * int64(time.Second) // far from what hurts
		case 5:
			at += 5 * int64(time.Second)
			add(history.Op{Kind: history.Fault, Count: 1, Note: "cut", Member: "m1"})
			add(history.Op{Kind: history.Healed, Count: 1, Note: "cut", Member: "m1"})
		case 7:
			at += 5 * int64(time.Second)
			event("x", 0, "", history.Attempt, history.Acked)
			event("x", 1, "", history.Attempt, history.Acked)
			event("x", 2, "m2", history.Attempt, history.Acked, history.Start)
			add(history.Op{Kind: history.Fault, Count: 2, Note: "flushed", Member: history.Nobody})
			add(history.Op{Kind: history.Destroyed, Count: 2})
			for seq := range 3 {
				add(history.Op{Kind: history.Destroyed, ID: "x" + strconv.Itoa(seq), Count: 2})
			}
			add(history.Op{Kind: history.Gap, Member: "m2", Count: 2})
			add(history.Op{Kind: history.Healed, Count: 2, Note: "flushed", Member: history.Nobody})
			event("x", 2, "m2", history.Done)
		}
	}
	for n := range 10 {
		o := history.Op{ID: "h" + strconv.Itoa(n)}
		o.Kind = history.Attempt
		add(o)
		o.Kind, o.Over = history.Refused, ms
		add(o)
	}
	event("d", 0, "m1", history.Attempt, history.Acked, history.Start, history.Freed, history.Dead)
	add(history.Op{Kind: history.Memory, Member: "m1", Count: 5500})
	add(history.Op{Kind: history.Phase, Note: "drain"})
	event("d", 0, "m1", history.Redriven, history.Start, history.Done)
	add(history.Op{Kind: history.Left, Member: "m1", Note: "goroutines"})
	return ops
}

func judge(t *testing.T, ops []history.Op) history.Report {
	t.Helper()
	report, err := rules.Check(func(yield func(history.Op, error) bool) {
		for _, o := range ops {
			if !yield(o, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestARecordedHistoryPasses(t *testing.T) {
	t.Parallel()
	r := judge(t, recorded())
	if !r.OK() || r.Destroyed != 2 || r.Dead != 1 || len(r.Recoveries) != 2 || r.Overdue != 10 || r.Growth != 500 || r.Rows["cut"] != 1 {
		t.Errorf("got %s\n%+v", r, r)
	}
}

// with returns the history with operations at the place of the one of that kind on that event, or behind it.
func with(ops []history.Op, kind history.Kind, id string, more ...history.Op) []history.Op {
	i := at(ops, kind, id)
	for n := range more {
		more[n].At = ops[i].At
	}
	return slices.Insert(ops, i+1, more...)
}

// without returns the history without those operations on an event.
func without(ops []history.Op, id string, kinds ...history.Kind) []history.Op {
	return slices.DeleteFunc(ops, func(o history.Op) bool { return o.ID == id && slices.Contains(kinds, o.Kind) })
}

// later moves all from an operation on to a later time.
func later(ops []history.Op, i int, by time.Duration) []history.Op {
	for ; i < len(ops); i++ {
		ops[i].At += int64(by)
	}
	return ops
}

func did(kind history.Kind, id, key string, seq int, member string) history.Op {
	return history.Op{Kind: kind, ID: id, Key: key, Seq: seq, Group: "g", Member: member}
}

// planted are the violations, each with its name and how it comes into the good history.
var planted = []struct {
	name   string
	want   string
	change func(ops []history.Op) []history.Op
}{
	{"never started", "lost", func(ops []history.Op) []history.Op { return without(ops, "b1", history.Start, history.Done) }},
	{"never done", "lost", func(ops []history.Op) []history.Op { return without(ops, "b9", history.Done) }},
	{"lost after it was sent back", "lost", func(ops []history.Op) []history.Op {
		return slices.Delete(ops, len(ops)-3, len(ops)-1)
	}},
	{"refused and handled", "phantom", func(ops []history.Op) []history.Op {
		return with(ops, history.Refused, "h3", did(history.Start, "h3", "", 0, "m1"), did(history.Done, "h3", "", 0, "m1"))
	}},
	{"never published", "unexpected", func(ops []history.Op) []history.Op {
		return with(ops, history.Done, "a1", did(history.Start, "ghost", "", 0, "m1"), did(history.Done, "ghost", "", 0, "m1"))
	}},
	{"swapped", "reordered", func(ops []history.Op) []history.Op {
		moved := slices.Clone(ops[at(ops, history.Start, "a1") : at(ops, history.Done, "a1")+1])
		return with(without(ops, "a1", history.Start, history.Done), history.Done, "a2", moved...)
	}},
	{"two members at once", "concurrent, unexplained duplicates", func(ops []history.Op) []history.Op {
		return with(ops, history.Start, "b1", did(history.Start, "b1", "b", 1, "m1"))
	}},
	{"a member twice at once, although it was hurt", "concurrent", func(ops []history.Op) []history.Op {
		ops = with(ops, history.Attempt, "a5", history.Op{Kind: history.Attempt, ID: "a5", Key: "a", Seq: 5})
		return with(ops, history.Start, "a5", did(history.Start, "a5", "a", 5, "m1"))
	}},
	{"two events of a key at once", "one key twice at once", func(ops []history.Op) []history.Op {
		done := ops[at(ops, history.Done, "b1")]
		return with(without(ops, "b1", history.Done), history.Start, "b2", done)
	}},
	{"again without a cause", "unexplained duplicates", func(ops []history.Op) []history.Op {
		return with(ops, history.Done, "b1", did(history.Start, "b1", "b", 1, "m2"), did(history.Done, "b1", "b", 1, "m2"))
	}},
	{"again more often than the window", "unexplained duplicates", func(ops []history.Op) []history.Op {
		for seq := range 3 { // done long before the fault
			id := "a" + strconv.Itoa(seq)
			ops = with(ops, history.Done, id, did(history.Start, id, "a", seq, "m1"), did(history.Done, id, "a", seq, "m1"))
		}
		return ops
	}},
	{"done by a member that has it not", "stale settlements", func(ops []history.Op) []history.Op {
		return with(ops, history.Done, "b1", did(history.Done, "b1", "b", 1, "m1"))
	}},
	{"gap not told", "gaps not told as they are", func(ops []history.Op) []history.Op {
		return slices.DeleteFunc(ops, func(o history.Op) bool { return o.Kind == history.Gap })
	}},
	{"gap told too small", "gaps not told as they are", func(ops []history.Op) []history.Op {
		ops[slices.IndexFunc(ops, func(o history.Op) bool { return o.Kind == history.Gap })].Count = 1
		return ops
	}},
	{"gap told too large", "gaps not told as they are", func(ops []history.Op) []history.Op {
		ops[slices.IndexFunc(ops, func(o history.Op) bool { return o.Kind == history.Gap })].Count = 4
		return ops
	}},
	{"goroutines left", "leaks", func(ops []history.Op) []history.Op {
		ops[len(ops)-1].Count = 1
		return ops
	}},
	{"memory", "memory grown", func(ops []history.Op) []history.Op {
		return append(ops, history.Op{At: ops[len(ops)-1].At, Kind: history.Memory, Member: "m1", Count: 6001})
	}},
	{"slow after a fault", "slow recovery", func(ops []history.Op) []history.Op {
		return later(ops, at(ops, history.Attempt, "a6"), 6*time.Second)
	}},
	{"nothing after a fault", "no traffic after a fault", func(ops []history.Op) []history.Op {
		end := ops[len(ops)-1].At
		fault := history.Op{At: end, Kind: history.Fault, Count: 3, Note: "late", Member: history.Nobody}
		healed := fault
		healed.Kind = history.Healed
		return append(ops, fault, healed)
	}},
	{"nothing handled for long", "stalls", func(ops []history.Op) []history.Op {
		return later(ops, at(ops, history.Start, "b1"), 11*time.Second)
	}},
	{"publish far behind its deadline", "publish late", func(ops []history.Op) []history.Op {
		ops[at(ops, history.Refused, "h5")].Over = 60 * ms
		return ops
	}},
}

// Each kind of violation, planted into the good history, is found and named, and nothing else is.
func TestEachPlantedViolationIsNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range planted {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := judge(t, tc.change(recorded()))
			var got []string
			for _, v := range r.Violations() {
				got = append(got, v.Name)
			}
			if names := strings.Join(got, ", "); names != tc.want {
				t.Errorf("found %q, want %q alone; %s", names, tc.want, r)
			}
		})
	}
}

// What was lost lies in front of all that was handled of its key, behind it, or amid it.
func TestWhatIsLostIsPlaced(t *testing.T) {
	t.Parallel()
	ops := recorded()
	for _, id := range []string{"b0", "b4", "b5", "b9"} {
		ops = without(ops, id, history.Start, history.Done)
	}
	if r := judge(t, ops); r.Prefix != 1 || r.Middle != 2 || r.Postfix != 1 || len(r.Lost) != 4 {
		t.Errorf("got %d before, %d amid, %d after, of %d", r.Prefix, r.Middle, r.Postfix, len(r.Lost))
	}
}

// A member is known to be hurt only when it has noticed: a duplicate that shows a little before is explained, one long before is not.
func TestACauseMayComeLate(t *testing.T) {
	t.Parallel()
	for hurt, want := range map[time.Duration]bool{time.Second: true, 3 * time.Second: false} {
		ops := with(recorded(), history.Done, "b1", did(history.Start, "b1", "b", 1, "m1"), did(history.Done, "b1", "b", 1, "m1"))
		notice := history.Op{At: ops[at(ops, history.Done, "b1")].At + int64(hurt), Kind: history.Hurt, Member: "m2"}
		i := slices.IndexFunc(ops, func(o history.Op) bool { return o.At > notice.At })
		ops = slices.Insert(ops, i, notice)
		for seq := 2; seq < 10; seq++ { // or the window is over
			ops = without(ops, "b"+strconv.Itoa(seq), history.Attempt, history.Acked, history.Start, history.Done)
			ops = without(ops, "c"+strconv.Itoa(seq-1), history.Attempt, history.Acked, history.Start, history.Done)
		}
		if r := judge(t, ops); (len(r.Unexplained) == 0) != want {
			t.Errorf("noticed %v later: %s", hurt, r)
		}
	}
}

// In a long fault a member may be given again what it did in its first moments, long before the end tells that it was hurt.
func TestALongFaultExplainsWhatComesAgainInIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		member string
		want   int
	}{"one that was hurt": {"m1", 0}, "one that was not": {"m2", 1}} {
		ops := recorded()
		begin, end := history.Op{Kind: history.Fault, Count: 3, Note: "killed", Member: tc.member}, history.Op{Kind: history.Healed, Count: 3, Note: "killed", Member: tc.member}
		i := at(ops, history.Attempt, "b4") // behind a4
		ops = slices.Delete(ops, i, at(ops, history.Attempt, "a5"))
		ops = slices.Insert(ops, i, end)
		ops[i].At = ops[i-1].At + 20*int64(time.Second)
		ops = later(ops, i+1, 20*time.Second)
		i = at(ops, history.Start, "a4")
		begin.At = ops[i].At
		again := []history.Op{did(history.Start, "a4", "a", 4, "m1"), did(history.Done, "a4", "a", 4, "m1")}
		for n := range again {
			again[n].At = ops[i].At + 5*int64(time.Second)
		}
		ops = slices.Insert(ops, at(ops, history.Done, "a4")+1, again...)
		ops = slices.Insert(ops, i, begin)
		if r := judge(t, ops); len(r.Unexplained) != tc.want {
			t.Errorf("%s: %d without a cause, want %d; %s", name, len(r.Unexplained), tc.want, r)
		}
	}
}

// After a fault that made the broker forget, anything may come again, for a while.
func TestWhatIsForgottenComesAgain(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]bool{time.Second: true, 3 * time.Second: false} {
		ops := recorded()
		i := at(ops, history.Attempt, "b6")
		ops = slices.Insert(ops, i, history.Op{At: ops[i].At, Kind: history.Forgot, Note: "group deleted"})
		again := []history.Op{did(history.Start, "b1", "b", 1, "m2"), did(history.Done, "b1", "b", 1, "m2")}
		for n := range again {
			again[n].At = ops[i].At + int64(wait)
		}
		ops = later(slices.Insert(ops, i+1, again...), i+3, wait)
		if r := judge(t, ops); (len(r.Unexplained) == 0) != want {
			t.Errorf("%v later: %s", wait, r)
		}
	}
}

// Two streams of which one member or two are told add up; the same in the same words from two members is one gap.
func TestGapsAddUp(t *testing.T) {
	t.Parallel()
	gap := func(member, note string, count int64) history.Op {
		return history.Op{Kind: history.Gap, Member: member, Note: note, Count: count}
	}
	for want, told := range map[int64][]history.Op{
		2:  {gap("m1", "a", 1), gap("m2", "b", 1)},
		3:  {gap("m1", "a", 3), gap("m2", "a", 2)},
		-1: {gap("m1", "a", 1), gap("m2", "b", -1)},
	} {
		ops := recorded()
		i := slices.IndexFunc(ops, func(o history.Op) bool { return o.Kind == history.Gap })
		for n := range told {
			told[n].At = ops[i].At
		}
		if r := judge(t, slices.Replace(ops, i, i+1, told...)); !r.OK() || r.Gaps[0].Told != want {
			t.Errorf("told %+v: got %+v, want %d", told, r.Gaps, want)
		}
	}
}

// What a fault has destroyed may be told when another one has begun.
func TestAGapMayBeToldLate(t *testing.T) {
	t.Parallel()
	ops := recorded()
	i := slices.IndexFunc(ops, func(o history.Op) bool { return o.Kind == history.Gap })
	gap := ops[i]
	ops = slices.Delete(ops, i, i+1)
	next := history.Op{Kind: history.Fault, Count: 3, Note: "slow", Member: history.Nobody}
	healed := next
	healed.Kind = history.Healed
	if r := judge(t, with(ops, history.Done, "x2", next, gap, healed)); !r.OK() || len(r.Gaps) != 1 || r.Gaps[0].Told != 2 {
		t.Errorf("got %s, gaps %+v", r, r.Gaps)
	}
}

// A member that stood still goes on with what it held, which others have handled meanwhile: that is excused, within the window.
func TestAMemberThatStoodStillIsExcused(t *testing.T) {
	t.Parallel()
	ops := recorded()
	for seq := 2; seq < 6; seq++ {
		id := "b" + strconv.Itoa(seq)
		ops = with(ops, history.Healed, "", did(history.Start, id, "b", seq, "m1"), did(history.Done, id, "b", seq, "m1"))
	}
	if r := judge(t, ops); !r.OK() || r.Duplicates != 5 || r.Causes["cut"] != 4 {
		t.Errorf("got %s, causes %v", r, r.Causes)
	}
}

// What a second fault takes, and the rest before it, is no part of the time that traffic needs to flow again after the first one.
func TestAnotherFaultStopsTheClockOfRecovery(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	begin, end := history.Op{Kind: history.Fault, Note: "one", Member: history.Nobody}, history.Op{Kind: history.Healed, Note: "one", Member: history.Nobody}
	var ops []history.Op
	add := func(at int64, number int64, o history.Op) {
		o.At, o.Count = at*second, number
		ops = append(ops, o)
	}
	add(1, 1, begin)
	add(2, 1, end)
	add(4, 0, history.Op{Kind: history.Phase, Note: history.Rest}) // two seconds without a fault
	add(7, 2, begin)
	add(11, 2, end)
	add(12, 0, history.Op{Kind: history.Attempt, ID: "a0"})
	add(12, 0, history.Op{Kind: history.Acked, ID: "a0"})
	add(12, 0, did(history.Start, "a0", "", 0, "m1"))
	add(13, 0, did(history.Done, "a0", "", 0, "m1")) // and two more
	add(14, 0, history.Op{Kind: history.Phase, Note: "drain"})
	r := judge(t, ops)
	if want := []time.Duration{2 * time.Second, 4 * time.Second}; !r.OK() || !slices.Equal(r.Recoveries, want) {
		t.Errorf("recoveries %v, want %v; %s", r.Recoveries, want, r)
	}
}
