package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
)

var (
	onRabbitMQ = []brokers.Kind{brokers.RabbitMQ}
	onKafka    = []brokers.Kind{brokers.Kafka}
	onRedis    = []brokers.Kind{brokers.Redis, brokers.Valkey}
)

// rabbitmqRows are the faults that RabbitMQ alone has.
var rabbitmqRows = []Row{
	{Name: "memory alarm", On: onRabbitMQ, whom: history.Nobody, do: alarm(
		[]string{"set_vm_memory_high_watermark", "0.00001"}, []string{"set_vm_memory_high_watermark", "0.6"},
	)},
	{Name: "disk alarm", On: onRabbitMQ, whom: history.Nobody, do: alarm(
		[]string{"set_disk_free_limit", "100000GB"}, []string{"set_disk_free_limit", "50MB"},
	)},
	{Name: "exchange deleted", On: onRabbitMQ, ours: true, do: func(_ context.Context, r *run, _ *child) error {
		return r.amqp(func(ch *amqp.Channel) error { return ch.ExchangeDelete(r.topic, false, false) })
	}},
	{Name: "queues deleted", On: onRabbitMQ, ours: true, Destroys: true, do: queuesDeleted},
}

func alarm(on, off []string) func(context.Context, *run, *child) error {
	return func(ctx context.Context, r *run, _ *child) error {
		_, err := r.broker.Exec(ctx, append([]string{"rabbitmqctl"}, on...)...)
		r.wait(ctx, 2*time.Second)
		_, cleared := r.broker.Exec(ctx, append([]string{"rabbitmqctl"}, off...)...)
		return errors.Join(err, cleared)
	}
}

func (r *run) amqp(f func(*amqp.Channel) error) error {
	conn, err := amqp.Dial(r.broker.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what f has done is answered
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	return f(ch)
}

// queuesDeleted deletes the group's queues, one for each partition.
func queuesDeleted(_ context.Context, r *run, _ *child) error {
	return r.amqp(func(ch *amqp.Channel) error {
		for p := range partitions {
			if _, err := ch.QueueDelete(driver.Name(driver.KindGroup, r.topic, group, strconv.Itoa(p)), false, false, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// kafkaRows are the faults that Kafka alone has.
var kafkaRows = []Row{
	{Name: "topic deleted", On: onKafka, ours: true, Destroys: true, do: func(ctx context.Context, r *run, _ *child) error {
		_, err := r.broker.Exec(ctx, "kafka-topics", "--bootstrap-server", r.broker.Inside(), "--delete", "--topic", r.topic)
		r.wait(ctx, time.Second)
		return err
	}},
}

// redisRows are the faults that Redis and Valkey alone have.
var redisRows = []Row{
	{Name: "out of memory", On: onRedis, whom: history.Nobody, do: func(ctx context.Context, r *run, _ *child) error {
		err := r.cli(ctx, "CONFIG", "SET", "maxmemory", "1mb")
		r.wait(ctx, 2*time.Second)
		return errors.Join(err, r.cli(ctx, "CONFIG", "SET", "maxmemory", "0"))
	}},
	{Name: "read only", On: onRedis, whom: history.Nobody, do: func(ctx context.Context, r *run, _ *child) error {
		err := r.cli(ctx, "REPLICAOF", "127.0.0.1", "1")
		r.wait(ctx, 2*time.Second)
		return errors.Join(err, r.cli(ctx, "REPLICAOF", "NO", "ONE"))
	}},
	{Name: "FLUSHALL", On: onRedis, ours: true, Destroys: true, do: func(ctx context.Context, r *run, _ *child) error { return r.cli(ctx, "FLUSHALL") }},
	{Name: "streams trimmed", On: onRedis, ours: true, Destroys: true, do: func(ctx context.Context, r *run, _ *child) error {
		return r.streams(ctx, func(key string) []string { return []string{"XTRIM", key, "MAXLEN", "0"} })
	}},
	{Name: "group deleted", On: onRedis, ours: true, Forgets: true, do: func(ctx context.Context, r *run, _ *child) error {
		return r.streams(ctx, func(key string) []string { return []string{"XGROUP", "DESTROY", key, group} })
	}},
}

func (r *run) streams(ctx context.Context, command func(key string) []string) error {
	for p := range partitions {
		if err := r.cli(ctx, command(fmt.Sprintf("{%s:%d}", r.topic, p))...); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) cli(ctx context.Context, args ...string) error {
	out, err := r.broker.Exec(ctx, append([]string{"redis-cli"}, args...)...)
	if err == nil && strings.Contains(out, "ERR") {
		err = fmt.Errorf("%v: %s", args, strings.TrimSpace(out))
	}
	return err
}
