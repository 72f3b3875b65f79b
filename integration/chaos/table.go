package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// What a long run is to reach.
const (
	enoughTime  = 15 * time.Minute
	enoughAcked = 300_000
)

// line is one figure of a run: what it is to be, and what it is.
type line struct{ name, goal, value string }

// Table returns the figures of runs as one table in Markdown, with a column for each run: all that they are to reach, then how often each fault was injected.
func Table(results ...*Result) string {
	var columns [][]line
	head, rule := "| figure | goal |", "|---|---|"
	for _, r := range results {
		all := r.sum()
		columns = append(columns, r.figures(&all))
		head, rule = head+fmt.Sprintf(" %s, seed %d%s |", r.Origin, r.Config.Seed, r.Config.by()), rule+"---|"
	}
	out := &strings.Builder{}
	fmt.Fprintln(out, head)
	fmt.Fprintln(out, rule)
	for i := range columns[0] {
		goals := make([]string, 0, len(columns))
		values := make([]string, 0, len(columns))
		for _, column := range columns {
			if goal := column[i].goal; !slices.Contains(goals, goal) {
				goals = append(goals, goal)
			}
			values = append(values, column[i].value)
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", columns[0][i].name, strings.Join(goals, ", "), strings.Join(values, " | "))
	}
	injected(out, results)
	return out.String()
}

// figures are the same lines for every run.
func (r *Result) figures(all *history.Report) []line {
	rules := r.Config.rules()
	n := func(values ...int) string { return strings.Join(numbers(values), ", ") }
	over, nearest := crashes(all.Crashes)
	return []line{
		{"time", "≥ " + short(enoughTime), short(r.duration())},
		{"acked", "≥ " + number(enoughAcked), n(all.Acked)},
		{"attempts, refused, unknown", "", n(all.Attempts, all.Refused, all.Unknown)},
		{"handled, dead letters", "", n(all.Handled, all.Dead)},
		{"lost", "0", n(len(all.Lost))},
		{"of those before, amid, after what was handled of their key", "", n(all.Prefix, all.Middle, all.Postfix)},
		{"phantom, unexpected, reordered within a key", "0, 0, 0", n(len(all.Phantom), len(all.Unexpected), len(all.Reordered))},
		{"duplicates", "", n(all.Duplicates)},
		{"unexplained duplicates", "0", n(len(all.Unexplained))},
		{"why events came again", "", causes(all.Causes)},
		{"faults after which more came again than windows and unknown publishings explain", "0", n(over)},
		{"the one nearest to that", "", nearest},
		{"handled twice at once: copies, by a member that was hurt", "", n(all.CopiesAtOnce, all.ConcurrentExcused)},
		{"handled twice at once without either", "0", n(len(all.Concurrent))},
		{"one key twice at once in a member", "0", n(len(all.SameKey))},
		{"stale settlements by members that were hurt", "", n(all.StaleExcused)},
		{"stale settlements by others", "0", n(len(all.Stale))},
		{"destroyed by faults, by how many faults", "", n(all.Destroyed, len(all.Gaps))},
		{"faults that destroyed and were not told as they are", "0", n(len(all.Misreported))},
		{"traffic again after a fault: p50, p99, most, of recoveries", "p99 ≤ " + short(rules.Recovery), recoveries(all)},
		{"faults with no traffic after them", "0", n(len(all.Stuck))},
		{"longest time without progress and without a fault", "≤ " + short(rules.Stall), short(all.Longest)},
		{"Publish after the end of its context: p99", "≤ " + short(rules.Overrun), short(all.Overrun)},
		{"of so many cases", "≥ " + number(rules.OverrunOf), n(all.Overdue)},
		{"memory of the oldest process: first, last", "", fmt.Sprintf("%d MiB, %d MiB", all.MemoryFirst>>20, all.MemoryLast>>20)},
		{"memory of any process: most", "", fmt.Sprintf("%d MiB", all.Memory>>20)},
		{"growth since the warm phase", fmt.Sprintf("≤ %d MiB", rules.Memory>>20), fmt.Sprintf("%d MiB", all.Growth>>20)},
		{"left after closing", "0 of each", left(all.Left)},
	}
}

// number groups a number's digits by threes.
func number(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", number(n/1000), n%1000)
}

func numbers(values []int) []string {
	texts := make([]string, 0, len(values))
	for _, n := range values {
		texts = append(texts, number(n))
	}
	return texts
}

// short is a duration of two or three digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "0 s"
	case d >= time.Minute:
		return fmt.Sprintf("%.3g min", d.Minutes())
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1e3)
	default:
		return fmt.Sprintf("%.3g µs", d.Seconds()*1e6)
	}
}

