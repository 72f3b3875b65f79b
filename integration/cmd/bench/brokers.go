package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/internal/source"
	"github.com/herald-go/herald/integration/internal/supervise"
)

// startTime bounds how long a broker may take to serve, the fetching of its image included.
const startTime = 8 * time.Minute

// hosts gives brokers: by the supervisor of a run of tests, or by one of its own.
type hosts struct {
	socket string
	own    *supervise.Supervisor
}

func openHosts() (*hosts, error) {
	if socket := os.Getenv(supervise.SocketVariable); socket != "" {
		return &hosts{socket: socket}, nil
	}
	own, err := supervise.Open(os.Stderr)
	if err != nil {
		return nil, err
	}
	return &hosts{socket: own.Socket(), own: own}, nil
}

func (h *hosts) close() error {
	if h.own == nil {
		return nil
	}
	return h.own.Close()
}

// need returns a broker of a kind.
func (h *hosts) need(ctx context.Context, kind string) (source.Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	a, err := supervise.Ask(ctx, h.socket, supervise.Request{Verb: supervise.VerbNeed, Order: source.Order{Kind: kind, Given: true}})
	if err == nil && a.NotRun != "" {
		err = errors.New(a.NotRun)
	}
	if err != nil {
		return source.Broker{}, fmt.Errorf("%s: %w", kind, err)
	}
	return a.Broker, nil
}

// runner runs a program where a broker is.
type runner func(ctx context.Context, args []string) (string, error)

// exec returns a runner for the broker of an id.
func (h *hosts) exec(id string) runner {
	return func(ctx context.Context, args []string) (string, error) {
		a, err := supervise.Ask(ctx, h.socket, supervise.Request{Verb: supervise.VerbExec, ID: id, Args: args})
		return a.Output, err
	}
}

// insidePorts are the ports that the containers' brokers listen on.
var insidePorts = map[string]string{source.RabbitMQ: "5672", source.Kafka: "9092", source.Redis: "6379"}

// directTime bounds the look for a container's own address.
const directTime = 10 * time.Second

// direct returns the address of a broker in a container where this machine reaches it without the program that forwards the container's port, which
// takes processor time for each byte; or "" where it can't.
func direct(ctx context.Context, b source.Broker, run runner) string {
	if b.Origin != source.Docker {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, directTime)
	defer cancel()
	out, err := run(ctx, []string{"hostname", "-i"})
	if err != nil || len(strings.Fields(out)) == 0 {
		return ""
	}
	address := net.JoinHostPort(strings.Fields(out)[0], insidePorts[b.Kind])
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	_ = conn.Close() // it was a try
	return address
}

// runnerOf returns what runs a tool: where the broker is, or here.
func runnerOf(t contest.Tool, inside runner) runner {
	if _, ok := t.(contest.Outside); !ok {
		return inside
	}
	return func(ctx context.Context, args []string) (string, error) {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			return "", contest.Cannot(args[0] + " is not installed")
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w: %s", args[0], err, end(string(out)))
		}
		return string(out), nil
	}
}

// byTool executes tasks by a program of the broker's own.
func byTool(c contest.Tool, run runner) contest.Execute {
	return func(ctx context.Context, t *contest.Task) contest.Sample {
		s := contest.Sample{Contest: t.Contest, Contestant: t.Contestant, N: t.N}
		rate, err := toolRate(ctx, c, t, run)
		switch {
		case errors.Is(err, contest.ErrCannot):
			s.Cannot = err.Error()
		case err != nil:
			s.Error = end(err.Error())
		case rate > 0:
			s.Elapsed = time.Duration(float64(t.N) / rate * float64(time.Second))
		}
		return s
	}
}

func toolRate(ctx context.Context, c contest.Tool, t *contest.Task, run runner) (float64, error) {
	args, err := c.Command(t)
	if err != nil {
		return 0, err
	}
	out, err := run(ctx, args)
	if err != nil {
		return 0, err
	}
	return c.Rate(out)
}
