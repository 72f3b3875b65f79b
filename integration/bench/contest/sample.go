package contest

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Sample is what one turn of one contestant has measured. It is a line of JSON in the results.
type Sample struct {
	Contest    Contest
	Contestant string
	Round      int
	// N is how many events were measured, and Elapsed how long they took.
	N       int           `json:",omitempty"`
	Elapsed time.Duration `json:",omitempty"`
	// CPU is the processor time of the client's process; Mallocs and Bytes what it has allocated meanwhile.
	CPU     time.Duration `json:",omitempty"`
	Mallocs uint64        `json:",omitempty"`
	Bytes   uint64        `json:",omitempty"`
	// Reads and Writes are its system calls, where the system counts them.
	Reads  uint64 `json:",omitempty"`
	Writes uint64 `json:",omitempty"`
	// Peak is the most memory that the process has had, in bytes.
	Peak int64 `json:",omitempty"`
	// P50, P99 and P999 are latencies; Rate is the load that they were measured at.
	P50  time.Duration `json:",omitempty"`
	P99  time.Duration `json:",omitempty"`
	P999 time.Duration `json:",omitempty"`
	Rate float64       `json:",omitempty"`
	// Cannot says why there is nothing; Error, what went wrong.
	Cannot string `json:",omitempty"`
	Error  string `json:",omitempty"`
}

// PerSecond returns the events a second, 0 where nothing was measured.
func (s *Sample) PerSecond() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.N) / s.Elapsed.Seconds()
}

// Good reports whether the sample holds figures.
func (s *Sample) Good() bool { return s.Cannot == "" && s.Error == "" && s.N > 0 }

// quantiles sets the latencies from what was measured, which it sorts.
func (s *Sample) quantiles(took []time.Duration) {
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[min(len(took)-1, int(q*float64(len(took))))] }
	s.P50, s.P99, s.P999 = at(0.5), at(0.99), at(0.999)
}

// Machine says where samples come from.
type Machine struct {
	// When is the time of the run, OS and Arch the system, Cores what the process may use, Go the toolchain.
	When            time.Time
	OS, Arch, Go    string
	Cores           int
	Load            string `json:",omitempty"` // the load average at the beginning, where the system tells
	Rounds          int
	Brokers         map[string]string // version and origin, by broker
	Busy            bool              `json:",omitempty"` // somebody says that other work ran beside it
	GOMAXPROCS, GGC string            `json:",omitempty"`
}

// Line is one line of results: the machine, a profile, or a sample.
type Line struct {
	Machine *Machine `json:",omitempty"`
	Profile *Profile `json:",omitempty"`
	Sample  *Sample  `json:",omitempty"`
}

// Results are what a run has brought.
type Results struct {
	Machine  Machine
	Profiles []Profile
	Samples  []Sample
}

// Read reads the lines of results. Of several runs the first machine counts, and of each contest the last run.
func Read(r io.Reader) (*Results, error) {
	all := &Results{}
	run, of := 0, map[Contest]int{}
	dec := json.NewDecoder(r)
	for {
		var l Line
		if err := dec.Decode(&l); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
		switch {
		case l.Machine != nil:
			if run++; run == 1 {
				all.Machine = *l.Machine
			}
			all.Machine.Busy = all.Machine.Busy || l.Machine.Busy
		case l.Profile != nil:
			all.addProfile(*l.Profile)
		case l.Sample != nil:
			if of[l.Sample.Contest] != run {
				all.Samples = slices.DeleteFunc(all.Samples, func(s Sample) bool { return s.Contest == l.Sample.Contest })
				of[l.Sample.Contest] = run
			}
			all.Samples = append(all.Samples, *l.Sample)
		}
	}
}

func (r *Results) addProfile(p Profile) {
	same := func(q Profile) bool { return q.Name == p.Name && q.Broker == p.Broker }
	if i := slices.IndexFunc(r.Profiles, same); i >= 0 {
		r.Profiles[i] = p
		return
	}
	r.Profiles = append(r.Profiles, p)
}
