package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
	"github.com/herald-go/herald/integration/bench/report"
	"github.com/herald-go/herald/integration/internal/source"
)

// measure runs the contests that are wanted and writes their results.
func measure(ctx context.Context, o options) (err error) {
	contests, err := o.contests()
	if err != nil {
		return err
	}
	hosts, err := openHosts()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hosts.close()) }()
	self, err := program()
	if err != nil {
		return err
	}
	out, err := openOutput(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	machine := describe(o)
	found, err := findBrokers(ctx, hosts, contests, &machine)
	if err != nil {
		return err
	}
	out.line(contest.Line{Machine: &machine})
	fmt.Print(report.Head(machine))
	pace := newPace(o, contests)
	for i, c := range contests {
		b, ok := found[c.Broker]
		if !ok {
			continue
		}
		each, ok := pace.next(i)
		if !ok {
			fmt.Printf("\nLeft out, for %v are over: %s\n", o.within, c.Name())
			if !o.add { // what an earlier run has measured stands
				out.sample(contest.Sample{Contest: c, Contestant: contestants.HeraldName, Cannot: "the run's time was over"})
			}
			continue
		}
		fmt.Printf("\n%d of %d, %s: %s\n", i+1, len(contests), time.Since(pace.began).Round(time.Second), c.Name())
		plan := contest.Plan{
			URL: b.URL, Addr: b.Addr, Inside: b.Inside, Via: b.via, Rounds: o.rounds, For: each, Events: o.events, Profiles: o.profiles,
			Sample: func(s contest.Sample) { out.sample(s) },
		}
		if err := contest.Run(ctx, c, entrants(c.Broker, o.only, self, hosts.exec(b.ID), out), plan); err != nil {
			return err
		}
		fmt.Print(report.Text(out.results(), c, contestants.HeraldName))
	}
	return nil
}

// entrants are the contestants of a broker, each with its way to be executed.
func entrants(broker string, only []string, self string, run runner, out *output) []contest.Entrant {
	var all []contest.Entrant
	for _, c := range contestants.All(broker) {
		p := c.Profile()
		if len(only) > 0 && !slices.Contains(only, p.Name) {
			continue
		}
		p.Library = versioned(p.Library)
		out.profile(p)
		e := contest.Entrant{Contestant: c, Execute: inChild(self)}
		if t, ok := c.(contest.Tool); ok {
			e.Execute = byTool(t, runnerOf(t, run))
		}
		all = append(all, e)
	}
	return all
}

// versioned adds a library's version to its path, where this program is built with it.
func versioned(library string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return library
	}
	for _, m := range info.Deps {
		if m.Path == library {
			return library + " " + m.Version
		}
	}
	return library
}

// foundBroker is a broker, and where it is reached without what forwards its port.
type foundBroker struct {
	source.Broker
	via string
}

// findBrokers finds those of the contests. One that can't be had is told and left out; none at all is an error.
func findBrokers(ctx context.Context, h *hosts, contests []contest.Contest, m *contest.Machine) (map[string]foundBroker, error) {
	found := map[string]foundBroker{}
	var errs []error
	for _, kind := range contest.Brokers {
		if !slices.ContainsFunc(contests, func(c contest.Contest) bool { return c.Broker == kind }) {
			continue
		}
		b, err := h.need(ctx, kind)
		if err != nil {
			errs = append(errs, err)
			fmt.Fprintln(os.Stderr, "bench: left out:", err)
			continue
		}
		f := foundBroker{Broker: b, via: direct(ctx, b, h.exec(b.ID))}
		found[kind] = f
		m.Brokers[kind] = fmt.Sprintf("%s (%s)", b.Version, b.Origin)
		if f.via != "" {
			m.Brokers[kind] = fmt.Sprintf("%s (%s, its port not forwarded)", b.Version, b.Origin)
		}
	}
	if len(found) == 0 {
		return nil, errors.Join(errs...)
	}
	return found, nil
}

// describe says where the figures come from.
func describe(o options) contest.Machine {
	load, _ := os.ReadFile("/proc/loadavg") // only Linux tells
	return contest.Machine{
		When: time.Now().UTC().Truncate(time.Second), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Cores: runtime.GOMAXPROCS(0), Load: strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " "),
		Rounds: o.rounds, Brokers: map[string]string{}, Busy: o.busy,
	}
}

// output keeps the results, in memory and in the files of the run.
type output struct {
	jsonl, text *os.File
	all         contest.Results
	err         error
}

func openOutput(o options) (*output, error) {
	open := os.Create
	if o.add {
		open = func(name string) (*os.File, error) {
			return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		}
	}
	jsonl, err := open(filepath.Join(o.out, resultsFile))
	if err != nil {
		return nil, err
	}
	text, err := open(filepath.Join(o.out, textFile))
	if err != nil {
		return nil, errors.Join(err, jsonl.Close())
	}
	return &output{jsonl: jsonl, text: text}, nil
}

func (o *output) results() *contest.Results { return &o.all }

func (o *output) line(l contest.Line) {
	o.err = errors.Join(o.err, json.NewEncoder(o.jsonl).Encode(l))
	if l.Machine != nil {
		_, err := io.WriteString(o.text, report.BenchHead(*l.Machine))
		o.all.Machine = *l.Machine
		o.err = errors.Join(o.err, err)
	}
}

func (o *output) profile(p contest.Profile) {
	if !slices.Contains(o.all.Profiles, p) {
		o.all.Profiles = append(o.all.Profiles, p)
		o.line(contest.Line{Profile: &p})
	}
}

func (o *output) sample(s contest.Sample) {
	o.all.Samples = append(o.all.Samples, s)
	o.line(contest.Line{Sample: &s})
	_, err := io.WriteString(o.text, report.BenchLine(&s, true))
	o.err = errors.Join(o.err, err)
}

func (o *output) close() error { return errors.Join(o.err, o.jsonl.Close(), o.text.Close()) }
