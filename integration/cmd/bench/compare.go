package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
	"github.com/herald-go/herald/integration/bench/report"
)

// benchstat compares two files of benchmarks.
const benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"

// The names of the two that are compared, and of their files.
const (
	asBase    = "base"
	asPresent = "present"
)

// compare runs the contests for Herald alone: as it is, and at the base revision, by turns. Both are measured by this program, which is built
// once more for the base.
func compare(ctx context.Context, o options) (err error) {
	contests, err := o.contests()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "herald-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	base, err := buildBase(ctx, o.base, dir)
	if err != nil {
		return err
	}
	self, err := program()
	if err != nil {
		return err
	}
	hosts, err := openHosts()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hosts.close()) }()
	machine := describe(o)
	found, err := findBrokers(ctx, hosts, contests, &machine)
	if err != nil {
		return err
	}
	fmt.Print(report.Head(machine))
	texts := map[string]*strings.Builder{asBase: {}, asPresent: {}}
	for _, text := range texts {
		text.WriteString(report.BenchHead(machine))
	}
	for i, c := range contests {
		b, ok := found[c.Broker]
		if !ok {
			continue
		}
		fmt.Printf("%d of %d: %s\n", i+1, len(contests), c.Name())
		plan := contest.Plan{
			URL: b.URL, Addr: b.Addr, Inside: b.Inside, Via: b.via, Rounds: o.rounds, For: o.each, Events: o.events, Profiles: o.profiles,
			Sample: func(s contest.Sample) {
				if !s.Good() {
					fmt.Printf("%s: %s%s\n", s.Contestant, s.Cannot, s.Error)
				}
				texts[s.Contestant].WriteString(report.BenchLine(&s, false))
			},
		}
		herald := contestants.Find(c.Broker, contestants.HeraldName)
		pair := []contest.Entrant{
			{Contestant: herald, As: asBase, Execute: inChild(base)}, {Contestant: herald, As: asPresent, Execute: inChild(self)},
		}
		if err := contest.Run(ctx, c, pair, plan); err != nil {
			return err
		}
	}
	return judge(ctx, o.out, texts)
}

// judge lets benchstat compare.
func judge(ctx context.Context, out string, texts map[string]*strings.Builder) error {
	args := []string{"run", benchstat}
	for _, name := range []string{asBase, asPresent} {
		path := filepath.Join(out, name+".txt")
		if err := os.WriteFile(path, []byte(texts[name].String()), 0o600); err != nil {
			return err
		}
		args = append(args, name+"="+path)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat: %w", err)
	}
	return nil
}

// buildBase builds this program on the Herald of another revision, and returns its path. The files of the revision are taken out of the
// repository without touching it.
func buildBase(ctx context.Context, revision, dir string) (string, error) {
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "tree.tar")
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	for _, step := range [][]string{
		{"git", "-C", root, "archive", "--output", archive, revision, "--", "."},
		{"tar", "-xf", archive, "-C", tree},
	} {
		if out, err := exec.CommandContext(ctx, step[0], step[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(step[:3], " "), err, out)
		}
	}
	modfile := filepath.Join(dir, "go.mod")
	if err := writeModfile(ctx, modfile, root, tree); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "bench-base")
	if out, err := exec.CommandContext(ctx, "go", "build", "-modfile", modfile, "-o", binary, "./cmd/bench").CombinedOutput(); err != nil {
		return "", fmt.Errorf("this program does not build on %s: %w\n%s", revision, err, out)
	}
	return binary, nil
}

// writeModfile writes a go.mod of this module that takes Herald from another folder, and its go.sum.
func writeModfile(ctx context.Context, modfile, root, tree string) error {
	for from, to := range map[string]string{"go.mod": modfile, "go.sum": strings.TrimSuffix(modfile, ".mod") + ".sum"} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		moved := strings.ReplaceAll(string(text), "=> ../contrib", "=> "+filepath.Join(root, "contrib"))
		if err := os.WriteFile(to, []byte(moved), 0o600); err != nil {
			return err
		}
	}
	edit := exec.CommandContext(ctx, "go", "mod", "edit", "-replace", "github.com/herald-go/herald="+tree, modfile)
	if out, err := edit.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod edit: %w\n%s", err, out)
	}
	return nil
}
