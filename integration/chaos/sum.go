package chaos

import (
	"slices"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// sum adds the sessions up.
func (r *Result) sum() history.Report {
	all := history.Report{Causes: map[string]int{}, Rows: map[string]int{}, Left: map[string]int{}}
	for i := range r.Sessions {
		s := &r.Sessions[i].Report
		all.Attempts += s.Attempts
		all.Acked += s.Acked
		all.Refused += s.Refused
		all.Unknown += s.Unknown
		all.Handled += s.Handled
		all.Dead += s.Dead
		all.Recovered += s.Recovered
		all.Duplicates += s.Duplicates
		all.Destroyed += s.Destroyed
		all.ConcurrentExcused += s.ConcurrentExcused
		all.CopiesAtOnce += s.CopiesAtOnce
		all.StaleExcused += s.StaleExcused
		all.Prefix, all.Middle, all.Postfix = all.Prefix+s.Prefix, all.Middle+s.Middle, all.Postfix+s.Postfix
		all.Lost = append(all.Lost, s.Lost...)
		all.Phantom = append(all.Phantom, s.Phantom...)
		all.Unexpected = append(all.Unexpected, s.Unexpected...)
		all.Reordered = append(all.Reordered, s.Reordered...)
		all.Unexplained = append(all.Unexplained, s.Unexplained...)
		all.Concurrent = append(all.Concurrent, s.Concurrent...)
		all.SameKey = append(all.SameKey, s.SameKey...)
		all.Stale = append(all.Stale, s.Stale...)
		all.Leaks = append(all.Leaks, s.Leaks...)
		all.Gaps = append(all.Gaps, s.Gaps...)
		all.Misreported = append(all.Misreported, s.Misreported...)
		all.Crashes = append(all.Crashes, s.Crashes...)
		all.Recoveries = append(all.Recoveries, s.Recoveries...)
		all.Stuck = append(all.Stuck, s.Stuck...)
		all.Stalls = append(all.Stalls, s.Stalls...)
		all.Overdue += s.Overdue
		all.Overrun = max(all.Overrun, s.Overrun)
		all.Longest = max(all.Longest, s.Longest)
		all.Memory, all.Growth = max(all.Memory, s.Memory), max(all.Growth, s.Growth)
		if s.MemoryLast-s.MemoryFirst >= all.MemoryLast-all.MemoryFirst || all.MemoryFirst == 0 {
			all.MemoryFirst, all.MemoryLast = s.MemoryFirst, s.MemoryLast
		}
		add(all.Causes, s.Causes)
		add(all.Left, s.Left)
		add(all.Rows, s.Rows)
	}
	slices.Sort(all.Recoveries)
	return all
}

func add(to, from map[string]int) {
	for name, n := range from {
		to[name] += n
	}
}

func (r *Result) duration() time.Duration {
	var d time.Duration
	for i := range r.Sessions {
		d += r.Sessions[i].Duration
	}
	return d
}
