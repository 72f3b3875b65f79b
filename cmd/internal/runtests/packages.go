package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// packages are those of one module that are tested together, as patterns.
type packages struct {
	module   string // its folder
	patterns []string
	racy     bool // they are run without the race detector
}

// set is a choice of packages.
type set struct {
	name  string
	flags []string // of go test
	// demo is whether the demo runs too.
	demo bool
	// expected are the suites that are spoken of even if nothing of them ran.
	expected []string
	// wants picks packages by the first folder below the integration module; elsewhere is for all other packages.
	wants     func(folder string) bool
	elsewhere bool
}

const conformanceSet = "conformance"

// apart are the folders of the integration module whose packages load and hurt brokers, or fill the machine: all but chaos, which has a target
// of its own, are the set integration.
var (
	hurting = []string{"faults", "wire", "watermill", "bench"}
	alone   = []string{"chaos"}
)

// racy are packages in which others' code races with itself: the TestReconnect of Watermill's suite reads a list that another goroutine still
// appends to, and its subscriber to NATS closes a channel on which it may still send.
var racy = []string{"watermill", "watermill/driver"}

var sets = []set{
	{
		// The contract waits for brokers; on a slow machine that takes longer than go test's ten minutes. The time only bounds what hangs.
		name: "test", flags: []string{"-timeout", "30m"}, demo: true, expected: []string{conformance, demo}, elsewhere: true,
		wants: func(folder string) bool { return !slices.Contains(hurting, folder) && !slices.Contains(alone, folder) },
	},
	{
		name: conformanceSet, flags: []string{"-timeout", "30m"}, expected: []string{conformance},
		wants: func(folder string) bool { return folder == "conformance" },
	},
	{
		// -p 1: a broker that is under load answers the tests of other packages late.
		name: "integration", flags: []string{"-p", "1", "-timeout", "40m"},
		wants: func(folder string) bool { return slices.Contains(hurting, folder) },
	},
	{
		name: "chaos", flags: []string{"-p", "1", "-timeout", "30m"}, expected: []string{"chaos"},
		wants: func(folder string) bool { return folder == "chaos" },
	},
}

// chooseSet takes the set's name from the front of the arguments; the rest is for go test.
func chooseSet(args []string) (set, []string, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return sets[0], args, nil
	}
	var names []string
	for _, s := range sets {
		if s.name == args[0] {
			return s, args[1:], nil
		}
		names = append(names, s.name)
	}
	return set{}, nil, fmt.Errorf("no set of tests %q; there are %s", args[0], strings.Join(names, ", "))
}

// work returns the packages of the set, module by module.
func (s *set) work(ctx context.Context) ([]packages, error) {
	modules, err := findModules(".")
	if err != nil {
		return nil, err
	}
	var work []packages
	for _, module := range modules {
		p := packages{module: module, patterns: []string{"./..."}}
		if filepath.Base(module) == "integration" {
			p.patterns, err = s.within(ctx, module)
		} else if !s.elsewhere {
			continue
		}
		if err != nil {
			return nil, err
		}
		work = append(work, p.split()...)
	}
	return work, nil
}

// split takes what is racy apart.
func (p packages) split() []packages {
	rest, alone := packages{module: p.module}, packages{module: p.module, racy: true}
	for _, pattern := range p.patterns {
		if _, path, ok := strings.Cut(pattern, "/integration/"); ok && slices.Contains(racy, path) {
			alone.patterns = append(alone.patterns, pattern)
		} else {
			rest.patterns = append(rest.patterns, pattern)
		}
	}
	return slices.DeleteFunc([]packages{rest, alone}, func(p packages) bool { return len(p.patterns) == 0 })
}

// within lists the wanted packages of the integration module.
func (s *set) within(ctx context.Context, module string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Module.Path}} {{.ImportPath}}", "./...")
	cmd.Dir, cmd.Stderr = module, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s: %w", module, err)
	}
	var patterns []string
	for line := range strings.Lines(string(out)) {
		root, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		folder, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, root), "/"), "/")
		if s.wants(folder) {
			patterns = append(patterns, path)
		}
	}
	return patterns, nil
}

// findModules returns the folders with a go.mod, the outermost first.
func findModules(root string) ([]string, error) {
	var modules []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
			return filepath.SkipDir
		}
		if entry.Name() == "go.mod" {
			modules = append(modules, filepath.Dir(path))
		}
		return nil
	})
	if err == nil && len(modules) == 0 {
		err = fmt.Errorf("no go.mod below %s", root)
	}
	slices.Sort(modules) // a folder stands before those in it
	return modules, err
}

// testModule runs tests of one module and feeds what they say to the report.
func testModule(ctx context.Context, p packages, args, env []string, report *report) error {
	if p.racy {
		args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "-race" })
	}
	cmd := exec.CommandContext(ctx, "go", slices.Concat(args, p.patterns)...)
	cmd.Dir, cmd.Env = p.module, append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := report.read(stdout)
	if readErr != nil {
		// The tests must not block on a pipe that nobody reads.
		_, drainErr := io.Copy(io.Discard, stdout)
		readErr = errors.Join(readErr, drainErr)
	}
	return errors.Join(readErr, cmd.Wait())
}
