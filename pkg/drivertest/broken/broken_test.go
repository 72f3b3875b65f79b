package broken_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
	"github.com/herald-go/herald/pkg/drivertest/broken"
)

// over is a harness over a server of its own, all of whose drivers are wrapped.
func over(t *testing.T, wrap func(driver.Driver) driver.Driver) drivertest.Harness {
	t.Helper()
	server, err := memory.NewServer(memory.Config{Queue: 500, QueueBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return drivertest.Harness{
		Name:       "memory",
		Open:       func(context.Context) (driver.Driver, error) { return wrap(server.Connect()), nil },
		Disconnect: func() error { server.Disconnect(); return nil },
		Reconnect:  func() error { server.Reconnect(); return nil },
		Cut:        func(d driver.Driver) error { server.Cut(broken.Unwrap(d)); return nil },
		Refuse:     func(topic string, on bool) error { server.Refuse(topic, on); return nil },
		Unanswered: func(topic string, on bool) error { server.Unanswered(topic, on); return nil },
		Inject: func(ctx context.Context, topic string, headers []driver.Header, body []byte) error {
			d := server.Connect() // a stranger is not broken
			fate := make(fates, 1)
			d.Publisher().Send(ctx, driver.Address{Topic: topic, Unrouted: driver.Drop}, []*driver.Message{{Headers: headers, Body: body}}, fate)
			<-fate
			return d.Close(ctx)
		},
		Room:      1000,
		RoomBytes: 4 << 20,
	}
}

// fates waits for the fate of one message; there is room for it.
type fates chan driver.Fate

func (f fates) Done(_ int, fate driver.Fate, _ error) { f <- fate }

// leaks tells the faults that leave goroutines behind for ever, which no bubble bears.
func leaks(f broken.Fault) bool { return strings.HasPrefix(f.Name, "leaks") }

// groupsOnly and broadcastOnly are what the smallest drivers can do.
var (
	groupsOnly    = []driver.Feature{driver.FeatureGroups}
	broadcastOnly = []driver.Feature{driver.FeatureBroadcast}
)

// The suite must pass what is not broken: a driver that can do everything, and those that can do little and say so.
func TestHonestWrappersPass(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(driver.Driver) driver.Driver{
		"everything":     broken.Honest,
		"groups only":    func(d driver.Driver) driver.Driver { return broken.Modest(d, groupsOnly...) },
		"broadcast only": func(d driver.Driver) driver.Driver { return broken.Modest(d, broadcastOnly...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ran := 0
				for _, v := range drivertest.Check(t.Context(), over(t, wrap)) {
					if v.Status == drivertest.Broken {
						t.Errorf("%s: %s", v.Sentence, strings.Join(v.Messages, "; "))
					}
					if v.Status != drivertest.NotRun {
						ran++
					}
				}
				t.Logf("%d of %d sentences ran", ran, len(drivertest.Sentences()))
			})
		})
	}
}

// Each fault must be caught by the sentence that is about it, and each sentence must catch some fault: one that catches none is toothless.
func TestEachFaultIsCaught(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	biting := map[string]bool{}
	check := func(t *testing.T, h drivertest.Harness, names ...string) []drivertest.Verdict {
		t.Helper()
		verdicts := drivertest.Check(t.Context(), h, names...)
		mu.Lock()
		defer mu.Unlock()
		for _, v := range verdicts {
			biting[v.Sentence] = biting[v.Sentence] || v.Status == drivertest.Broken
		}
		return verdicts
	}
	t.Run("fault", func(t *testing.T) {
		for _, fault := range broken.All() {
			t.Run(fault.Name, func(t *testing.T) {
				t.Parallel()
				if leaks(fault) {
					h := over(t, fault.Wrap)
					h.Patience = 300 * time.Millisecond
					caught(t, fault, check(t, h, fault.Caught))
					return
				}
				synctest.Test(t, func(t *testing.T) { caught(t, fault, check(t, over(t, fault.Wrap))) })
			})
		}
		for name, can := range map[string][]driver.Feature{"groups": groupsOnly, "broadcast": broadcastOnly} {
			t.Run("says that it can do "+name+" only, and does the rest all the same", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					check(t, over(t, func(d driver.Driver) driver.Driver { return broken.Boastful(d, can...) }))
				})
			})
		}
	})
	for _, s := range drivertest.Sentences() {
		if !biting[s.Name()] {
			t.Errorf("%q catches no fault", s.Name())
		}
	}
}

// caught demands that the sentence which is about the fault is broken, and logs which ones are.
func caught(t *testing.T, fault broken.Fault, verdicts []drivertest.Verdict) {
	t.Helper()
	var names []string
	for _, v := range verdicts {
		if v.Status != drivertest.Broken {
			continue
		}
		names = append(names, v.Sentence)
		if v.Sentence == fault.Caught {
			t.Logf("caught by %q: %s", v.Sentence, firstLine(v.Messages))
		}
	}
	if !slices.Contains(names, fault.Caught) {
		t.Errorf("not caught by %q, but by %q", fault.Caught, names)
	}
	t.Logf("%d sentences are broken", len(names))
}

func firstLine(messages []string) string {
	line, _, _ := strings.Cut(fmt.Sprint(messages[0]), "\n")
	return line
}

func TestFaultsAreDistinct(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	sentences := map[string]bool{}
	for _, s := range drivertest.Sentences() {
		if sentences[s.Name()] {
			t.Errorf("two sentences are called %q", s.Name())
		}
		sentences[s.Name()] = true
	}
	for _, f := range broken.All() {
		if names[f.Name] {
			t.Errorf("two faults are called %q", f.Name)
		}
		names[f.Name] = true
		if !sentences[f.Caught] {
			t.Errorf("fault %q is to be caught by %q, which is no sentence", f.Name, f.Caught)
		}
	}
}
