package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// runner runs a program and returns what it prints.
type runner func(ctx context.Context, args ...string) (string, error)

// command is the runner of real programs. Its error holds what the program wrote to standard error. What our own one writes there, on what it
// installs, is also shown at once.
func command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if args[0] == local[0] {
		cmd.Stderr = io.MultiWriter(&stderr, os.Stderr)
	}
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// findCompose returns the start of a Compose command line. The project's name is fixed: it would else be the folder's.
func findCompose(ctx context.Context, run runner) ([]string, error) {
	if _, err := run(ctx, "docker", "info"); err != nil {
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	}
	for _, compose := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, err := run(ctx, append(slices.Clone(compose), "version")...); err == nil {
			return slices.Clip(append(compose, "--project-name", "herald", "--file", "docker-compose.yml")), nil
		}
	}
	return nil, errors.New("neither `docker compose` nor docker-compose is installed")
}

// container returns the id of a service's container.
func container(ctx context.Context, run runner, compose []string, service string) (string, error) {
	out, err := run(ctx, append(compose, "ps", "--quiet", service)...)
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(out)
	if id == "" {
		return "", fmt.Errorf("%s: has no container", service)
	}
	return id, nil
}

// awaitHealthy returns when a container's health check has passed. Its error ends with the container's last words.
func awaitHealthy(ctx context.Context, run runner, service, id string) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		state, err := run(ctx, "docker", "inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", id)
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		switch state = strings.TrimSpace(state); state {
		case "running healthy":
			return nil
		case "running starting":
		default:
			return fmt.Errorf("%s: is %s\n%s", service, state, lastWords(ctx, run, id))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: still not healthy\n%s", service, lastWords(context.WithoutCancel(ctx), run, id))
		case <-tick.C:
		}
	}
}

func lastWords(ctx context.Context, run runner, id string) string {
	out, err := run(ctx, "docker", "logs", "--tail", "20", id)
	if err != nil {
		return err.Error()
	}
	return out
}
