package main

import "strings"

// suite returns the suite that a test belongs to. By default a test of a broker belongs to the one that its folder of the integration module is
// named after.
func (r *report) suite(id name) string {
	if suite := r.attr(id, "suite"); suite != "" {
		return suite
	}
	_, path, ok := strings.Cut(id.pkg, "/integration/")
	if !ok {
		return ""
	}
	folder, _, _ := strings.Cut(path, "/")
	if folder == conformanceSet {
		return conformance
	}
	return folder
}

// place returns where a test ran.
func (r *report) place(id name) place {
	return place{broker: r.attr(id, "broker"), version: r.attr(id, "version"), origin: r.attr(id, "origin"), why: r.attr(id, "why")}
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

// leaves returns the outcomes of the tests that have none below them, and of those whose failure nothing below explains.
func (r *report) leaves() map[name]string {
	leaves := map[name]string{}
	parents := r.parents()
	for id, outcome := range r.outcomes {
		if !parents[id] || outcome == "fail" && !r.failedBelow(id) {
			leaves[id] = outcome
		}
	}
	return leaves
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
