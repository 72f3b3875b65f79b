package contest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Execute performs a task in a process of its own and returns what it has measured.
type Execute func(ctx context.Context, t *Task) Sample

// Entrant is a contestant of a run and the way to execute it.
type Entrant struct {
	Contestant
	// As is the name of its samples, where that is not the profile's.
	As      string
	Execute Execute
}

func (e *Entrant) name() string {
	if e.As != "" {
		return e.As
	}
	return e.Profile().Name
}

// Plan says how a contest is run. The zero value of each field but Broker is ready.
type Plan struct {
	// URL opens the broker, Addr is its host and port, and Inside those for programs that run where it is. Via is the task's.
	URL, Addr, Inside, Via string
	// Rounds is how many turns each contestant has, 5 by default; contests of a hundred topics or groups and more have 2 at most.
	Rounds int
	// For is about how long each turn measures, 400 ms by default; Events bounds how many events it measures, if it is not 0.
	For    time.Duration
	Events int
	// Limit bounds each turn with all that belongs to it, 30 s by default.
	Limit time.Duration
	// Profiles is a folder for a processor profile of each turn, or "" for none.
	Profiles string
	// Sample is called with each sample.
	Sample func(Sample)
}

func (p Plan) withDefaults() Plan {
	if p.Rounds <= 0 {
		p.Rounds = 5
	}
	if p.For <= 0 {
		p.For = 400 * time.Millisecond
	}
	if p.Limit <= 0 {
		p.Limit = 30 * time.Second
	}
	if p.Sample == nil {
		p.Sample = func(Sample) {}
	}
	return p
}

// What is large has fewer rounds: to make its topics and groups, and to delete them, takes a broker far longer than the work itself.
const (
	large       = 100 // topics, or groups
	largeRounds = 2
)

func (p Plan) rounds(c Contest) int {
	if max(c.Params.Topics, c.Params.Groups) >= large {
		return min(p.Rounds, largeRounds)
	}
	return p.Rounds
}

// turn is what an entrant does in each round.
type turn struct {
	entrant *Entrant
	n       int
	rate    float64 // of a latency
	failed  int     // how many rounds have failed
	dead    bool    // it can't, it failed in the first round, or twice later
}

// mostFailures is how many rounds may fail before a contestant is left out: one that hangs would keep the others waiting for Plan.Limit each time.
const mostFailures = 2

