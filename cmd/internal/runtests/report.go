package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Key     string // of an attr
	Value   string // of an attr
}

// name identifies a test across packages.
type name struct{ pkg, test string }

// report prints a run as it goes, each package on a line and the whole output of what fails, and keeps what the tests
// said of themselves.
type report struct {
	out      io.Writer
	held     map[name][]string // the output of tests that have not ended
	outcomes map[name]string   // pass, fail or skip
	attrs    map[name]map[string]string
	demos    map[place]string // what the demo said at its end
	noTests  int              // packages without tests
}

func newReport(out io.Writer) *report {
	return &report{
		out:      out,
		held:     map[name][]string{},
		outcomes: map[name]string{},
		attrs:    map[name]map[string]string{},
		demos:    map[place]string{},
	}
}

// read takes a stream of events to its end. A line that is no event is printed as it is.
func (r *report) read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		r.print(string(line))
		return
	}
	r.event(e)
}

func (r *report) event(e event) {
	id := name{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "output":
		r.output(id, e.Output)
	case "attr":
		if r.attrs[id] == nil {
			r.attrs[id] = map[string]string{}
		}
		r.attrs[id][e.Key] = e.Value
	case "pass", "fail", "skip":
		r.end(id, e.Action)
	}
}

// output prints the result line of a package and holds all else until its test has ended.
func (r *report) output(id name, text string) {
	switch {
	case id.test != "":
		r.held[id] = append(r.held[id], text)
	case strings.Contains(text, "[no test files]"):
		r.noTests++
	case strings.HasPrefix(text, "ok  \t"), strings.HasPrefix(text, "FAIL\t"), strings.HasPrefix(text, "---"):
		r.print(text)
	default:
		r.held[id] = append(r.held[id], text)
	}
}

func (r *report) end(id name, action string) {
	if id.test != "" {
		r.outcomes[id] = action
	}
	if action == "fail" {
		for _, text := range r.held[id] {
			r.print(text)
		}
	}
	delete(r.held, id)
}

func (r *report) print(text string) {
	fmt.Fprint(r.out, text)
}
