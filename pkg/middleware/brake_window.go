package middleware

import "time"

// windowSteps is how finely the window moves.
const windowSteps = 60

// window counts attempts in the last while. Its steps are reused as time goes on.
type window struct {
	length time.Duration
	start  time.Time
	steps  [windowSteps]step
}

type step struct {
	number      int64 // since start
	all, failed int
}

func (w *window) number(now time.Time) int64 {
	if w.start.IsZero() {
		w.start = now
	}
	return int64(now.Sub(w.start) / (w.length / windowSteps))
}

func (w *window) add(now time.Time, failed bool) {
	n := w.number(now)
	s := &w.steps[n%windowSteps]
	if s.number != n {
		*s = step{number: n}
	}
	s.all++
	if failed {
		s.failed++
	}
}

// sum returns how many attempts were made and how many of them failed.
func (w *window) sum(now time.Time) (all, failed int) {
	n := w.number(now)
	for i := range w.steps {
		if s := &w.steps[i]; n-s.number < windowSteps {
			all += s.all
			failed += s.failed
		}
	}
	return all, failed
}

func (w *window) reset() { *w = window{length: w.length} }
