package memory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

// record publishes n messages one by one, then receives and acks until nothing comes, and returns all that happened.
func record(t *testing.T, faults memory.Faults, n int) string {
	var b strings.Builder
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{Faults: faults}).Connect()
		m := join(t, d, spec("orders", "billing"))
		began := time.Now()
		for i := range n {
			f := send(t, d, driver.Address{Topic: "orders"}, message(fmt.Sprint(i), ""))
			fmt.Fprintf(&b, "%d %v\n", i, f.list(1)[0])
		}
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			got, err := m.Receive(ctx, 3, 1<<20)
			cancel()
			if err != nil {
				return
			}
			for _, msg := range got {
				fmt.Fprintf(&b, "%s delivery %d after %v\n", msg.ID, msg.Deliveries, time.Since(began))
			}
			m.settle(driver.Ack, got...)
		}
	})
	return b.String()
}

func TestTheSameSeedGivesTheSameFaults(t *testing.T) {
	t.Parallel()
	faults := memory.Faults{Seed: 7, Refuse: 0.2, Unconfirmed: 0.2, Duplicate: 0.2, Cut: 0.1, Delay: time.Second}
	first := record(t, faults, 200)
	if again := record(t, faults, 200); again != first {
		t.Errorf("the same seed gave another history:\n%s\n--- and\n%s", first, again)
	}
	faults.Seed = 8
	if record(t, faults, 200) == first {
		t.Error("another seed gave the same history")
	}
}

func TestEachFaultDoesWhatItSays(t *testing.T) {
	t.Parallel()
	const n = 400
	for _, c := range []struct {
		name               string
		faults             memory.Faults
		fate               driver.Fate
		bad, first, second [2]int // least and most: fates that are not stored, first deliveries, second ones
	}{
		{"nothing", memory.Faults{Seed: 1}, 0, [2]int{0, 0}, [2]int{n, n}, [2]int{0, 0}},
		{"refuse", memory.Faults{Refuse: 1}, driver.Unavailable, [2]int{n, n}, [2]int{0, 0}, [2]int{0, 0}},
		{"unconfirmed", memory.Faults{Unconfirmed: 1}, driver.Unconfirmed, [2]int{n, n}, [2]int{n / 3, n * 2 / 3}, [2]int{0, 0}},
		{"duplicate", memory.Faults{Duplicate: 1}, 0, [2]int{0, 0}, [2]int{n, n}, [2]int{n, n}},
		{"half duplicate", memory.Faults{Duplicate: 0.5}, 0, [2]int{0, 0}, [2]int{n, n}, [2]int{n / 3, n * 2 / 3}},
		{"cut", memory.Faults{Cut: 1}, 0, [2]int{0, 0}, [2]int{n, n}, [2]int{n, n}},
		{"delay", memory.Faults{Delay: time.Second}, 0, [2]int{0, 0}, [2]int{n, n}, [2]int{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			history := record(t, c.faults, n)
			for what, want := range map[string][2]int{
				fmt.Sprintf(" %v\n", c.fate): c.bad, " delivery 1 ": c.first, " delivery 2 ": c.second, " delivery 3 ": {0, 0},
			} {
				if got := strings.Count(history, what); got < want[0] || got > want[1] {
					t.Errorf("%q came %d times, want %v", what, got, want)
				}
			}
			if delayed := strings.Count(history, "after 0s\n") == 0; delayed != (c.faults.Delay > 0) && c.faults.Refuse == 0 {
				t.Errorf("delayed: %v", delayed)
			}
		})
	}
}

func TestInjectedErrorsSayThatTheyAre(t *testing.T) {
	t.Parallel()
	for _, faults := range []memory.Faults{{Refuse: 1}, {Unconfirmed: 1}} {
		d := newServer(t, memory.Config{Faults: faults}).Connect()
		join(t, d, spec("orders", "billing"))
		if err := send(t, d, driver.Address{Topic: "orders"}, message("1", "")).reason(0); !errors.Is(err, memory.ErrInjected) {
			t.Errorf("%+v: %v, want ErrInjected", faults, err)
		}
	}
}

func TestCutMakesWhatIsHeldComeAgainFromANewSource(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	var told notices
	s := spec("orders", "billing")
	s.Notify = told.add
	m := join(t, d, s)
	publish(t, d, "orders", numbered(1, 4)...)
	held := m.take(3)
	m.settle(driver.Ack, held[1])
	server.Cut(d)
	m.settle(driver.Ack, held[0], held[2])
	again := m.take(3)
	equal(t, "what comes", idsOf(again), []string{"1", "3", "4"})
	if held[0].Source.State() != driver.Gone || again[0].Source.State() != driver.Live {
		t.Errorf("states: %v and %v", held[0].Source.State(), again[0].Source.State())
	}
	equal(t, "notices", told.kinds(), []driver.NoticeKind{driver.Disconnected, driver.Connected})
	server.Cut(newServer(t, memory.Config{}).Connect()) // a stranger
}

func TestCutTellsABroadcastWhatItMisses(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	var told notices
	s := spec("orders", "")
	s.Notify = told.add
	m := join(t, d, s)
	keep := driver.Address{Topic: "orders", Unrouted: driver.Keep}
	send(t, d, keep, numbered(1, 5)...)
	m.take(2)
	server.Cut(d)
	equal(t, "gaps", told.gaps(), []int64{3})
	send(t, d, keep, numbered(6, 6)...)
	equal(t, "from now on", m.drain(1), span(6, 6))
}
