package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// socketVariable tells the tests where to ask for brokers.
const socketVariable = "HERALD_TEST_BROKERS"

// supervisor is the process that keeps the run's brokers: it starts each one that is asked for, once, and ends them all when this process lets
// go of its standard input. The zero value is for trees without one.
type supervisor struct {
	program, dir, socket string
	cmd                  *exec.Cmd
	stdin                io.Closer
}

// supervise builds and starts the supervisor.
func supervise(ctx context.Context) (*supervisor, error) {
	s := &supervisor{}
	module := "integration"
	if _, err := os.Stat(filepath.Join(module, "cmd", "brokers")); err != nil {
		return s, nil
	}
	dir, err := os.MkdirTemp("", "herald-runtests-")
	if err != nil {
		return nil, err
	}
	s.dir, s.program = dir, filepath.Join(dir, "brokers")
	build := exec.CommandContext(ctx, "go", "build", "-o", s.program, "./cmd/brokers")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the brokers' supervisor: %w\n%s", err, out), s.close())
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the brokers' supervisor: %w", err), s.close())
	}
	return s, nil
}

// start starts the program. No context ends it: it must have the time to end its brokers.
func (s *supervisor) start() error {
	cmd := exec.CommandContext(context.Background(), s.program, "serve")
	cmd.Stderr = os.Stderr // what it installs, and what it reaps
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.stdin = cmd, stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s.socket = strings.TrimSpace(line)
	return err
}

// env is what the tests' environment has on top.
func (s *supervisor) env() []string {
	if s.socket == "" {
		return nil
	}
	return []string{socketVariable + "=" + s.socket}
}

// broker is one that the supervisor keeps.
type broker struct {
	URL, Version, Origin string
	NotRun               string // why there is none
}

// need returns the run's broker of a kind.
func (s *supervisor) need(ctx context.Context, kind string) (broker, error) {
	if s.socket == "" {
		return broker{NotRun: "this tree has no integration module"}, nil
	}
	cmd := exec.CommandContext(ctx, s.program, "need", kind)
	cmd.Env, cmd.Stderr = append(os.Environ(), s.env()...), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return broker{}, fmt.Errorf("%s: %w", kind, err)
	}
	var answer struct {
		Broker broker
		NotRun string
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return broker{}, fmt.Errorf("%s: %w", kind, err)
	}
	answer.Broker.NotRun = answer.NotRun
	return answer.Broker, nil
}

// close ends the supervisor with its brokers, and waits for it.
func (s *supervisor) close() error {
	var err error
	if s.cmd != nil {
		err = errors.Join(s.stdin.Close(), s.cmd.Wait())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}
