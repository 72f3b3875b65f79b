package rabbitmq_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// text writes a table with its keys in order and its values with their types.
func text(t amqp.Table) string {
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "  %s = %T(%v)\n", k, t[k], t[k])
	}
	return b.String()
}

func TestTopologyIsGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("names\n  " + strings.Join(rabbitmq.Names("orders.eu", "billing"), "\n  ") + "\n")
	fmt.Fprintf(&b, "group, quorum\n%s", text(rabbitmq.QueueArgs(rabbitmq.QueueQuorum)))
	fmt.Fprintf(&b, "group, classic\n%s", text(rabbitmq.QueueArgs(rabbitmq.QueueClassic)))
	fmt.Fprintf(&b, "partition, quorum\n%s", text(rabbitmq.PartitionArg(rabbitmq.QueueQuorum)))
	fmt.Fprintf(&b, "partition, classic\n%s", text(rabbitmq.PartitionArg(rabbitmq.QueueClassic)))
	for _, n := range []int{0, 4} {
		for wait := range 5 {
			most := []time.Duration{time.Second, 6 * time.Second, time.Minute, 4 * time.Minute, 24 * time.Hour}[wait]
			fmt.Fprintf(&b, "tier for %v, %d partitions\n  %s\n", most, n, rabbitmq.TierOf(most))
		}
	}
	b.WriteString(tiers())
	fmt.Fprintf(&b, "delay level 0\n%s", text(rabbitmq.WaitingArgs(rabbitmq.DelayUnit, rabbitmq.BelowLevel(0))))
	fmt.Fprintf(&b, "delay level 22\n%s", text(rabbitmq.WaitingArgs(rabbitmq.DelayUnit<<22, rabbitmq.BelowLevel(22))))
	fmt.Fprintf(&b, "log\n%s", text(rabbitmq.StreamArgs(0)))
	fmt.Fprintf(&b, "history\n%s", text(rabbitmq.StreamArgs(36*time.Hour)))
	fmt.Fprintf(&b, "sink\n%s", text(rabbitmq.SinkArgs()))
	golden(t, "topology.golden", b.String())
}

func tiers() string {
	var b strings.Builder
	for _, name := range []string{"plain", "partitioned"} {
		n := map[string]int{"plain": 0, "partitioned": 4}[name]
		for _, args := range rabbitmq.LadderArgs("orders.eu", "billing", n) {
			fmt.Fprintf(&b, "tier, %s\n%s", name, text(args))
		}
	}
	return b.String()
}

// A tier may last longer than a message waits, never shorter.
func TestTiersRoundUp(t *testing.T) {
	t.Parallel()
	names, most := rabbitmq.Ladder()
	for i, name := range names {
		if got := rabbitmq.TierOf(most[i]); got != name {
			t.Errorf("the tier for %v is %s, want %s", most[i], got, name)
		}
		if i+1 < len(names) {
			if got := rabbitmq.TierOf(most[i] + 1); got != names[i+1] {
				t.Errorf("the tier for a little more than %v is %s, want %s", most[i], got, names[i+1])
			}
		}
	}
	if rabbitmq.MaxWait.Milliseconds() > 1<<32-1 {
		t.Errorf("%v is longer than the broker's timers", rabbitmq.MaxWait)
	}
}

func TestDelayBitsRoundUp(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]uint{
		1: 1, time.Second: 1, time.Second + 1: 2, 5 * time.Second: 5, time.Hour: 3600, rabbitmq.MaxWait: 49 * 86400,
	} {
		if got := rabbitmq.DelayBits(wait); got != want {
			t.Errorf("%v is %d units, want %d", wait, got, want)
		}
	}
	if top := rabbitmq.DelayBits(rabbitmq.MaxWait); top >= 1<<rabbitmq.DelayLevels {
		t.Errorf("the longest delay is %d units, and there are %d levels", top, rabbitmq.DelayLevels)
	}
}

// Each slot has one partition, in runs, and no partition is without.
func TestPartitionsShareTheSlots(t *testing.T) {
	t.Parallel()
	for n := 1; n <= driver.Slots; n++ {
		count := make([]int, n)
		last := 0
		for slot := range driver.Slots {
			p := rabbitmq.PartitionOf(slot, n)
			if p < last || p >= n {
				t.Fatalf("slot %d of %d partitions is in partition %d after %d", slot, n, p, last)
			}
			last = p
			count[p]++
		}
		if slices.Min(count) == 0 || slices.Max(count)-slices.Min(count) > 1 {
			t.Errorf("%d partitions have %v slots", n, count)
		}
	}
}

func TestMatchesAsATopicExchangeDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, key string
		want         bool
	}{
		{"#", "", true},
		{"#", "a.b", true},
		{"*", "a", true},
		{"*", "a.b", false},
		{"a.*", "a.b", true},
		{"a.*", "a", false},
		{"a.#", "a", true},
		{"a.#", "a.b.c", true},
		{"a.#.z", "a.z", true},
		{"a.#.z", "a.b.c.z", true},
		{"a.#.z", "a.b", false},
		{"*.b", "a.b", true},
		{"a.b", "a.b", true},
		{"a.b", "a.bc", false},
		{"#.#", "a", true},
		{"a:b/c", "a:b/c", true},
	} {
		if got := rabbitmq.Matches([]string{c.pattern}, c.key); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.key, got, c.want)
		}
	}
}

func TestAConflictSaysWhatDiffersAndWhatToDo(t *testing.T) {
	t.Parallel()
	err := rabbitmq.Explain(&amqp.Error{Code: amqp.PreconditionFailed, Reason: "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue " +
		"'herald..group..orders..billing' in vhost '/': received 'quorum' but current is 'classic'"})
	for _, want := range []string{driver.ErrConflict.Error(), "queue herald..group..orders..billing", "x-queue-type = 'classic'", "'quorum' is wanted", "delete it once it is empty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestPatternsAreNoTypesOfADirectExchange(t *testing.T) {
	t.Parallel()
	for types, want := range map[string]bool{"": false, "a.b": true, "a.b c": true, "a.*": false, "*": false, "a #": false, "#.b": false, "a.b* c#": true} {
		if got := rabbitmq.Literal(strings.Fields(types)); got != want {
			t.Errorf("%q: literal %v, want %v", types, got, want)
		}
	}
}
