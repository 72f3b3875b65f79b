package history_test

import (
	"slices"
	"testing"

	"github.com/herald-go/herald/integration/history"
)

// What is told of one stream does not make up for another one; what names no stream does, and so does an unknown number of the stream itself.
func TestEachStreamIsToldOfByItself(t *testing.T) {
	t.Parallel()
	streams := history.Rules{Group: "g", Window: 4, Streams: []string{"<0>", "<1>"}, Partition: func(key string) int { return int(key[0] - 'a') }}
	gap := func(note string, count int64) history.Op {
		return history.Op{Kind: history.Gap, Member: "m1", Note: note, Count: count}
	}
	for name, tc := range map[string]struct {
		told []history.Op
		want []string
	}{
		"each":                  {[]history.Op{gap("of <0>", 1), gap("of <1>", 2)}, nil},
		"one too small":         {[]history.Op{gap("of <0>", 2), gap("of <1>", 1)}, []string{"<1>"}},
		"one not, one unknown":  {[]history.Op{gap("of <0>", -1)}, []string{"<1>"}},
		"unknown of each":       {[]history.Op{gap("of <0>", -1), gap("of <1>", -1)}, nil},
		"of the whole":          {[]history.Op{gap("of all", -1)}, nil},
		"nothing":               {nil, []string{"<0>", "<1>"}},
		"again, in other words": {[]history.Op{gap("of <0>", 1), gap("1 of <1>", 1), gap("another 1 of <1>", 1)}, nil},
	} {
		ops := []history.Op{
			{Kind: history.Attempt, ID: "a0", Key: "a"},
			{Kind: history.Acked, ID: "a0", Key: "a"},
			{Kind: history.Attempt, ID: "b0", Key: "b"},
			{Kind: history.Acked, ID: "b0", Key: "b"},
			{Kind: history.Attempt, ID: "b1", Key: "b", Seq: 1},
			{Kind: history.Acked, ID: "b1", Key: "b", Seq: 1},
			{Kind: history.Destroyed, Count: 1},
			{Kind: history.Destroyed, ID: "a0", Count: 1},
			{Kind: history.Destroyed, ID: "b0", Count: 1},
			{Kind: history.Destroyed, ID: "b1", Count: 1},
		}
		r := streams.Judge(append(ops, tc.told...))
		if len(r.Gaps) != 1 || !slices.Equal(r.Gaps[0].Untold, tc.want) || (len(r.Misreported) == 0) != (len(tc.want) == 0) {
			t.Errorf("%s: %+v, want untold %q; %s", name, r.Gaps, tc.want, r)
		}
	}
}