func causes(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(of[b]-of[a], cmp.Compare(a, b)) })
	texts := make([]string, 0, len(names))
	for _, name := range names {
		texts = append(texts, name+" "+number(of[name]))
	}
	return strings.Join(texts, ", ")
}

// crashes tells how many faults made more events come again than they explain, and which came nearest to it, or went farthest beyond it.
func crashes(all []history.Crash) (over int, nearest string) {
	worst := history.Crash{}
	for _, x := range all {
		if x.Duplicates > x.Bound(window) {
			over++
		}
		if x.Duplicates > 0 && x.Duplicates*worst.Bound(window) >= worst.Duplicates*x.Bound(window) {
			worst = x
		}
	}
	if worst.Duplicates > 0 {
		nearest = fmt.Sprintf("%s of %s, %s", number(worst.Duplicates), number(worst.Bound(window)), worst.Row)
	}
	return over, nearest
}

func recoveries(all *history.Report) string {
	return fmt.Sprintf("%s, %s, %s, %s", short(all.RecoveryTime(50)), short(all.RecoveryTime(99)), short(all.RecoveryTime(100)), number(len(all.Recoveries)))
}

func left(of map[string]int) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, name+" "+number(of[name]))
	}
	return strings.Join(texts, ", ")
}

// absentRows are the faults of the matrix that one box can't inject here, and why.
var absentRows = []struct{ name, why string }{
	{"leader change", "one node; `faults/kafka` has it on three, `faults/redis` with sentinels and a cluster"},
	{"disk full", "the broker's disk is the machine's; RabbitMQ's own reckoning of it is the row *disk alarm*, and `faults/redis` fills a small disk"},
	{"the machine dies", "what a broker has not synced is lost then, by its settings"},
}

// injected prints how often each fault was injected, of all that one of the runs could have had.
func injected(out *strings.Builder, results []*Result) {
	var names []string
	for _, r := range results {
		for _, row := range Rows(r.Config.Broker) {
			if !slices.Contains(names, row.Name) {
				names = append(names, row.Name)
			}
		}
	}
	for _, name := range names {
		fmt.Fprintf(out, "| injected: %s | ≥ 1 |", name)
		for _, r := range results {
			fmt.Fprintf(out, " %s |", r.times(name))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "| injected: publisher cancelled, or out of time | ≥ 1 |")
	for _, r := range results {
		fmt.Fprintf(out, " %s |", number(r.sum().Overdue))
	}
	fmt.Fprintln(out)
	for _, row := range absentRows {
		fmt.Fprintf(out, "| injected: %s | not here: %s |%s\n", row.name, row.why, strings.Repeat(" 0 |", len(results)))
	}
}

// times is how often a fault was injected, and why it was not.
func (r *Result) times(name string) string {
	rows := Rows(r.Config.Broker)
	i := slices.IndexFunc(rows, func(row Row) bool { return row.Name == name })
	if i < 0 {
		return "–"
	}
	n, why := r.sum().Rows[name], rows[i].For(r.Config.Client)
	switch {
	case n > 0:
		return number(n)
	case why != "":
		return "0: " + why
	case len(r.Config.Rows) > 0:
		return "0: not asked for"
	default:
		return "0: the time was over"
	}
}
