package contest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
)

// inMemory is a contestant whose broker is a channel.
type inMemory struct {
	events chan []byte
	fails  error // of each Send
}

func (m inMemory) Profile() contest.Profile { return contest.Profile{Name: "memory", Broker: "redis"} }

func (m inMemory) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return contest.Fill(ctx, m, t, events)
}

func (m inMemory) Clean(context.Context, *contest.Task) error { return nil }

func (m inMemory) Open(_ context.Context, _ *contest.Task, events *contest.Events) (contest.Session, error) {
	return memorySession{m, events}, nil
}

type memorySession struct {
	inMemory
	of *contest.Events
}

func (s memorySession) Send(_ context.Context, from, to int) error {
	for i := from; i < to; i++ {
		s.events <- s.of.Body(i)
	}
	return s.fails
}

func (s memorySession) Stream(context.Context, int, int) error {
	return contest.Cannot("it only sends")
}
func (s memorySession) Close(context.Context) error { return nil }

func (s memorySession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	ready()
	for {
		select {
		case body := <-s.events:
			tryAll(c, body)
		case <-ctx.Done():
			return nil
		}
	}
}

// tryAll tries an event until it is handled or dead.
func tryAll(c contest.Consumption, body []byte) {
	for range c.Retries + 1 {
		if c.Handle(body) == nil {
			return
		}
	}
	c.Dead()
}

func TestPerform_MeasuresEachWork(t *testing.T) {
	t.Parallel()
	for work, want := range map[string]int{ // how many events are measured
		contest.Publish1: 200, contest.Publish64: 200, contest.Publish1000: 200, contest.Batch100: 200,
		contest.Consume: 199, contest.Retried: 199, contest.Latency: 200, contest.Startup: 1, contest.Reconnect: 1,
	} {
		c := inMemory{events: make(chan []byte, 1000)} // no work stores more
		var got contest.Sample
		s := contest.Once(t.Context(), contest.Contest{Broker: "redis", Work: work, Params: contest.Usual},
			contest.Entrant{Contestant: c, Execute: contest.InProcess(c)}, contest.Plan{Sample: func(s contest.Sample) { got = s }}, 200)
		if !s.Good() || s.N != want || s.Elapsed <= 0 || s.Peak < 1<<20 || got.N != 0 {
			t.Errorf("%s: %+v, want %d events", work, s, want)
		}
		if work == contest.Latency && (s.P50 <= 0 || s.P99 < s.P50 || s.P999 < s.P99 || s.Rate <= 0) {
			t.Errorf("%s: p50 %v, p99 %v, p99.9 %v at %v", work, s.P50, s.P99, s.P999, s.Rate)
		}
	}
}

func TestPerform_PublishesForAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	for _, work := range []string{contest.Publish1, contest.Publish64, contest.Batch100} {
		c := inMemory{events: make(chan []byte, 1000)}
		go func() { // until the test ends: what is published goes nowhere
			for {
				select {
				case <-c.events:
				case <-t.Context().Done():
					return
				}
			}
		}()
		task := &contest.Task{Contest: contest.Contest{Broker: "redis", Work: work, Params: contest.Usual}, N: 1, For: 200 * time.Millisecond}
		if s := contest.Perform(t.Context(), c, task); !s.Good() || s.N < 100 || s.Elapsed < task.For || s.Elapsed > 10*time.Second {
			t.Errorf("%s: %+v", work, s)
		}
	}
}

func TestPerform_SaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for name, c := range map[string]struct {
		work        string
		fails       error
		cannot, err string
	}{
		"not to be had":   {work: contest.Pipelined, cannot: "it only sends"},
		"refused":         {work: contest.Publish64, fails: full, err: full.Error()},
		"no such work":    {work: "fly", err: `there is no work "fly"`},
		"refused at rate": {work: contest.Latency, fails: full, err: full.Error()},
	} {
		m := inMemory{events: make(chan []byte, 1000), fails: c.fails}
		task := &contest.Task{Contest: contest.Contest{Broker: "redis", Work: c.work, Params: contest.Usual}, N: 100}
		s := contest.Perform(t.Context(), m, task)
		if s.Good() || s.Cannot != c.cannot || !strings.Contains(s.Error, c.err) || (c.err == "") != (s.Error == "") {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
