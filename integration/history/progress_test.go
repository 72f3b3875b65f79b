package history_test

import (
	"testing"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// Time without progress counts only while no fault goes on and no handler rests before one; faults stop the clock, and do not set it back.
func TestOnlyTimeWithoutAFaultCountsAsAStall(t *testing.T) {
	t.Parallel()
	type step struct {
		wait time.Duration
		op   history.Op
	}
	fault := func(kind history.Kind, number int64) history.Op {
		return history.Op{Kind: kind, Count: number, Note: "killed", Member: history.Nobody}
	}
	begin, end, rest := fault(history.Fault, 1), fault(history.Healed, 1), history.Op{Kind: history.Phase, Note: history.Rest}
	for name, tc := range map[string]struct {
		between []step
		wait    time.Duration // until something is handled
		want    time.Duration
	}{
		"no fault":                          {nil, 9 * time.Second, 9 * time.Second},
		"no fault, and too long":            {nil, 11 * time.Second, 11 * time.Second},
		"nearly all a fault":                {[]step{{time.Millisecond, begin}, {17500 * time.Millisecond, end}}, time.Second, 1001 * time.Millisecond},
		"a fault, and silence after it":     {[]step{{time.Millisecond, begin}, {2 * time.Second, end}}, 11 * time.Second, 11001 * time.Millisecond},
		"silence before and after a fault":  {[]step{{6 * time.Second, begin}, {20 * time.Second, end}}, 6 * time.Second, 12 * time.Second},
		"two faults at once":                {[]step{{0, begin}, {time.Second, fault(history.Fault, 2)}, {time.Second, end}, {20 * time.Second, fault(history.Healed, 2)}}, time.Second, time.Second},
		"handlers rest, and then the fault": {[]step{{time.Second, rest}, {20 * time.Second, begin}, {20 * time.Second, end}}, time.Second, 2 * time.Second},
	} {
		at := int64(time.Hour)
		var ops []history.Op
		add := func(wait time.Duration, o history.Op) {
			at += int64(wait)
			o.At = at
			ops = append(ops, o)
		}
		for _, id := range []string{"e0", "e1"} {
			add(0, history.Op{Kind: history.Attempt, ID: id})
			add(0, history.Op{Kind: history.Acked, ID: id})
		}
		add(0, did(history.Start, "e0", "", 0, "m1"))
		add(0, did(history.Done, "e0", "", 0, "m1"))
		for _, s := range tc.between {
			add(s.wait, s.op)
		}
		add(tc.wait, did(history.Start, "e1", "", 0, "m1"))
		add(0, did(history.Done, "e1", "", 0, "m1"))
		r := judge(t, ops)
		if stalled := tc.want > rules.Stall; r.Longest != tc.want || (len(r.Stalls) == 1) != stalled {
			t.Errorf("%s: %v, %d stalls, want %v; %s", name, r.Longest, len(r.Stalls), tc.want, r)
		}
	}
}

// Something that is published in a fault, when there was no work before, waits from the end of the fault on.
func TestWorkThatComesInAFaultWaitsFromItsEnd(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	begin, end := history.Op{At: second, Kind: history.Fault, Count: 1, Member: history.Nobody}, history.Op{At: 20 * second, Kind: history.Healed, Count: 1, Member: history.Nobody}
	ops := []history.Op{
		begin,
		{At: 2 * second, Kind: history.Attempt, ID: "e0"},
		{At: 2 * second, Kind: history.Acked, ID: "e0"},
		end,
	}
	for _, o := range []history.Op{did(history.Start, "e0", "", 0, "m1"), did(history.Done, "e0", "", 0, "m1")} {
		o.At = 31 * second
		ops = append(ops, o)
	}
	if r := judge(t, ops); r.Longest != 11*time.Second || len(r.Stalls) != 1 {
		t.Errorf("%v, %d stalls; %s", r.Longest, len(r.Stalls), r)
	}
}
