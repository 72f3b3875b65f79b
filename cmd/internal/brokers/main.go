// Command brokers starts the brokers of docker-compose.yml and waits until each one's health check says that it
// serves, or removes them. It works with both of Compose's programs, `docker compose` and docker-compose.
//
//	go run ./cmd/internal/brokers [-wait 5m] up|down
package main

import (
	"context"
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
		err = up(ctx, command, os.Stdout, *wait)
	case "down":
		err = down(ctx, command)
	default:
		err = fmt.Errorf("say up or down, not %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

// up starts the brokers and returns when all are healthy. It gives up at the first that ends or says that it is not
// well, and after wait.
func up(ctx context.Context, run runner, out io.Writer, wait time.Duration) error {
	compose, err := findCompose(ctx, run)
	if err != nil {
		return err
	}
	if _, err := run(ctx, append(compose, "up", "-d")...); err != nil {
		return err
	}
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

// down removes the brokers and what they hold. Where nothing runs it does nothing.
func down(ctx context.Context, run runner) error {
	compose, err := findCompose(ctx, run)
	if err != nil {
		return err
	}
	_, err = run(ctx, append(compose, "down", "--volumes", "--remove-orphans")...)
	return err
}
