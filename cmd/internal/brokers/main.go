// Command brokers starts RabbitMQ, Kafka and Redis on their standard ports and waits until they serve, or removes them with what they hold.
// They are the containers of docker-compose.yml, started by either of Compose's programs, `docker compose` and docker-compose; where those can't
// be had, they are processes of this machine.
//
//	go run ./cmd/internal/brokers [-wait 5m] up|down
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// service is one of docker-compose.yml's, with the URL that Herald opens it by.
type service struct{ name, url string }

var services = []service{
	{"rabbitmq", "amqp://guest:guest@127.0.0.1:5672"},
	{"kafka", "kafka://127.0.0.1:9092"},
	{"redis", "redis://127.0.0.1:6379"},
}

// pause is the time between two looks at the health checks.
const pause = 500 * time.Millisecond

func main() {
	wait := flag.Duration("wait", 5*time.Minute, "how long up waits for the brokers, once they are started")
	flag.Parse()
	ctx := context.Background()
	var err error
	switch flag.Arg(0) {
	case "up":
		err = up(ctx, command, os.Stdout, os.Getenv(sourceVariable), *wait)
	case "down":
		err = down(ctx, command, folder)
	default:
		err = fmt.Errorf("say up or down, not %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

// sourceVariable names the one way that brokers may be started: docker or local.
const sourceVariable = "HERALD_TEST_SOURCE"

// up starts the brokers, in Docker or else as processes, and returns when they serve.
func up(ctx context.Context, run runner, out io.Writer, source string, wait time.Duration) error {
	if source == "local" {
		return upLocal(ctx, run, out)
	}
	compose, err := upContainers(ctx, run)
	if err == nil {
		return await(ctx, run, compose, out, wait)
	}
	if source == "docker" {
		return err
	}
	fmt.Fprintf(out, "not in Docker: %v\n", err)
	return upLocal(ctx, run, out)
}

// upContainers starts the containers. It leaves none behind if one can't be started.
func upContainers(ctx context.Context, run runner) (compose []string, err error) {
	if compose, err = findCompose(ctx, run); err != nil {
		return nil, err
	}
	if _, err := run(ctx, append(compose, "up", "-d")...); err != nil {
		return nil, errors.Join(err, downContainers(ctx, run, compose))
	}
	return compose, nil
}

// await returns when all containers are healthy. It gives up at the first that ends or says that it is not well, and after wait.
func await(ctx context.Context, run runner, compose []string, out io.Writer, wait time.Duration) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for _, service := range services {
		id, err := container(ctx, run, compose, service.name)
		if err != nil {
			return err
		}
		if err := awaitHealthy(ctx, run, service.name, id); err != nil {
			return err
		}
		fmt.Fprintf(out, "%-8s is up after %2.0f s: %s\n", service.name, time.Since(start).Seconds(), service.url)
	}
	return nil
}

// down removes the brokers and what they hold: the processes that up has noted in dir, and the containers. Where nothing runs it does nothing.
func down(ctx context.Context, run runner, dir string) error {
	err := downLocal(ctx, run, dir)
	compose, noDocker := findCompose(ctx, run)
	if noDocker != nil {
		return err // then there are no containers
	}
	return errors.Join(err, downContainers(ctx, run, compose))
}

func downContainers(ctx context.Context, run runner, compose []string) error {
	_, err := run(ctx, append(compose, "down", "--volumes", "--remove-orphans")...)
	return err
}
