package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// brokers are the ones that Herald speaks to, in the order of the closing lines.
var brokers = []string{"memory", "rabbitmq", "kafka", "redis"}

// conformance is the suite that is always spoken of, also when nothing of it ran.
const conformance = "drivertest"

// tally counts the tests of a suite on a broker that have no tests below them.
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

// summary prints the counts of the whole run, then a line for each suite.
func (r *report) summary(hasAdapter func(broker string) bool) {
	all := &tally{}
	suites := suites{conformance: {}}
	parents := r.parents()
	for id, outcome := range r.outcomes {
		// A parent counts only when nothing below it explains its failure.
		if parents[id] && (outcome != "fail" || r.failedBelow(id)) {
			continue
		}
		all.add(outcome)
		if t := suites.of(r.attr(id, "suite"), r.attr(id, "broker")); t != nil {
			t.add(outcome)
		}
	}
	for id, attrs := range r.attrs {
		count, err := strconv.Atoi(attrs["not-run"])
		if t := suites.of(r.attr(id, "suite"), r.attr(id, "broker")); t != nil && err == nil {
			t.notRun += count
		}
	}
	fmt.Fprintf(r.out, "tests: %s; packages without tests: %d\n", all, r.noTests)
	for _, suite := range sortedKeys(suites) {
		fmt.Fprintf(r.out, "%s: %s\n", suite, suiteLine(suites[suite], hasAdapter))
	}
}

// suites holds a tally for each suite and broker.
type suites map[string]map[string]*tally

// of returns the tally of a suite on a broker, or nil if either is not named.
func (s suites) of(suite, broker string) *tally {
	if suite == "" || broker == "" {
		return nil
	}
	if s[suite] == nil {
		s[suite] = map[string]*tally{}
	}
	if s[suite][broker] == nil {
		s[suite][broker] = &tally{}
	}
	return s[suite][broker]
}

// suiteLine says on which brokers a suite ran, and of the known others why it did not.
func suiteLine(ran map[string]*tally, hasAdapter func(broker string) bool) string {
	var parts, absent, silent []string
	for _, broker := range append(slices.Clone(brokers), unknown(ran)...) {
		switch result := ran[broker]; {
		case result != nil && broker == "memory":
			parts = append(parts, fmt.Sprintf("memory — ran in process, %s", result))
		case result != nil:
			parts = append(parts, fmt.Sprintf("%s — ran, %s", broker, result))
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
	return strings.Join(parts, "; ")
}

// unknown returns the brokers that a suite names beyond the known ones.
func unknown(ran map[string]*tally) []string {
	return slices.DeleteFunc(sortedKeys(ran), func(broker string) bool { return slices.Contains(brokers, broker) })
}

// attr returns an attribute of a test or, if it has none, of the nearest test above it.
func (r *report) attr(id name, key string) string {
	for {
		if value := r.attrs[id][key]; value != "" {
			return value
		}
		above := strings.LastIndexByte(id.test, '/')
		if above < 0 {
			return ""
		}
		id.test = id.test[:above]
	}
}

// parents returns the tests that have others below them.
func (r *report) parents() map[name]bool {
	parents := map[name]bool{}
	for id := range r.outcomes {
		for above := strings.LastIndexByte(id.test, '/'); above >= 0; above = strings.LastIndexByte(id.test, '/') {
			id.test = id.test[:above]
			parents[id] = true
		}
	}
	return parents
}

func (r *report) failedBelow(id name) bool {
	for other, outcome := range r.outcomes {
		if outcome == "fail" && other.pkg == id.pkg && strings.HasPrefix(other.test, id.test+"/") {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
