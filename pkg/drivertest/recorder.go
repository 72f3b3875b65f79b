package drivertest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Check runs the named sentences (all of them when none is named) against the harness and returns a verdict for each, in the order of
// Sentences. It is for testing the suite itself against drivers that are known to be broken. Those that must run alone run first, one by
// one; the others run side by side. A sentence that does not end within a minute counts as broken and is left behind.
func Check(ctx context.Context, h Harness, names ...string) []Verdict {
	h = h.withDefaults()
	var p probe
	look := record(ctx, "examine", func(t T) { p = examine(t, h) }) //nolint:contextcheck // the recorder's context is made of ctx
	if look.Status == Broken {
		return []Verdict{look}
	}
	var chosen []Sentence
	for _, s := range Sentences() {
		if len(names) == 0 || slices.Contains(names, s.Name()) {
			chosen = append(chosen, s)
		}
	}
	verdicts := make([]Verdict, len(chosen))
	var wg sync.WaitGroup
	for i, s := range chosen {
		why := s.lacks(p)
		switch {
		case why != "":
			verdicts[i] = Verdict{Sentence: s.Name(), Status: NotRun, Reason: why}
		case s.alone:
			verdicts[i] = record(ctx, s.Name(), func(t T) { s.run(t, h, p) })
		default:
			wg.Go(func() { verdicts[i] = record(ctx, s.Name(), func(t T) { s.run(t, h, p) }) })
		}
	}
	wg.Wait()
	return verdicts
}

// record runs one sentence with a recorder in the place of a test.
func record(ctx context.Context, name string, run func(t T)) Verdict {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &recorder{name: name, ctx: ctx}
	began := time.Now()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.guard(func() { run(r) })
		cancel()
		r.clean()
	}()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		r.Errorf("did not end within a minute")
	}
	return r.verdict(time.Since(began))
}

// recorder is a T that remembers failures.
type recorder struct {
	name string
	//nolint:containedctx // testing.T has the same shape
	ctx context.Context

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

// guard runs f to its end, be that a return, a Fatalf or a panic.
func (r *recorder) guard(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) clean() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		r.guard(f)
	}
}

func (r *recorder) verdict(took time.Duration) Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := Verdict{Sentence: r.name, Status: Kept, Messages: slices.Clone(r.failures), Elapsed: took}
	if len(r.failures) > 0 {
		v.Status = Broken
	}
	return v
}

func (r *recorder) Helper()                  {}
func (r *recorder) Name() string             { return r.name }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Logf(string, ...any)      {}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
