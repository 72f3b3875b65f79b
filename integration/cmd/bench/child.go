package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
)

// childCommand makes the program a child: it reads a task from standard input and writes a sample to standard output, both as JSON.
const childCommand = "child"

func child(ctx context.Context, in io.Reader, out io.Writer) error {
	var t contest.Task
	if err := json.NewDecoder(in).Decode(&t); err != nil {
		return fmt.Errorf("the task: %w", err)
	}
	c := contestants.Find(t.Broker, t.Contestant)
	if c == nil {
		return fmt.Errorf("there is no contestant %q on %s", t.Contestant, t.Broker)
	}
	stop, err := profile(t.Profile)
	if err != nil {
		return err
	}
	sample := contest.Perform(ctx, c, &t)
	return errors.Join(stop(), json.NewEncoder(out).Encode(sample))
}

// profile writes a processor profile to a file until stop is called. No file is no profile.
func profile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// inChild executes tasks by a program of this kind, in a process for each.
func inChild(program string) contest.Execute {
	return func(ctx context.Context, t *contest.Task) contest.Sample {
		s, err := runChild(ctx, program, t)
		if err != nil {
			return contest.Sample{Contest: t.Contest, Contestant: t.Contestant, Error: err.Error()}
		}
		return s
	}
}

func runChild(ctx context.Context, program string, t *contest.Task) (s contest.Sample, err error) {
	task, err := json.Marshal(t)
	if err != nil {
		return s, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, childCommand)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(task), &out, &said
	if err := cmd.Run(); err != nil {
		return s, errors.Join(context.Cause(ctx), fmt.Errorf("child: %w: %s", err, end(said.String())))
	}
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		return s, fmt.Errorf("child: %w in %q", err, end(out.String()))
	}
	return s, nil
}

// end is the end of a text that may be long.
func end(text string) string {
	const most = 500
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-most):]
}

// program is the path of this one.
func program() (string, error) { return os.Executable() }
