package history_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// A fault explains a window for each member that it hurts, and what was published again since it made publishings unknown, however many notices follow.
func TestAFaultExplainsAWindowForEachMember(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hurt  []string // after the first four came again
		again []string // what comes again then
		want  int
	}{
		"a window":                    {nil, nil, 0},
		"a second window of another":  {[]string{"m2"}, []string{"b6", "c6", "b7", "c7"}, 0},
		"a second window of the same": {[]string{"m1"}, []string{"a4"}, 1},
	} {
		ops := recorded()
		i := at(ops, history.Attempt, "a6")
		when := ops[i-1].At
		ops = slices.DeleteFunc(ops, func(o history.Op) bool { return o.At > when && o.Kind != history.Phase && o.Kind != history.Left })
		add := func(o history.Op) {
			when += ms
			o.At = when
			ops = append(ops, o)
		}
		come := func(ids ...string) {
			for _, id := range ids {
				seq := int(id[1] - '0')
				add(did(history.Start, id, id[:1], seq, "m1"))
				add(did(history.Done, id, id[:1], seq, "m1"))
			}
		}
		come("a2", "a3", "a4", "a5") // the fault cut hurt m1
		for seq := 6; seq < 8; seq++ {
			for _, key := range []string{"b", "c"} {
				o := history.Op{ID: key + string(rune('0'+seq)), Key: key, Seq: seq, Kind: history.Attempt}
				add(o)
				o.Kind = history.Acked
				add(o)
				add(did(history.Start, o.ID, key, seq, "m2"))
				add(did(history.Done, o.ID, key, seq, "m2"))
			}
		}
		for _, member := range tc.hurt {
			add(history.Op{Kind: history.Hurt, Member: member, Note: "disconnected"})
		}
		come(tc.again...)
		r := judge(t, ops)
		if len(r.Excessive) != tc.want || len(r.Unexplained) > 0 || len(r.Crashes) != 1 || r.Crashes[0].Duplicates != 4+len(tc.again) {
			t.Errorf("%s: %+v, want %d too many; %s", name, r.Crashes, tc.want, r)
		}
	}
}

// What is published again counts for the fault that made its outcome unknown, on both sides.
func TestUnknownPublishingsCountForTheirFault(t *testing.T) {
	t.Parallel()
	fault := history.Op{At: int64(time.Second), Kind: history.Fault, Count: 7, Note: "reply lost", Member: history.Nobody}
	healed := fault
	healed.Kind = history.Healed
	ops := append([]history.Op{fault}, tale("", "p1 attempt", "p1 unknown", "p1 attempt", "p1 acked", "m1 start", "m1 done", "m1 start", "m1 done")...)
	r := judge(t, append(ops, healed))
	want := history.Crash{Fault: 7, Row: "reply lost", Unknown: 1, Duplicates: 1}
	if !slices.EqualFunc(r.Crashes, []history.Crash{want}, same) || want.Bound(4) != 1 || len(r.Excessive) > 0 {
		t.Errorf("got %+v, want %+v; %s", r.Crashes, want, r)
	}
}

func same(a, b history.Crash) bool { return reflect.DeepEqual(a, b) }
