package chaos_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/chaos"
	"github.com/herald-go/herald/integration/history"
)

// crew is a publisher and two members in this process, on a broker in memory.
type crew struct {
	t      *testing.T
	server *memory.Server
	dir    string
	work   sync.WaitGroup
}

func (c *crew) open(ctx context.Context, _ chaos.Role, opts ...messaging.Option) (*messaging.Broker, error) {
	return memory.OpenServer(ctx, c.server, opts...)
}

// start starts a role; stop ends it.
func (c *crew) start(r chaos.Role) (stop func()) {
	c.t.Helper()
	r.Dir, r.Topic, r.Group = c.dir, "orders", "workers"
	orders, ready, ended := make(chan string), make(chan struct{}), make(chan struct{})
	c.work.Go(func() {
		defer close(ended)
		err := chaos.Work(c.t.Context(), r, c.open, orders, func(string) { close(ready) })
		if err != nil && r.Broken == "" {
			c.t.Errorf("%s: %v", r.Name, err)
		}
	})
	select {
	case <-ready:
	case <-ended:
		c.t.Fatalf("%s is not ready", r.Name)
	}
	return func() {
		close(orders)
		<-ended
	}
}

// play lets the crew work until so many events are handled, drains, and judges.
func play(t *testing.T, broken string, faults memory.Faults, events int) history.Report {
	t.Helper()
	server, err := memory.NewServer(memory.Config{Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	c := &crew{t: t, server: server, dir: t.TempDir()}
	alone := broken == "" || broken == chaos.BreakLeak // all others run at once
	member := chaos.Role{Name: "m1", Part: chaos.Handling, Window: 32, Work: 2 * time.Millisecond, Together: !alone, Broken: broken}
	stopMember := c.start(member)
	stopPublisher := c.start(chaos.Role{
		Name: "p1", Part: chaos.Publishing, Keys: 6, Pause: 4 * time.Millisecond, Hasty: time.Millisecond, Seed: 1, Together: true, Broken: broken,
	})
	f := history.Follow(c.dir)
	handled, quiet := 0, 0
	poll := func() {
		before := handled
		if err := f.Poll(func(o history.Op) {
			if o.Kind == history.Done {
				handled++
			}
		}); err != nil {
			t.Fatal(err)
		}
		quiet++
		if handled != before {
			quiet = 0
		}
	}
	check := time.NewTicker(20 * time.Millisecond)
	defer check.Stop()
	for handled < events && quiet < 50 {
		<-check.C
		poll()
	}
	stopPublisher()
	for quiet = 0; quiet < 175; poll() { // longer than the longest pause between two tries
		<-check.C
	}
	stopMember()
	c.work.Wait()
	rules := chaos.Rules("memory")
	rules.OverrunOf, rules.Grace = 1, 0
	if broken != chaos.BreakLate {
		rules.Overrun, rules.Stall = 0, 0 // the machine may be busy
	}
	report, err := rules.Check(history.Read(c.dir))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func names(r history.Report) []string {
	var all []string
	for _, v := range r.Violations() {
		all = append(all, v.Name)
	}
	return all
}

func TestARightCrewIsFoundToBeRight(t *testing.T) {
	t.Attr("suite", "chaos")
	t.Attr("broker", "memory")
	report := play(t, "", memory.Faults{Seed: 1, Refuse: 0.05, Unconfirmed: 0.05}, 500)
	if !report.OK() || report.Acked < 400 || report.Unknown == 0 || report.Refused == 0 {
		t.Errorf("got %s", report)
	}
}

// Each kind of broken process is found, and called by what it does wrong.
func TestBrokenCrewsAreFound(t *testing.T) {
	t.Attr("suite", "chaos")
	t.Attr("broker", "memory")
	for broken, want := range map[string]string{
		chaos.BreakAck:        "lost",
		chaos.BreakEarly:      "lost",
		chaos.BreakTwice:      "unexplained duplicates",
		chaos.BreakSwallow:    "lost",
		chaos.BreakRefuse:     "phantom",
		chaos.BreakOrder:      "reordered",
		chaos.BreakGhost:      "unexpected",
		chaos.BreakConcurrent: "concurrent",
		chaos.BreakKey:        "one key twice at once",
		chaos.BreakLate:       "publish late",
		chaos.BreakLeak:       "leaks",
		chaos.BreakStop:       "lost",
	} {
		t.Run(broken, func(t *testing.T) {
			if broken != chaos.BreakLeak {
				t.Parallel()
			}
			faults := memory.Faults{}
			if broken == chaos.BreakSwallow {
				faults = memory.Faults{Seed: 1, Refuse: 0.05}
			}
			report := play(t, broken, faults, 400)
			if got := names(report); !slices.Contains(got, want) {
				t.Errorf("found %s, want %s; %s", strings.Join(got, ", "), want, report)
			}
		})
	}
}

func TestEveryBreakageIsTested(t *testing.T) {
	t.Parallel()
	if n := len(chaos.Breakages()); n != 12 {
		t.Errorf("there are %d breakages, and tests for 12", n)
	}
}
