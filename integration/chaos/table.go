package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// sum adds the sessions up.
func (r *Result) sum() history.Report {
	all := history.Report{Causes: map[string]int{}, Rows: map[string]int{}}
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
		all.Recoveries = append(all.Recoveries, s.Recoveries...)
		all.Overdue += s.Overdue
		all.Overrun = max(all.Overrun, s.Overrun)
		all.Longest = max(all.Longest, s.Longest)
		all.Memory, all.Growth = max(all.Memory, s.Memory), max(all.Growth, s.Growth)
		add(all.Causes, s.Causes)
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

func (r *Result) figures(out *strings.Builder) {
	all := r.sum()
	fmt.Fprintf(out, "\n### %s, seed %d%s\n\n", r.Origin, r.Config.Seed, r.Config.by())
	for i := range r.Sessions {
		if s := &r.Sessions[i]; !s.Drained {
			fmt.Fprintf(out, "%s was ended early, and is not judged.\n\n", s.Dir)
		}
	}
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	out.WriteString("| figure | value |\n|---|---|\n")
	for _, line := range []struct {
		name  string
		value any
	}{
		{"time", r.duration()},
		{"attempts, acked, refused, unknown", fmt.Sprintf("%d, %d, %d, %d", all.Attempts, all.Acked, all.Refused, all.Unknown)},
		{"handled, dead letters", fmt.Sprintf("%d, %d", all.Handled, all.Dead)},
		{"lost (before, amid, after what was handled of the key)", fmt.Sprintf("%d (%d, %d, %d)", len(all.Lost), all.Prefix, all.Middle, all.Postfix)},
		{"phantom, unexpected, reordered", fmt.Sprintf("%d, %d, %d", len(all.Phantom), len(all.Unexpected), len(all.Reordered))},
		{"duplicates, unexplained", fmt.Sprintf("%d, %d", all.Duplicates, len(all.Unexplained))},
		{"handled twice at once, of those by a member that was hurt", fmt.Sprintf("%d, %d", len(all.Concurrent)+all.ConcurrentExcused, all.ConcurrentExcused)},
		{"one key twice at once in a member", len(all.SameKey)},
		{"stale settlements, of those by a member that was hurt", fmt.Sprintf("%d, %d", len(all.Stale)+all.StaleExcused, all.StaleExcused)},
		{"destroyed by faults; lost, possible, told of each", fmt.Sprintf("%d; %s", all.Destroyed, gapsText(all.Gaps))},
		{"left after closing", len(all.Leaks)},
		{"traffic again after a fault: p50, p99 of recoveries", fmt.Sprintf("%v, %v of %d", round(all.RecoveryTime(50)), round(all.RecoveryTime(99)), len(all.Recoveries))},
		{"longest time without progress", round(all.Longest)},
		{"Publish after the end of its context: p99 of cases", fmt.Sprintf("%v of %d", all.Overrun.Round(10*time.Microsecond), all.Overdue)},
		{"memory of a process: most, growth since the warm phase", fmt.Sprintf("%d MiB, %d MiB", all.Memory>>20, all.Growth>>20)},
	} {
		fmt.Fprintf(out, "| %s | %v |\n", line.name, line.value)
	}
	out.WriteString("\n| why an event came again | times |\n|---|---|\n")
	for _, why := range slices.Sorted(maps.Keys(all.Causes)) {
		fmt.Fprintf(out, "| %s | %d |\n", why, all.Causes[why])
	}
}

func (r *Result) duration() time.Duration {
	var d time.Duration
	for i := range r.Sessions {
		d += r.Sessions[i].Duration
	}
	return d
}

func gapsText(gaps []history.GapReport) string {
	text := ""
	for _, g := range gaps {
		told := fmt.Sprint(g.Told)
		switch g.Told {
		case -1:
			told = "of unknown size"
		case -2:
			told = "nothing"
		}
		text += fmt.Sprintf("[%d, %d, %s] ", g.Lost, g.Possible, told)
	}
	return text
}

// absentRows are the faults of the matrix that one box can't inject here, and why.
var absentRows = []struct{ name, why string }{
	{"leader change", "one node; `faults/kafka` has it on three, `faults/redis` with sentinels and a cluster"},
	{"disk full", "the broker's disk is the machine's; RabbitMQ's own reckoning of it is the row *disk alarm*"},
	{"the machine dies", "what a broker has not synced is lost then, by its settings"},
}

// rows prints how often each fault was injected.
func (r *Result) rows(out *strings.Builder) {
	injected := r.sum().Rows
	out.WriteString("\n| fault | injected |\n|---|---|\n")
	for _, row := range Rows(r.Config.Broker) {
		times, why := fmt.Sprint(injected[row.Name]), row.For(r.Config.Client)
		switch {
		case why != "":
			times = "0: " + why
		case injected[row.Name] == 0:
			times = "0, the time was over"
			if len(r.Config.Rows) > 0 {
				times = "0, not asked for"
			}
		}
		fmt.Fprintf(out, "| %s | %s |\n", row.Name, times)
	}
	fmt.Fprintf(out, "| publisher cancelled, or out of time | %d |\n", r.sum().Overdue)
	for _, row := range absentRows {
		fmt.Fprintf(out, "| %s | 0: %s |\n", row.name, row.why)
	}
}
