package brokers

import (
	"context"
	"fmt"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
	"github.com/herald-go/herald/integration/internal/supervise"
)

// Kind is a kind of broker.
type Kind string

// The kinds. Valkey is a variety of Redis: the same driver, another server.
const (
	RabbitMQ Kind = source.RabbitMQ
	Kafka    Kind = source.Kafka
	Redis    Kind = source.Redis
	Valkey   Kind = source.Valkey
)

// Adapter returns the name of the adapter that opens brokers of this kind: Redis for Valkey, else the kind's own.
func (k Kind) Adapter() string {
	if k == Valkey {
		return source.Redis
	}
	return string(k)
}

// faultTime bounds what a fault may take when its context has no deadline; a broker on a busy machine starts slowly.
const faultTime = 3 * time.Minute

// Broker is a running broker. Its methods are safe for concurrent use. Those that hurt it are for a broker from Own; on a shared one they
// fail.
type Broker struct {
	socket string
	given  source.Broker
	own    bool
}

// Kind returns what it is.
func (b *Broker) Kind() Kind { return Kind(b.given.Kind) }

// URL returns the URL that Herald opens it by, user and password included. It stays the same over restarts.
func (b *Broker) URL() string { return b.given.URL }

// Addr returns its "host:port" for clients, on loopback. It stays the same over restarts.
func (b *Broker) Addr() string { return b.given.Addr }

// Inside returns its "host:port" for the programs that Exec runs.
func (b *Broker) Inside() string { return b.given.Inside }

// Port returns the "host:port" of a further port that Own was asked for by name, or "".
func (b *Broker) Port(name string) string { return b.given.Ports[name] }

// Version returns what the server says of itself, such as "4.0.5" or "valkey 8.1.1".
func (b *Broker) Version() string { return b.given.Version }

// Origin returns where it comes from: "given", "docker" or "local".
func (b *Broker) Origin() string { return b.given.Origin }

// Restart stops it in good order and starts it again on its data. It returns when the broker serves.
func (b *Broker) Restart(ctx context.Context) error {
	if err := b.Stop(ctx); err != nil {
		return err
	}
	return b.Start(ctx)
}

// Stop ends it in good order. It returns when its process has ended.
func (b *Broker) Stop(ctx context.Context) error { return b.fault(ctx, supervise.VerbStop) }

// Kill ends its process by SIGKILL. It returns when the process has ended.
func (b *Broker) Kill(ctx context.Context) error { return b.fault(ctx, supervise.VerbKill) }

// Start starts it again after Stop or Kill, on its address and with its data. It returns when the broker serves.
func (b *Broker) Start(ctx context.Context) error { return b.fault(ctx, supervise.VerbStart) }

// Pause stops its processes where they are: connections stay, and nothing answers.
func (b *Broker) Pause(ctx context.Context) error { return b.fault(ctx, supervise.VerbPause) }

// Resume lets a paused broker go on.
func (b *Broker) Resume(ctx context.Context) error { return b.fault(ctx, supervise.VerbResume) }

// Exec runs a program that comes with the broker, and returns what it writes to standard output and standard error; a program that fails is
// an error that holds both. The first argument names the program: rabbitmqctl, rabbitmq-diagnostics, rabbitmq-plugins, rabbitmq-queues;
// redis-cli, which finds its server by itself; kafka-topics, kafka-configs, kafka-consumer-groups, kafka-console-producer,
// kafka-console-consumer, kafka-delete-records, kafka-reassign-partitions, kafka-leader-election, kafka-acls, or the class of another tool of
// Kafka's. Kafka's want --bootstrap-server with the address that Inside returns. It works on shared brokers too; leave those as they were.
func (b *Broker) Exec(ctx context.Context, args ...string) (string, error) {
	a, err := b.ask(ctx, supervise.Request{Verb: supervise.VerbExec, Args: args})
	return a.Output, err
}

// Logs returns the end of what the broker has written, or why there is none.
func (b *Broker) Logs(ctx context.Context) string {
	a, err := b.ask(ctx, supervise.Request{Verb: supervise.VerbLogs})
	if err != nil {
		return err.Error()
	}
	return a.Output
}

func (b *Broker) fault(ctx context.Context, verb string) error {
	if !b.own {
		return fmt.Errorf("%s %s: other tests share this broker: use Own", verb, b.given.Kind)
	}
	_, err := b.ask(ctx, supervise.Request{Verb: verb})
	return err
}

func (b *Broker) ask(ctx context.Context, r supervise.Request) (supervise.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, faultTime)
	defer cancel()
	r.ID = b.given.ID
	a, err := supervise.Ask(ctx, b.socket, r)
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", r.Verb, b.given.Kind, err)
	}
	return a, nil
}
