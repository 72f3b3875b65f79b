package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
)

// standard are the brokers of `make up`, on the ports that everybody knows.
var standard = []struct {
	kind string
	port int
}{{source.RabbitMQ, 5672}, {source.Kafka, 9092}, {source.Redis, 6379}}

// up starts the brokers in dir, which remembers their processes, and returns when they serve. It ends what it has started if one does not.
func up(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("they are up, or were: %s exists; run down first", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, s := range standard {
		if err := upOne(s.kind, s.port, dir); err != nil {
			return errors.Join(fmt.Errorf("%s: %s", s.kind, source.Why(err)), down(dir))
		}
	}
	return nil
}

func upOne(kind string, port int, dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	began := time.Now()
	o := source.Order{Kind: kind}
	if kind == source.RabbitMQ { // as its image has it
		o.Settings = []source.Setting{{Key: "default_user", Value: "guest"}, {Key: "default_pass", Value: "guest"}}
	}
	m, b, err := source.StartLocalAt(ctx, o, port, dir, os.Stderr)
	if err != nil {
		return err
	}
	if kind == source.RabbitMQ {
		b.URL = "amqp://guest:guest@" + b.Addr
	}
	version, err := source.AwaitReady(ctx, b, m.Running)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, m.Logs(ctx))
	}
	if b.Version == "" {
		b.Version = version
	}
	fmt.Printf("%-8s is up after %2.0f s: %s (version %s, a process of this machine)\n", kind, time.Since(began).Seconds(), b.URL, b.Version)
	return nil
}

func down(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return source.RemoveFolder(dir)
}
