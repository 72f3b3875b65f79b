package chaos_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/chaos"
	"github.com/herald-go/herald/integration/history"
)

// What was destroyed once can't be destroyed again, but what has failed may be in the inbox, where another fault finds it; what is handled is not there.
func TestTheNextFaultMayDestroyWhatLiesInTheInbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, ops := range map[string][]history.Op{
		"m1": {
			{Kind: history.Freed, ID: "failed", Group: "workers", Member: "m1"},
			{Kind: history.Freed, ID: "interrupted", Group: "workers", Member: "m1", Note: history.Interrupted},
			{Kind: history.Freed, ID: "done", Group: "workers", Member: "m1"},
			{Kind: history.Done, ID: "done", Group: "workers", Member: "m1"},
		},
		"nemesis": {
			{Kind: history.Destroyed, Count: 1},
			{Kind: history.Destroyed, ID: "failed", Count: 1},
			{Kind: history.Destroyed, ID: "interrupted", Count: 1},
			{Kind: history.Destroyed, ID: "waiting", Count: 1},
		},
		"a1": {
			{Kind: history.Attempt, ID: "failed"},
			{Kind: history.Attempt, ID: "interrupted"},
			{Kind: history.Attempt, ID: "waiting"},
			{Kind: history.Attempt, ID: "done"},
		},
		"p1": {{Kind: history.Attempt, ID: "new"}},
	} {
		f, err := history.Append(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Add(ops...); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := chaos.Unfinished(dir)
	if want := []string{"failed", "new"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("unfinished are %q, %v; want %q", got, err, want)
	}
}

// Where members tell which stream is gone, each stream of which something is gone must be told of; one of the group's as a whole is of all of them.
func TestEachStreamThatIsGoneMustBeTold(t *testing.T) {
	t.Parallel()
	const kafka, redis = "chaos.2e692c17 partition %d: the topic was deleted and made again, going on at 0", "the stream {chaos.a5798e24:%d} was deleted with what the group had not finished"
	for name, tc := range map[string]struct {
		kind  brokers.Kind
		words string
		skip  int // this partition is not told of; the keys are in 4 and 1 on Kafka, in 1 and 0 on Redis
		all   string
		want  []string
	}{
		"Kafka, all":            {brokers.Kafka, kafka, -1, "", nil},
		"Kafka, not one":        {brokers.Kafka, kafka, 1, "", []string{" partition 1:"}},
		"Kafka, not an empty":   {brokers.Kafka, kafka, 3, "", nil},
		"Kafka, the whole":      {brokers.Kafka, kafka, 1, "the group's positions are gone: going on at the oldest that is held", nil},
		"Redis, all":            {brokers.Redis, redis, -1, "", nil},
		"Redis, not one":        {brokers.Redis, redis, 1, "", []string{":1}"}},
		"Valkey, not the other": {brokers.Valkey, redis, 0, "", []string{":0}"}},
		"RabbitMQ says not":     {brokers.RabbitMQ, "messages may have been lost", 1, "", nil},
	} {
		rules := chaos.Rules(tc.kind)
		var ops []history.Op
		for _, key := range []string{"p1.1-k0", "p1.1-k1"} {
			o := history.Op{ID: key + "-0", Key: key}
			for _, kind := range []history.Kind{history.Attempt, history.Acked} {
				o.Kind = kind
				ops = append(ops, o)
			}
		}
		ops = append(ops, history.Op{Kind: history.Destroyed, Count: 1})
		for _, key := range []string{"p1.1-k0", "p1.1-k1"} {
			ops = append(ops, history.Op{Kind: history.Destroyed, ID: key + "-0", Count: 1})
		}
		for p := range 6 {
			note := tc.words
			if len(rules.Streams) > 0 {
				note = fmt.Sprintf(tc.words, p)
			}
			if p != tc.skip {
				ops = append(ops, history.Op{Kind: history.Gap, Member: "m1", Count: -1, Note: note})
			}
		}
		if tc.all != "" {
			ops = append(ops, history.Op{Kind: history.Gap, Member: "m1", Count: -1, Note: tc.all})
		}
		r := rules.Judge(ops)
		if len(r.Gaps) != 1 || !slices.Equal(r.Gaps[0].Untold, tc.want) || len(r.Misreported) != len(tc.want) {
			t.Errorf("%s: %+v, want untold %q", name, r.Gaps, tc.want)
		}
	}
}
