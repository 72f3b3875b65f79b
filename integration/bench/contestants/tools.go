package contestants

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
)

// tool is what the brokers' own programs have in common: the parent runs them where the broker is.
type tool struct{}

// Open implements contest.Contestant.
func (tool) Open(context.Context, *contest.Task, *contest.Events) (contest.Session, error) {
	return nil, contest.Cannot("a program of the broker's own")
}

// redisBenchmark is redis-benchmark.
type redisBenchmark struct{ tool }

// Profile implements contest.Contestant.
func (redisBenchmark) Profile() contest.Profile {
	return contest.Profile{Name: "redis-benchmark", Broker: "redis", Library: "redis-benchmark", Settings: "XADD of the same fields: what the server takes at most"}
}

// Prepare implements contest.Contestant.
func (redisBenchmark) Prepare(ctx context.Context, t *contest.Task, _ *contest.Events) error {
	return makeGroups(ctx, t)
}

// Clean implements contest.Contestant.
func (redisBenchmark) Clean(ctx context.Context, t *contest.Task) error { return dropKeys(ctx, t) }

// Command implements contest.Tool.
func (redisBenchmark) Command(t *contest.Task) ([]string, error) {
	clients, pipeline := t.Callers(), 1
	switch t.Work {
	case contest.Publish1, contest.Publish64, contest.Publish1000:
	case contest.Batch100:
		pipeline = 100
	case contest.Pipelined:
		pipeline = redisBatch
	default:
		return nil, contest.Cannot("it only publishes")
	}
	if t.Params.Size > 10<<10 || t.Params.Topics > 1 || t.Params.Window > 0 || t.Params.Stored > 0 {
		return nil, contest.Cannot("not with these parameters")
	}
	host, port, err := net.SplitHostPort(t.Inside)
	if err != nil {
		return nil, err
	}
	return []string{
		"redis-benchmark", "-h", host, "-p", port, "-n", strconv.Itoa(t.N), "-c", strconv.Itoa(clients), "-P", strconv.Itoa(pipeline), "--csv",
		"XADD", t.Topic, "NOMKSTREAM", "*", "herald-id", "1", "herald-type", eventType, "herald-key", "key-00001", "herald-slot", "1",
		"herald-time", "2026-01-02T15:04:05.123456789Z", "content-type", contentType, "data", strings.Repeat("x", t.Params.Size),
	}, nil
}

// Rate implements contest.Tool.
func (redisBenchmark) Rate(output string) (float64, error) {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	last := lines[len(lines)-1]
	fields := strings.Split(last, `","`)
	if len(fields) < 2 {
		return 0, fmt.Errorf("redis-benchmark: no rate in %q", last)
	}
	return strconv.ParseFloat(strings.Trim(fields[1], `"`), 64)
}

// kafkaTools are kafka-producer-perf-test and kafka-consumer-perf-test.
type kafkaTools struct{ tool }

// Profile implements contest.Contestant.
func (kafkaTools) Profile() contest.Profile {
	return contest.Profile{
		Name: "Kafka's tools", Broker: "kafka", Library: "org.apache.kafka.tools",
		Settings: "ProducerPerformance with acks=all, ConsumerPerformance: Java, without the start of the process",
	}
}

// Prepare implements contest.Contestant.
func (k kafkaTools) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if _, err := k.Command(t); err != nil {
		return err // before topics are made for nothing
	}
	return prepareKafka(ctx, t, events)
}

// Clean implements contest.Contestant.
func (kafkaTools) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// Command implements contest.Tool.
func (kafkaTools) Command(t *contest.Task) ([]string, error) {
	if t.Params.Topics > 1 || t.Params.Window > 0 || t.Params.Stored > 0 || t.Params.Groups > 1 || t.Params.Size > 900_000 {
		return nil, contest.Cannot("not with these parameters")
	}
	switch t.Work {
	case contest.Pipelined:
		return []string{
			"org.apache.kafka.tools.ProducerPerformance", "--topic", t.Topic, "--num-records", strconv.Itoa(t.N),
			"--record-size", strconv.Itoa(t.Params.Size), "--throughput", "-1", "--producer-props", "bootstrap.servers=" + t.Inside, "acks=all",
		}, nil
	case contest.Consume:
		return []string{
			"org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", t.Inside, "--topic", t.Topic, "--messages", strconv.Itoa(t.N),
			"--timeout", "30000", "--hide-header",
		}, nil
	default:
		return nil, contest.Cannot("it has no such mode")
	}
}

var produced = regexp.MustCompile(`([0-9.]+) records/sec`)

// Rate implements contest.Tool. The producer's last line is the sum; the consumer's last field is the rate while it fetched.
func (kafkaTools) Rate(output string) (float64, error) {
	if all := produced.FindAllStringSubmatch(output, -1); len(all) > 0 {
		return strconv.ParseFloat(all[len(all)-1][1], 64)
	}
	for line := range strings.Lines(output) {
		fields := strings.Split(strings.TrimSpace(line), ", ")
		if len(fields) == 10 {
			return strconv.ParseFloat(fields[9], 64)
		}
	}
	return 0, fmt.Errorf("kafka's tools: no rate in %q", output)
}
