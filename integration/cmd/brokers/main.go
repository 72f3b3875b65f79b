// Command brokers keeps the brokers of test runs.
//
//	brokers serve            # keeps brokers until its standard input ends; its first line is the socket to ask at
//	brokers need KIND...     # waits for shared brokers of the supervisor, and prints a line of JSON for each
//	brokers up DIR           # starts a local process of each broker on its standard port, and leaves them running
//	brokers down DIR         # ends exactly those
//	brokers reap             # removes what runs that were killed have left: containers, processes, data
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
	"github.com/herald-go/herald/integration/internal/supervise"
)

// startTime bounds how long a broker may take to serve, the fetching of images and packages included.
const startTime = 8 * time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve()
	case len(args) > 1 && args[0] == "need":
		return need(args[1:])
	case len(args) == 2 && args[0] == "up":
		return up(args[1])
	case len(args) == 2 && args[0] == "down":
		return down(args[1])
	case len(args) == 1 && args[0] == "reap":
		return reap()
	}
	return errors.New("say serve, need KIND..., up DIR, down DIR or reap")
}

// serve keeps a supervisor until standard input ends or a signal comes: whoever started it holds the other end, and lets go of it however it ends.
func serve() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	s, err := supervise.Open(os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(s.Socket())
	ended := make(chan struct{})
	go func() { // ends with the process at the latest
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	select {
	case <-ended:
	case <-signals:
	}
	return s.Close()
}

// need prints the answer for each kind.
func need(kinds []string) error {
	socket := os.Getenv(supervise.SocketVariable)
	if socket == "" {
		return fmt.Errorf("%s names no supervisor", supervise.SocketVariable)
	}
	for _, kind := range kinds {
		ctx, cancel := context.WithTimeout(context.Background(), startTime)
		answer, err := supervise.Ask(ctx, socket, supervise.Request{Verb: supervise.VerbNeed, Order: source.Order{Kind: kind}})
		cancel()
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

// reap removes what has no owner any more. Where no Docker engine answers there are no containers.
func reap() error {
	finder := source.NewFinder("", os.Stderr)
	finder.ReapFolders()
	if err := finder.ReapContainers(context.Background()); err != nil && !errors.Is(err, source.ErrAbsent) {
		return err
	}
	return nil
}
