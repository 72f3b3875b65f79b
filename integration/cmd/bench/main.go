// Command bench measures Herald beside bare clients, other libraries and the brokers' own tools, in one run on the same brokers.
//
//	bench                                    # the core grid on every broker
//	bench -broker kafka -work publish        # a part of it; -work takes a work's name, or the front of it
//	bench -within 18m                        # with shorter turns, if need be
//	bench -grid growth -add                  # series that vary one parameter, added to the results of an earlier run
//	bench -grid growth -axis topics          # one of them
//	bench -grid all                          # all of it, and latencies at high load
//	bench -base v0.3.0                       # Herald as it is against Herald at that revision, with benchstat
//	bench -render                            # writes the tables and plots of docs/performance.md when it has measured
//	bench -grid none -render                 # from the results of an earlier run
//
// It runs in the integration module's folder. Brokers come from where the tests get theirs: Docker, processes of this machine, or URLs that are
// given by environment variables.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
	"github.com/herald-go/herald/integration/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == childCommand {
		return child(ctx, os.Stdin, os.Stdout)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return err
		}
	}
	if o.base != "" {
		return compare(ctx, o)
	}
	if o.grid != gridNone {
		if err := measure(ctx, o); err != nil {
			return err
		}
	}
	if !o.render {
		return nil
	}
	return render(o)
}

const gridNone = "none"

// options are the command line.
type options struct {
	brokers, works, only []string
	grid, axis, out      string
	docs                 string
	base, profiles       string
	size, window         int
	rounds, events       int
	each, within         time.Duration
	render, busy, add    bool
}

func parse(args []string) (options, error) {
	var o options
	var brokers, works, only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&brokers, "broker", "all", "rabbitmq, kafka, redis, several with commas, or all")
	f.StringVar(&works, "work", "all", "works, or their fronts, with commas: "+strings.Join(contest.Works, ", "))
	f.StringVar(&only, "contestants", "", "names of contestants, with commas; none is all of them")
	f.StringVar(&o.grid, "grid", "core", "core, growth, all, or none to render earlier results")
	f.StringVar(&o.axis, "axis", "", "the parameter that varies, of the series of the grid: size, keys, window, topics, groups or stored; empty is all")
	f.StringVar(&o.out, "out", "../.cache/bench", "the folder of the results")
	f.StringVar(&o.docs, "docs", "../docs", "the folder of the pages, for -render")
	f.StringVar(&o.base, "base", "", "a revision to compare Herald with")
	f.IntVar(&o.size, "size", 0, "bytes of each event's data; 0 is what the grid says")
	f.IntVar(&o.window, "window", 0, "how many events may be on their way or in hand; 0 is what each contestant says")
	f.IntVar(&o.rounds, "rounds", 5, "turns of each contestant")
	f.IntVar(&o.events, "events", 0, "the most events of a turn; 0 is as many as it takes")
	f.DurationVar(&o.each, "for", 400*time.Millisecond, "about how long each turn measures")
	f.StringVar(&o.profiles, "profile", "", "a folder for a processor profile of each contestant's last turn in each work")
	f.DurationVar(&o.within, "within", 0, "how long the run may take: turns get shorter if it would take longer, and what finds no time is left out; 0 is no bound")
	f.BoolVar(&o.add, "add", false, "add to the results of earlier runs, and replace the contests that are run again")
	f.BoolVar(&o.render, "render", false, "write the tables and plots of the pages")
	f.BoolVar(&o.busy, "busy", false, "say in the results that other work runs on the machine")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	o.brokers, o.works = strings.Split(brokers, ","), strings.Split(works, ",")
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	_, err := o.contests()
	return o, err
}

// contests are those that are wanted.
func (o *options) contests() ([]contest.Contest, error) {
	var grid []contest.Contest
	switch o.grid {
	case "core":
		grid = contest.Core()
	case "growth":
		grid = contest.Growth()
	case "all":
		grid = contest.All()
	case gridNone:
		return nil, nil
	default:
		return nil, fmt.Errorf("there is no grid %q: core, growth, all, none", o.grid)
	}
	if o.grid == "core" && len(contest.Choose(grid, []string{"all"}, o.works)) == 0 {
		grid = contest.All() // a work that only the whole grid has
	}
	chosen := contest.Choose(grid, o.brokers, o.works)
	chosen = slices.DeleteFunc(chosen, func(c contest.Contest) bool { return o.axis != "" && c.Axis != o.axis })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no contest of broker %s, work %s", strings.Join(o.brokers, ","), strings.Join(o.works, ","))
	}
	for i := range chosen {
		if o.size > 0 {
			chosen[i].Params.Size = o.size
		}
		if o.window > 0 {
			chosen[i].Params.Window = o.window
		}
	}
	return chosen, nil
}

// The files of a run.
const (
	resultsFile = "results.jsonl"
	textFile    = "bench.txt"
)

func render(o options) error {
	file, err := os.Open(filepath.Join(o.out, resultsFile))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	results, err := contest.Read(file)
	if err != nil {
		return err
	}
	return report.Write(o.docs, results, contestants.HeraldName)
}
