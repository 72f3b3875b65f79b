package drivertest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// T is what the suite needs of a test. *testing.T and *testing.B have it, and so has the recorder behind Check.
type T interface {
	// Helper marks the caller as one whose line is not the one to report.
	Helper()
	// Name returns the test's name.
	Name() string
	// Context returns a context that ends before the cleanups run.
	Context() context.Context
	// Cleanup registers a function to run at the end, last one first.
	Cleanup(f func())
	// Failed reports whether the test has failed.
	Failed() bool
	// Logf notes something.
	Logf(format string, args ...any)
	// Errorf fails the test and goes on. It must be safe to call from any goroutine.
	Errorf(format string, args ...any)
	// Fatalf fails the test and ends the calling goroutine, which must be the test's own.
	Fatalf(format string, args ...any)
}

// Harness tells the suite how to reach one broker and how to hurt it. Only Name and Open are required. Its functions must be safe for
// concurrent use.
type Harness struct {
	// Name is the adapter's name, for the report.
	Name string
	// Open returns another connection to the same broker. It is called several times per sentence; the suite closes what it opens.
	Open func(ctx context.Context) (driver.Driver, error)

	// Disconnect takes the broker away for all connections, and Reconnect brings it back with all that it had stored. Both or neither are
	// set. Sentences that use them run alone.
	Disconnect, Reconnect func() error
	// Cut breaks the connections of one driver that Open returned; that driver is expected to reconnect by itself.
	Cut func(d driver.Driver) error
	// Refuse makes the broker refuse, or take again, what is published to the topic, without storing it.
	Refuse func(topic string, on bool) error
	// Unanswered makes the broker store what is published to the topic while its answer gets lost, or answer again.
	Unanswered func(topic string, on bool) error
	// Inject puts a message into the topic as a stranger would: with the broker's own means, and without any of Herald's marks.
	Inject func(ctx context.Context, topic string, headers []driver.Header, body []byte) error

	// Patience is how long to wait for what must happen. The default is 5 s.
	Patience time.Duration
	// Quiet is how long to watch that something does not happen. The default is 50 ms; a real broker needs some 300 ms.
	Quiet time.Duration
	// Late is how much later than asked a delayed message may come: the smallest tier of the adapter. The default is Patience.
	Late time.Duration
	// Room is how many messages Send may queue while the broker is away before it must wait for room. The default is 100,000.
	Room int
	// RoomBytes is the same in bytes of bodies. The default is 256 MiB.
	RoomBytes int
	// FiltersUnknown tells that the driver can't know the filters of a group's live members, and so can't tell ErrConflict over them.
	FiltersUnknown bool
}

func (h Harness) withDefaults() Harness {
	if h.Patience <= 0 {
		h.Patience = 5 * time.Second
	}
	if h.Quiet <= 0 {
		h.Quiet = 50 * time.Millisecond
	}
	if h.Late <= 0 {
		h.Late = h.Patience
	}
	if h.Room <= 0 {
		h.Room = 100_000
	}
	if h.RoomBytes <= 0 {
		h.RoomBytes = 256 << 20
	}
	return h
}

// Run runs every sentence against the harness, each as a subtest named "area/sentence", and logs the report at the end. Sentences that take
// the broker away run first and alone; the others run in parallel. A sentence that can't run is not a subtest: the report names it.
func Run(t *testing.T, h Harness) {
	t.Helper()
	h = h.withDefaults()
	// Whatever collects results can tell what ran on which broker: the first word of the harness's name.
	broker, _, _ := strings.Cut(h.Name, " ")
	t.Attr("suite", "drivertest")
	t.Attr("broker", broker)
	p := examine(t, h)
	var rep report
	t.Run("contract", func(t *testing.T) {
		for _, s := range Sentences() {
			if why := s.lacks(p); why != "" {
				rep.add(s, Verdict{Sentence: s.Name(), Status: NotRun, Reason: why})
				continue
			}
			t.Run(s.Name(), func(t *testing.T) {
				if !s.alone {
					t.Parallel()
				}
				began := time.Now()
				t.Cleanup(func() {
					v := Verdict{Sentence: s.Name(), Status: Kept, Elapsed: time.Since(began)}
					if t.Failed() {
						v.Status = Broken
					}
					rep.add(s, v)
				})
				s.run(t, h, p)
			})
		}
	})
	if n := rep.notRun(); n > 0 {
		t.Attr("not-run", strconv.Itoa(n))
	}
	t.Log("\n" + rep.String(h, p))
}

// probe is what the suite found out about a driver before its first sentence.
type probe struct {
	h    Harness
	caps driver.Capabilities
	side map[string]bool
}

func examine(t T, h Harness) probe {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	if h.Open == nil {
		t.Fatalf("drivertest: the harness has no Open")
	}
	d, err := h.Open(ctx)
	if err != nil {
		t.Fatalf("drivertest: open %s: %v", h.Name, err)
	}
	p := probe{h: h, caps: d.Capabilities(), side: map[string]bool{}}
	_, p.side["notices"] = d.(driver.Notifier)
	_, p.side["history"] = d.(driver.History)
	_, p.side["lag"] = d.(driver.Lagger)
	_, p.side["topology"] = d.(driver.Topology)
	_, p.side["groups"] = d.(driver.Groups)
	if err := d.Close(ctx); err != nil {
		t.Fatalf("drivertest: close %s: %v", h.Name, err)
	}
	return p
}
