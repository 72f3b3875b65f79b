// Command runtests runs the tests of every module below the current folder and ends with what they covered: which suite ran on which broker,
// of which version and from where, which did not, and why.
//
//	go run ./cmd/internal/runtests [test|conformance|integration|chaos] [go test flags]
//
// test, the default, is every package but those that load and hurt brokers, and then the demo on each broker. conformance is the drivers' contract
// alone. integration is the packages that test leaves out because they want a broker, or the machine, for themselves; they run one at a time.
// chaos is the faults drawn at random, with their history judged.
//
// A test belongs to a suite on a broker if it, or a test above it, says so:
//
//	t.Attr("suite", "drivertest") // default: the folder of integration that the test is in
//	t.Attr("broker", "redis")
//	t.Attr("version", "8.0.2")    // of the broker
//	t.Attr("origin", "docker")    // or local, or given
//	t.Attr("why", "no engine")    // if the broker can't be had
//	t.Attr("not-run", "3")        // if parts of the suite were left out without a test for each
//
// The closing lines are made of what those tests reported and of nothing else. The exit status is 1 if a test failed or didn't build, if the demo
// failed, or if a broker that HERALD_TEST_REQUIRE names was not tested.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	// Whoever stops this run stops what it has started as well: tests by the same signal, brokers because nobody holds them any more.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	set, flags, err := chooseSet(args)
	if err != nil {
		return err
	}
	required, err := requiredBrokers()
	if err != nil {
		return err
	}
	work, err := set.work(ctx)
	if err != nil {
		return err
	}
	brokers, err := supervise(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, brokers.close()) }()
	race, why := raceDetector(ctx)
	if race {
		flags = append([]string{"-race"}, flags...)
	}
	fmt.Println("race detector:", why)
	report := newReport(os.Stdout)
	errs := testAll(ctx, work, append(append([]string{"test", "-json", "-shuffle=on"}, set.flags...), flags...), brokers, report)
	if set.demo {
		errs = append(errs, demoAll(ctx, brokers, report))
	}
	fmt.Println()
	report.summary(hasAdapter, set.expected)
	if set.demo || set.name == conformanceSet {
		errs = append(errs, report.missing(required))
	}
	return errors.Join(errs...)
}

func testAll(ctx context.Context, work []packages, args []string, brokers *supervisor, report *report) []error {
	var errs []error
	for _, p := range work {
		if ctx.Err() != nil {
			return append(errs, context.Cause(ctx))
		}
		if err := testModule(ctx, p, args, brokers.env(), report); err != nil {
			errs = append(errs, fmt.Errorf("module %s: %w", p.module, err))
		}
	}
	return errs
}

// raceDetector reports whether tests can be built with the race detector, which needs cgo and a C compiler.
func raceDetector(ctx context.Context) (on bool, why string) {
	out, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED", "CC").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 2 || fields[0] != "1" {
		return false, "off, cgo is not enabled"
	}
	if _, err := exec.LookPath(fields[1]); err != nil {
		return false, "off, no C compiler " + fields[1]
	}
	return true, "on"
}

// hasAdapter reports whether the tree has Go code for a broker's adapter.
func hasAdapter(broker string) bool {
	files, err := filepath.Glob(filepath.Join("adapters", broker, "*.go"))
	return err == nil && len(files) > 0
}
