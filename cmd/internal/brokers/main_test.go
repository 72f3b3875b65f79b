package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fakeDocker answers as the docker program does, and keeps the command lines.
type fakeDocker struct {
	states []string // what inspect says, the last for ever
	broken []string // command lines that fail, by their start
	calls  []string
}

func (f *fakeDocker) run(ctx context.Context, args ...string) (string, error) {
	line := strings.Join(args, " ")
	f.calls = append(f.calls, line)
	if slices.ContainsFunc(f.broken, func(start string) bool { return strings.HasPrefix(line, start) }) {
		return "", errors.New(line + ": exit status 1")
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case strings.Contains(line, " ps --quiet "):
		return args[len(args)-1] + "-id\n", nil
	case args[1] == "inspect":
		state := f.states[0]
		if len(f.states) > 1 {
			f.states = f.states[1:]
		}
		return state + "\n", nil
	case args[1] == "logs":
		return "the last line\n", nil
	}
	return "", nil
}

func TestUp_WaitsUntilEveryBrokerIsHealthyAndSaysWhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		docker := &fakeDocker{states: []string{"running starting", "running starting", "running healthy"}}
		var out strings.Builder
		if err := up(t.Context(), docker.run, &out, "", time.Minute); err != nil {
			t.Fatal(err)
		}
		want := "rabbitmq is up after  1 s: amqp://guest:guest@127.0.0.1:5672\n" +
			"kafka    is up after  1 s: kafka://127.0.0.1:9092\n" +
			"redis    is up after  1 s: redis://127.0.0.1:6379\n"
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", &out, want)
		}
		if start := "docker compose --project-name herald --file docker-compose.yml up -d"; !slices.Contains(docker.calls, start) {
			t.Errorf("got %q, want %q among them", docker.calls, start)
		}
	})
}

func TestUp_GivesUpWithTheReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		docker fakeDocker
		want   string
	}{
		"no engine":  {fakeDocker{broken: []string{"docker info"}}, "no Docker engine answers"},
		"no compose": {fakeDocker{broken: []string{"docker compose", "docker-compose"}}, "neither `docker compose` nor docker-compose"},
		"ended":      {fakeDocker{states: []string{"running starting", "exited unhealthy"}}, "rabbitmq: is exited unhealthy\nthe last line"},
		"unhealthy":  {fakeDocker{states: []string{"running unhealthy"}}, "rabbitmq: is running unhealthy\nthe last line"},
		"too slow":   {fakeDocker{states: []string{"running starting"}}, "rabbitmq: still not healthy\nthe last line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := up(t.Context(), test.docker.run, &strings.Builder{}, "docker", 10*pause-pause/2)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
			})
		})
	}
}

func TestDown_UsesTheOldProgramWhereThePluginIsMissing(t *testing.T) {
	t.Parallel()
	docker := &fakeDocker{broken: []string{"docker compose"}}
	if err := down(t.Context(), docker.run, "no such folder"); err != nil {
		t.Fatal(err)
	}
	want := "docker-compose --project-name herald --file docker-compose.yml down --volumes --remove-orphans"
	if got := docker.calls[len(docker.calls)-1]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUp_StartsProcessesWhereDockerCant(t *testing.T) {
	t.Parallel()
	start := strings.Join(local, " ") + " up "
	for name, test := range map[string]struct {
		docker fakeDocker
		source string
		want   string // in what it prints
	}{
		"no engine": {fakeDocker{broken: []string{"docker info"}}, "", "not in Docker: no Docker engine answers"},
		"no images": {fakeDocker{broken: []string{"docker compose --project-name herald --file docker-compose.yml up"}}, "", "not in Docker: docker compose"},
		"by choice": {fakeDocker{}, "local", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := up(t.Context(), test.docker.run, &out, test.source, time.Minute); err != nil {
				t.Fatal(err)
			}
			last := test.docker.calls[len(test.docker.calls)-1]
			if !strings.HasPrefix(last, start) || !strings.HasPrefix(out.String(), test.want) {
				t.Errorf("last call %q after printing\n%s\nwant %q after %q", last, &out, start, test.want)
			}
		})
	}
}

func TestDown_EndsTheProcessesAndTheContainers(t *testing.T) {
	t.Parallel()
	docker, dir := &fakeDocker{}, t.TempDir()
	if err := down(t.Context(), docker.run, dir); err != nil {
		t.Fatal(err)
	}
	want := []string{
		strings.Join(local, " ") + " down " + dir, "docker info", "docker compose version",
		"docker compose --project-name herald --file docker-compose.yml down --volumes --remove-orphans",
	}
	if !slices.Equal(docker.calls, want) {
		t.Errorf("got %q, want %q", docker.calls, want)
	}
}

func TestServices_AreThoseOfTheComposeFileOnTheLoopbackAddress(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range services {
		address := service.url[strings.Index(service.url, "127.0.0.1"):]
		_, port, _ := strings.Cut(address, ":")
		for _, want := range []string{"\n  " + service.name + ":\n", `"` + address + ":" + port + `"`} {
			if !strings.Contains(string(file), want) {
				t.Errorf("docker-compose.yml: no %q", want)
			}
		}
	}
}
