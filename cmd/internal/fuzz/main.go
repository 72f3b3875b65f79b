// Command fuzz runs every fuzz target of the module in the current folder, one after another, each for the same time,
// and stops at the first failure.
//
//	go run ./cmd/internal/fuzz [-time 30s] [packages]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 30*time.Second, "how long each target runs")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	if err := run(context.Background(), packages, *each); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// target is a fuzz function of a package.
type target struct{ pkg, name string }

func run(ctx context.Context, packages []string, each time.Duration) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-list", "^Fuzz"}, packages...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list the targets: %w\n%s", err, out)
	}
	targets := parseTargets(string(out))
	if len(targets) == 0 {
		return errors.New("no fuzz target in " + strings.Join(packages, " "))
	}
	for i, target := range targets {
		fmt.Printf("fuzz %d of %d: %s %s, %s\n", i+1, len(targets), target.pkg, target.name, each)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+target.name+"$", "-fuzztime", each.String(), target.pkg)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s %s: %w", target.pkg, target.name, err)
		}
	}
	return nil
}

// parseTargets reads what `go test -list` prints: a package's targets, then the line with its path.
func parseTargets(list string) []target {
	var targets []target
	var names []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			names = append(names, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, name := range names {
				targets = append(targets, target{fields[1], name})
			}
			names = nil
		}
	}
	return targets
}
