package drivertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Status is what came of a sentence.
type Status string

// What may come of a sentence.
const (
	// Kept: the driver does what the sentence says.
	Kept Status = "kept"
	// Broken: it does not.
	Broken Status = "broken"
	// NotRun: the driver refuses what the sentence is about, or the harness can't inject the fault.
	NotRun Status = "not run"
)

// Verdict is what came of one sentence.
type Verdict struct {
	// Sentence is its name.
	Sentence string
	// Status says whether it was kept.
	Status Status
	// Reason says why it was not run.
	Reason string
	// Messages are the failures, first one first.
	Messages []string
	// Elapsed is how long it took.
	Elapsed time.Duration
}

// report gathers verdicts by row. The zero value is ready, and it is safe for concurrent use.
type report struct {
	mu       sync.Mutex
	verdicts []Verdict
	byRow    map[string][]Verdict
}

// notRun counts the sentences that could not run.
func (r *report) notRun() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, v := range r.verdicts {
		if v.Status == NotRun {
			n++
		}
	}
	return n
}

func (r *report) add(s Sentence, v Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byRow == nil {
		r.byRow = map[string][]Verdict{}
	}
	r.verdicts = append(r.verdicts, v)
	r.byRow[s.row()] = append(r.byRow[s.row()], v)
}

// String renders the table and, under it, what was not run.
func (r *report) String(h Harness, p probe) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s, durability %s\n", h.Name, p.caps.Broker, p.caps.Version, p.caps.Durability)
	fmt.Fprintf(&b, "%-24s | %-8s | %4s | %6s | %7s | %s\n", "feature", "level", "kept", "broken", "not run", "how")
	total := map[Status]int{}
	for _, row := range r.rows() {
		count := map[Status]int{}
		for _, v := range r.byRow[row] {
			count[v.Status]++
			total[v.Status]++
		}
		level, how := levelOf(row, p)
		fmt.Fprintf(&b, "%-24s | %-8s | %4d | %6d | %7d | %s\n", row, level, count[Kept], count[Broken], count[NotRun], how)
	}
	fmt.Fprintf(&b, "%-24s | %-8s | %4d | %6d | %7d |\n", "all", "", total[Kept], total[Broken], total[NotRun])
	skipped := slices.DeleteFunc(slices.Clone(r.verdicts), func(v Verdict) bool { return v.Status != NotRun })
	for _, v := range skipped {
		fmt.Fprintf(&b, "not run: %s: %s\n", v.Sentence, v.Reason)
	}
	return b.String()
}

// rows are the usual rows and any that they leave out, so that no sentence is hidden.
func (r *report) rows() []string {
	all := slices.Clone(rows)
	for row := range r.byRow {
		if !slices.Contains(all, row) {
			all = append(all, row)
		}
	}
	slices.Sort(all[len(rows):])
	return all
}

func levelOf(row string, p probe) (level, how string) {
	if row == rowCore {
		return "required", ""
	}
	if name, ok := strings.CutPrefix(row, "interface "); ok {
		if p.side[name] {
			return "present", ""
		}
		return "absent", ""
	}
	if strings.HasPrefix(row, "fault ") {
		return "", "by the harness"
	}
	c := p.caps.Features[driver.Feature(row)]
	return c.Level.String(), c.How
}
