package contest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
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
	// URL opens the broker, Addr is its host and port, and Inside those for programs that run where it is.
	URL, Addr, Inside string
	// Rounds is how many turns each contestant has, 5 by default.
	Rounds int
	// For is about how long each turn measures, 400 ms by default; Events bounds how many events it measures, if it is not 0.
	For    time.Duration
	Events int
	// Limit bounds each turn with all that belongs to it, a minute by default.
	Limit time.Duration
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
		p.Limit = time.Minute
	}
	if p.Sample == nil {
		p.Sample = func(Sample) {}
	}
	return p
}

// turn is what an entrant does in each round.
type turn struct {
	entrant *Entrant
	n       int
	rate    float64 // of a latency
	dead    bool    // it can't, or it failed in the first round
}

// Run lets the entrants take turns. A first round, which is not told, warms the broker up and finds how many events each can do in Plan.For. The
// entrant that begins changes with each round. It returns when all rounds are done or ctx ends.
func Run(ctx context.Context, c Contest, entrants []Entrant, plan Plan) error {
	plan = plan.withDefaults()
	turns := make([]*turn, len(entrants))
	for i := range entrants {
		turns[i] = &turn{entrant: &entrants[i], n: probe(c)}
		first := plan.take(ctx, c, turns[i])
		if first.Good() {
			turns[i].n = plan.scale(c, &first)
			if _, ok := entrants[i].Contestant.(Tool); ok {
				turns[i].n = max(turns[i].n, toolEvents)
			}
			turns[i].rate = first.Rate
			continue
		}
		turns[i].dead = true
		plan.Sample(first)
	}
	if err := share(c, turns, plan); err != nil {
		return err
	}
	for round := range plan.Rounds {
		for i := range turns {
			t := turns[(i+round)%len(turns)]
			if t.dead {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s := plan.take(ctx, c, t)
			s.Round = round + 1
			plan.Sample(s)
		}
	}
	return nil
}

// probe is how many events the first round does.
func probe(c Contest) int {
	switch {
	case c.kind() == "startup", c.kind() == "reconnect":
		return 1
	case c.Work == Publish1, c.Params.Size >= 1<<20:
		return 100
	case c.kind() == "latency":
		return 2000
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
	case c.kind() == "consume":
		return 100_000
	default:
		return 400_000
	}
}

// scale returns how many events an entrant does in Plan.For, judged by its first turn.
func (p Plan) scale(c Contest, first *Sample) int {
	least := probe(c)
	if least == 1 {
		return 1
	}
	n := int(first.PerSecond() * p.For.Seconds())
	n = min(max(n, least/10, 50), most(c))
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

// take prepares, executes and cleans one turn.
func (p Plan) take(ctx context.Context, c Contest, turn *turn) Sample {
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	e := turn.entrant
	n := turn.n
	if p.Events > 0 {
		n = min(n, p.Events)
	}
	t := &Task{Contest: c, Contestant: e.Profile().Name, URL: p.URL, Addr: p.Addr, Inside: p.Inside, Topic: "bench-" + rand.Text(), N: n, Rate: turn.rate}
	s := Sample{Contest: c}
	if err := e.Prepare(ctx, t, fillEvents(t)); errors.Is(err, ErrCannot) {
		s.fail(err)
	} else if err != nil {
		s.fail(fmt.Errorf("prepare: %w", err))
	} else {
		s = e.Execute(ctx, t)
	}
	s.Contestant = e.name()
	cleaning, done := context.WithTimeout(context.WithoutCancel(ctx), p.Limit)
	defer done()
	if err := e.Clean(cleaning, t); err != nil && s.Good() && !errors.Is(err, ErrCannot) {
		s.Error = fmt.Sprintf("clean: %v", err)
	}
	return s
}

// Once lets one entrant do n events of a contest, with all that belongs to it, and returns what it has measured. Latencies are measured as fast as
// it goes.
func Once(ctx context.Context, c Contest, e Entrant, plan Plan, n int) Sample {
	return plan.withDefaults().take(ctx, c, &turn{entrant: &e, n: n})
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
