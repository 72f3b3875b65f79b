package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Rows 33 and 34 in a row: a group is deleted and made again amid its stream, and before it has read to the end the stream is trimmed to nothing.
// How much the group has read is known from its making on, so what is gone is told, exactly.
func TestTrimmedAfterTheGroupWasMadeAgain(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	cfg, err := redis.ParseURL(b.URL())
	must(t, err)
	d, err := redis.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	topic := matrix.Topic()
	notices := make(chan driver.Notice, 100) // Notify must not block
	sub, err := d.Subscribe(t.Context(), driver.Spec{
		Topic: topic, Group: "workers", Member: "one", Window: 4, WindowBytes: 1 << 20, Notify: func(n driver.Notice) { notices <- n },
	})
	must(t, err)
	const sent = 40
	for i := range sent {
		store(t, d, topic, fmt.Sprint(i))
	}
	gap := func() driver.Notice {
		t.Helper()
		timeout := time.After(patience)
		for {
			select {
			case n := <-notices:
				if n.Kind == driver.Gap {
					return n
				}
			case <-timeout:
				t.Fatal("nobody is told")
			}
		}
	}
	for again := true; again; { // before the first beat it would begin with all there is, whose number is known
		if n := cli(t, b, "XGROUP", "DESTROY", "{"+topic+"}", "workers"); n != "1" {
			t.Fatalf("destroyed %s groups", n)
		}
		again = !strings.Contains(gap().Detail, "begins again at")
	}
	cli(t, b, "XTRIM", "{"+topic+"}", "MAXLEN", "0")
	told := gap().Count
	store(t, d, topic, "last")
	got := map[string]bool{}
	for !got["last"] {
		msgs, err := sub.Receive(t.Context(), 10, 1<<20)
		must(t, err)
		for _, m := range msgs {
			got[m.ID] = true
			sub.Settle([]driver.Outcome{{Message: m, Verdict: driver.Ack}})
		}
	}
	if lost := int64(sent + 1 - len(got)); told != lost {
		t.Errorf("told of %d, and %d never came", told, lost)
	}
	must(t, sub.Close(context.WithoutCancel(t.Context())))
}

// store sends a message and demands that it is stored.
func store(t *testing.T, d *redis.Driver, topic, id string) {
	t.Helper()
	told := make(fates, 1) // Done must not block
	d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, []*driver.Message{{ID: id, Body: []byte("{}")}}, told)
	if f := <-told; f.fate != driver.Stored {
		t.Fatalf("publish %s: %v, %v", id, f.fate, f.err)
	}
}

// A group that is made again begins before its first unfinished entry, at an id that no number of a script holds, and the entry is older than the
// history. Members trim the stream all the same, and go on.
func TestGroupDestroyedWithOldEntriesInHand(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	m := memberOf(t, b, matrix.Topic(), driver.Spec{Member: "one", Window: 4})
	m.eval(`return redis.call('XADD', KEYS[1], '1000-0', 'herald-id', 'old', 'herald-type', 't', 'data', '{}')`)
	held := m.take(1)
	m.beaten()
	m.eval(`return redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers')`)
	m.awaitNotice(func(n driver.Notice) bool {
		return strings.Contains(n.Detail, "begins again at 999-18446744073709551615")
	})
	m.sub.Settle([]driver.Outcome{{Message: held[0], Verdict: driver.Ack}})
	ctx, cancel := context.WithTimeout(t.Context(), atOnce)
	defer cancel()
	again, err := m.sub.Receive(ctx, 1, 1<<20)
	must(t, err)
	m.ack(again)
	if !m.got["old"] {
		t.Errorf("received %q", again[0].ID)
	}
}
