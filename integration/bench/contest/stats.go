package contest

import (
	"math"
	"slices"
)

// Spread is the least, the middle and the most of some figures.
type Spread struct{ Min, Median, Max float64 }

// SpreadOf returns the spread of values, which it sorts. None give a zero Spread.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	slices.Sort(values)
	n := len(values)
	middle := values[n/2]
	if n%2 == 0 {
		middle = (values[n/2-1] + values[n/2]) / 2
	}
	return Spread{Min: values[0], Median: middle, Max: values[n-1]}
}

// Figure reads one figure from a sample.
type Figure func(*Sample) float64

// Rate returns the events a second: more is better.
func Rate(s *Sample) float64 { return s.PerSecond() }

// CPU returns the processor time of the client, in microseconds for each event.
func CPU(s *Sample) float64 { return per(float64(s.CPU.Nanoseconds())/1e3, s) }

// Mallocs returns the allocations for each event.
func Mallocs(s *Sample) float64 { return per(float64(s.Mallocs), s) }

// Bytes returns the bytes allocated for each event.
func Bytes(s *Sample) float64 { return per(float64(s.Bytes), s) }

// Writes returns the system calls that write, for each event.
func Writes(s *Sample) float64 { return per(float64(s.Writes), s) }

// Reads returns the system calls that read, for each event.
func Reads(s *Sample) float64 { return per(float64(s.Reads), s) }

// Peak returns the most memory of the process, in mebibytes.
func Peak(s *Sample) float64 { return float64(s.Peak) / (1 << 20) }

// Millis returns the time of the whole turn, in milliseconds.
func Millis(s *Sample) float64 { return float64(s.Elapsed.Microseconds()) / 1e3 }

// P50 returns the median latency, in milliseconds.
func P50(s *Sample) float64 { return float64(s.P50.Nanoseconds()) / 1e6 }

// P99 returns the latency that one event in a hundred exceeds, in milliseconds.
func P99(s *Sample) float64 { return float64(s.P99.Nanoseconds()) / 1e6 }

// P999 returns the latency that one event in a thousand exceeds, in milliseconds.
func P999(s *Sample) float64 { return float64(s.P999.Nanoseconds()) / 1e6 }

func per(sum float64, s *Sample) float64 {
	if s.N == 0 {
		return 0
	}
	return sum / float64(s.N)
}

// Of returns the good samples of one contest and contestant.
func (r *Results) Of(c Contest, contestant string) []Sample {
	var of []Sample
	for _, s := range r.Samples {
		if s.Contest == c && s.Contestant == contestant && s.Good() {
			of = append(of, s)
		}
	}
	return of
}

// Spread returns the spread of a figure.
func (r *Results) Spread(c Contest, contestant string, f Figure) Spread {
	var values []float64
	for _, s := range r.Of(c, contestant) {
		values = append(values, f(&s))
	}
	return SpreadOf(values)
}

// Ratio returns the spread of a figure's ratio to that of the basis, taken round by round: what slows the machine in a round slows both.
// Rounds without both are left out.
func (r *Results) Ratio(c Contest, contestant, basis string, f Figure) Spread {
	base := map[int]float64{}
	for _, s := range r.Of(c, basis) {
		base[s.Round] = f(&s)
	}
	var values []float64
	for _, s := range r.Of(c, contestant) {
		if b, ok := base[s.Round]; ok && b != 0 && !math.IsNaN(b) {
			values = append(values, f(&s)/b)
		}
	}
	return SpreadOf(values)
}

// Basis returns the raw contestant with the highest median rate in a contest, or the one with the lowest latency or time, or "".
func (r *Results) Basis(c Contest) string {
	best, name := 0.0, ""
	for _, p := range r.Profiles {
		if !p.Raw || p.Weaker != "" || p.Broker != c.Broker {
			continue
		}
		if rate := r.Spread(c, p.Name, Rate).Median; rate > best {
			best, name = rate, p.Name
		}
	}
	return name
}

// Contests returns the contests of the results in the order of their first samples.
func (r *Results) Contests() []Contest {
	var all []Contest
	for _, s := range r.Samples {
		if !slices.Contains(all, s.Contest) {
			all = append(all, s.Contest)
		}
	}
	return all
}

// Why returns why a contestant has no figures in a contest, or "".
func (r *Results) Why(c Contest, contestant string) string {
	for _, s := range r.Samples {
		if s.Contest == c && s.Contestant == contestant && !s.Good() {
			return s.Cannot + s.Error
		}
	}
	return ""
}

// Failed returns how many rounds of a contestant have failed in a contest.
func (r *Results) Failed(c Contest, contestant string) int {
	n := 0
	for _, s := range r.Samples {
		if s.Contest == c && s.Contestant == contestant && s.Error != "" {
			n++
		}
	}
	return n
}
