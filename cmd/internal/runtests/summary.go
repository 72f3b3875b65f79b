package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// memory is the broker in the process itself.
const memory = "memory"

// known are the brokers that Herald speaks to, in the order of the closing lines.
var known = []string{memory, "rabbitmq", "kafka", "redis"}

// conformance is the suite of the drivers' contract.
const conformance = "drivertest"

// place is where a suite ran, or why it did not.
type place struct{ broker, version, origin, why string }

// String is the broker with what is known of it.
func (p place) String() string {
	text := strings.TrimSpace(p.broker + " " + p.version)
	if p.origin != "" {
		text += " (" + p.origin + ")"
	}
	return text
}

// compare orders places by broker, as known has them, and then by what is known of each.
func (p place) compare(other place) int {
	rank := func(p place) int {
		if i := slices.Index(known, p.broker); i >= 0 {
			return i
		}
		return len(known)
	}
	return cmp.Or(
		cmp.Compare(rank(p), rank(other)), cmp.Compare(p.broker, other.broker), cmp.Compare(p.why, other.why),
		cmp.Compare(p.version, other.version), cmp.Compare(p.origin, other.origin),
	)
}

// tally counts the tests of a suite in a place that have no tests below them.
type tally struct{ passed, failed, skipped, notRun int }

func (t *tally) add(outcome string) {
	switch outcome {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
	case "skip":
		t.skipped++
	}
}

// String says how a suite fared on a broker.
func (t *tally) String() string {
	parts := []string{fmt.Sprintf("%d passed", t.passed)}
	if t.failed > 0 {
		parts = append([]string{fmt.Sprintf("%d FAILED", t.failed)}, parts...)
	}
	if t.skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", t.skipped))
	}
	if t.notRun > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", t.notRun))
	}
	return strings.Join(parts, ", ")
}

// results holds a tally for each suite and place.
type results map[string]map[place]*tally

// of returns the tally of a suite in a place, or nil if the suite or the broker is not named.
func (s results) of(suite string, on place) *tally {
	if suite == "" || on.broker == "" {
		return nil
	}
	if s[suite] == nil {
		s[suite] = map[place]*tally{}
	}
	if s[suite][on] == nil {
		s[suite][on] = &tally{}
	}
	return s[suite][on]
}

// suites counts what the tests of each suite came to.
func (r *report) suites() results {
	suites := results{}
	for id, outcome := range r.leaves() {
		if t := suites.of(r.suite(id), r.place(id)); t != nil {
			t.add(outcome)
		}
	}
	for id, attrs := range r.attrs {
		count, err := strconv.Atoi(attrs["not-run"])
		if t := suites.of(r.suite(id), r.place(id)); t != nil && err == nil {
			t.notRun += count
		}
	}
	return suites
}

// summary prints the counts of the whole run, then a line for each suite; the expected ones are spoken of even if nothing of them ran.
func (r *report) summary(hasAdapter func(broker string) bool, expected []string) {
	all := &tally{}
	for _, outcome := range r.leaves() {
		all.add(outcome)
	}
	fmt.Fprintf(r.out, "tests: %s; packages without tests: %d\n", all, r.noTests)
	suites := r.suites()
	for _, suite := range expected {
		if suite != demo && suites[suite] == nil {
			suites[suite] = nil
		}
	}
	for _, suite := range slices.Sorted(maps.Keys(suites)) {
		fmt.Fprintf(r.out, "%s: %s\n", suite, suiteLine(suites[suite], hasAdapter, slices.Contains(expected, suite)))
	}
	if len(r.demos) > 0 {
		fmt.Fprintf(r.out, "%s: %s\n", demo, r.demoLine(hasAdapter))
	}
}

// suiteLine says on which brokers a suite ran and, if all of the known ones are to be spoken of, why it did not on the others.
func suiteLine(ran map[place]*tally, hasAdapter func(broker string) bool, all bool) string {
	var parts []string
	seen := map[string]bool{}
	for _, on := range slices.SortedFunc(maps.Keys(ran), place.compare) {
		seen[on.broker] = true
		switch {
		case on.why != "":
			parts = append(parts, fmt.Sprintf("%s — not run: %s", on, on.why))
		case on.broker == memory:
			parts = append(parts, fmt.Sprintf("%s — ran in process, %s", on, ran[on]))
		default:
			parts = append(parts, fmt.Sprintf("%s — ran, %s", on, ran[on]))
		}
	}
	if all {
		parts = append(parts, unseen(seen, hasAdapter)...)
	}
	return strings.Join(parts, "; ")
}

// unseen speaks of the known brokers that nothing was said of.
func unseen(seen map[string]bool, hasAdapter func(broker string) bool) []string {
	var absent, silent, parts []string
	for _, broker := range known {
		switch {
		case seen[broker]:
		case hasAdapter(broker):
			silent = append(silent, broker)
		default:
			absent = append(absent, broker)
		}
	}
	if len(silent) > 0 {
		parts = append(parts, strings.Join(silent, ", ")+" — no test says that it ran")
	}
	if len(absent) > 0 {
		parts = append(parts, strings.Join(absent, ", ")+" — no adapter yet, not run")
	}
	return parts
}

// demoLine says on which brokers the demo ran, and what it found.
func (r *report) demoLine(hasAdapter func(broker string) bool) string {
	var parts []string
	seen := map[string]bool{}
	for _, on := range slices.SortedFunc(maps.Keys(r.demos), place.compare) {
		seen[on.broker] = true
		if on.why != "" {
			parts = append(parts, fmt.Sprintf("%s — not run: %s", on, on.why))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s — %s", on, r.demos[on]))
	}
	return strings.Join(append(parts, unseen(seen, hasAdapter)...), "; ")
}
