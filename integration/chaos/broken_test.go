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

// How many looks without anything handled tell that a crew has fallen silent, and that it rests: that is longer than the longest pause between two
// tries. The last one bounds a test that fails.
const (
	silent  = 50
	resting = 175
	lasting = 1500
	look    = 20 * time.Millisecond
)

// eyes follow the history of a crew.
type eyes struct {
	follower       *history.Follower
	handled, quiet int // quiet is for how many looks nothing was
	acked, sunk    map[string]bool
}

func (e *eyes) look(t *testing.T) {
	t.Helper()
	before := e.handled
	err := e.follower.Poll(func(o history.Op) {
		switch o.Kind {
		case history.Acked:
			e.acked[o.ID] = true
		case history.Done:
			e.handled++
			e.sunk[o.ID] = true
		case history.Dead:
			e.sunk[o.ID] = true
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	e.quiet++
	if e.handled != before {
		e.quiet = 0
	}
}

// waiting reports whether something is acked that is neither handled nor dead.
func (e *eyes) waiting() bool {
	for id := range e.acked {
		if !e.sunk[id] {
			return true
		}
	}
	return false
}

// restless reports whether more is to come: from a right crew while something is left, from a broken one for as long as nobody can know.
func (e *eyes) restless(broken string) bool {
	if broken == "" {
		return e.waiting() && e.quiet < lasting
	}
	return e.quiet < resting
}

// watch looks until enough events are handled, tells the publisher to stop, and goes on until nothing more is to come.
func (e *eyes) watch(t *testing.T, broken string, events int, stopPublisher func()) {
	t.Helper()
	most := lasting
	if broken == chaos.BreakStop {
		most = silent
	}
	check := time.NewTicker(look)
	defer check.Stop()
	for e.handled < events && e.quiet < most {
		<-check.C
		e.look(t)
	}
	stopPublisher()
	e.quiet = 0
	e.look(t)
	for e.restless(broken) {
		<-check.C
		e.look(t)
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
	e := &eyes{follower: history.Follow(c.dir), acked: map[string]bool{}, sunk: map[string]bool{}}
	e.watch(t, broken, events, stopPublisher)
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