// Run lets the entrants take turns. A first round, which is not told, warms the broker up and finds how many events each can do in Plan.For. The
// entrant that begins changes with each round. One that fails is told and goes on with the next round, but not after mostFailures. It returns when
// all rounds are done or ctx ends.
func Run(ctx context.Context, c Contest, entrants []Entrant, plan Plan) error {
	plan = plan.withDefaults()
	turns := make([]*turn, len(entrants))
	for i := range entrants {
		turns[i] = &turn{entrant: &entrants[i], n: probe(c)}
		plan.find(ctx, c, turns[i])
	}
	if err := share(c, turns, plan); err != nil {
		return err
	}
	for round := range plan.rounds(c) {
		for i := range turns {
			t := turns[(i+round)%len(turns)]
			if t.dead {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			plan.again(ctx, c, t, round+1)
		}
	}
	return nil
}

// find takes the turn of the first round.
func (p Plan) find(ctx context.Context, c Contest, t *turn) {
	first := p.take(ctx, c, t)
	if first.Error != "" {
		first = p.take(ctx, c, t) // all its figures hang on this round
	}
	if c.kind() == "latency" && first.Good() {
		if second := p.take(ctx, c, t); second.Rate > first.Rate { // the load of all hangs on it
			first = second
		}
	}
	if !first.Good() {
		t.dead = true
		p.Sample(first)
		return
	}
	t.n, t.rate = p.scale(c, &first), first.Rate
	if _, ok := t.entrant.Contestant.(Tool); ok {
		t.n = max(t.n, toolEvents)
	}
}

// again takes a turn of a round that is told.
func (p Plan) again(ctx context.Context, c Contest, t *turn, round int) {
	s := p.take(ctx, c, t)
	s.Round = round
	p.Sample(s)
	if !s.Good() {
		t.failed++
		t.dead = t.failed >= mostFailures
		return
	}
	if _, ok := t.entrant.Contestant.(Tool); !ok && (c.kind() == "consume" || c.Work == Pipelined) && s.Elapsed < p.For/2 {
		t.n = max(t.n, min(p.scale(c, &s), growth*t.n)) // the first round was too small to tell
	}
}

// growth bounds how many times the events a turn has than the one before it.
const growth = 4

// probe is how many events the first round does.
func probe(c Contest) int {
	switch {
	case c.kind() == "startup", c.kind() == "reconnect":
		return 1
	case c.Work == Publish1, c.Params.Size >= 1<<20:
		return 100
	case c.kind() == "latency":
		return 2000
	case c.Params.Window > 0 && c.Params.Window < 100:
		return 500
	case c.Params.Groups > 1:
		return max(100, 5000/c.Params.Groups) // each group gets all of them
	case c.Params.Size < 10<<10 && (c.Work == Pipelined || c.Work == Consume):
		return 5000
	default:
		return 1000
	}
}

// most is how many events a turn may have: what consumers read must be stored first.
func most(c Contest) int {
	switch {
	case c.Params.Size >= 1<<20:
		return 200
	case c.Params.Size >= 10<<10:
		return 10_000
	default:
		return 400_000
	}
}

// slow is how many times Plan.For a turn may take for the sake of having as many events as the first one.
const slow = 3

// scale returns how many events an entrant does in Plan.For, judged by its first turn.
func (p Plan) scale(c Contest, first *Sample) int {
	least := probe(c)
	if least == 1 {
		return 1
	}
	n := int(first.PerSecond()*p.For.Seconds()) / max(1, c.Params.Groups)
	n = min(max(n, min(least, slow*n), 50), most(c))
	if p.Events > 0 {
		n = min(n, p.Events)
	}
	return n
}

// latencyTime is how long latencies are measured: the 99.9th percentile needs events.
const latencyTime = 2 * time.Second

// share gives all latencies one load: half of what the slowest carries, or of what the raw client does. Those that carry less than that are out.
func share(c Contest, turns []*turn, plan Plan) error {
	if c.kind() != "latency" {
		return nil
	}
	load := 0.0
	for _, t := range turns {
		raw := t.entrant.Profile().Raw
		switch {
		case t.dead || (c.Work == LatencyHigh && !raw):
		case load == 0 || t.rate < load:
			load = t.rate
		}
	}
	if load == 0 {
		return nil // none can
	}
	load /= 2
	for _, t := range turns {
		if t.dead {
			continue
		}
		if t.rate < load {
			t.dead = true
			plan.Sample(Sample{
				Contest: c, Contestant: t.entrant.name(),
				Cannot: fmt.Sprintf("carries %.0f events/s, the load is %.0f", t.rate, load),
			})
		}
		t.rate = load
		t.n = max(100, int(load*max(plan.For, latencyTime).Seconds()))
		if plan.Events > 0 {
			t.n = min(t.n, plan.Events)
		}
	}
	return nil
}

// toolEvents is how many events the brokers' own programs do at least: their rates include their start.
const toolEvents = 50_000

// What preparing takes at most, beside Plan.Limit.
const (
	storedRate = 10_000 // events a second
	topicTime  = 100 * time.Millisecond
)

// preparing is how long the preparation of large contests may take.
func (Plan) preparing(c Contest) time.Duration {
	return time.Duration(c.Params.Stored/storedRate)*time.Second + time.Duration(max(1, c.Params.Topics)*max(1, c.Params.Groups))*topicTime
}

// take prepares, executes and cleans one turn.
func (p Plan) take(ctx context.Context, c Contest, turn *turn) Sample {
	ctx, cancel := context.WithTimeout(ctx, p.Limit+p.preparing(c))
	defer cancel()
	e := turn.entrant
	n := turn.n
	if p.Events > 0 {
		n = min(n, p.Events)
	}
	t := &Task{Contest: c, Contestant: e.Profile().Name, URL: p.URL, Addr: p.Addr, Inside: p.Inside, Via: p.Via, Topic: "bench-" + rand.Text(), N: n, Rate: turn.rate}
	s := Sample{Contest: c}
	if p.Events == 0 {
		t.For = p.For
	}
	if p.Profiles != "" {
		t.Profile = filepath.Join(p.Profiles, strings.NewReplacer("/", "-", " ", "-").Replace(c.Broker+"-"+c.Work+"-"+e.name())+".pprof")
	}
	if err := e.Prepare(ctx, t, fillEvents(t)); errors.Is(err, ErrCannot) {
		s.fail(err)
	} else if err != nil {
		s.fail(fmt.Errorf("prepare: %w", err))
	} else {
		s = e.Execute(ctx, t)
	}
	s.Contestant = e.name()
	cleaning, done := context.WithTimeout(context.WithoutCancel(ctx), p.Limit+p.preparing(c))
	defer done()
	if err := e.Clean(cleaning, t); err != nil && s.Good() && !errors.Is(err, ErrCannot) {
		s.Error = fmt.Sprintf("clean: %v", err)
	}
	return s
}

// Once lets one entrant do n events of a contest, with all that belongs to it, and returns what it has measured. Latencies are measured as fast as
// it goes.
func Once(ctx context.Context, c Contest, e Entrant, plan Plan, n int) Sample {
	plan = plan.withDefaults()
	plan.Events = n
	return plan.take(ctx, c, &turn{entrant: &e, n: n})
}

// fillEvents are events that carry their numbers.
func fillEvents(t *Task) *Events {
	e := NewEvents(t)
	e.Make(func(i int) []byte { return Body(t.Params.Size, i, time.Time{}) })
	return e
}

// InProcess executes tasks in this process: for tests, where figures don't matter.
func InProcess(c Contestant) Execute {
	return func(ctx context.Context, t *Task) Sample { return Perform(ctx, c, t) }
}

// Choose returns the contests whose broker and work are wanted: "all", a name, or the front of one up to a slash; several are separated by commas.
func Choose(grid []Contest, brokers, works []string) []Contest {
	wanted := func(names []string, name, kind string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n == "all" || n == name || n == kind })
	}
	var chosen []Contest
	for _, c := range grid {
		if wanted(brokers, c.Broker, c.Broker) && wanted(works, c.Work, c.kind()) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
