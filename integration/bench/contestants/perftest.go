package contestants

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/herald-go/herald/integration/bench/contest"
)

// PerfTestVariable is the environment variable that names the folder of PerfTest's jars.
const PerfTestVariable = "HERALD_BENCH_PERFTEST"

// perfTestJars is where make perf-test puts them, seen from the integration module's folder.
const perfTestJars = "../.cache/perf-test"

// perfTest is RabbitMQ PerfTest, which comes with no image of the broker: it runs on this machine where its jars are.
type perfTest struct{ tool }

// Profile implements contest.Contestant.
func (perfTest) Profile() contest.Profile {
	return contest.Profile{
		Name: "PerfTest", Broker: "rabbitmq", Library: "com.rabbitmq:perf-test",
		Settings: "quorum queue, mandatory, confirms in a window of 1,000; prefetch 1,000, an ack for each 50: Java, with its warming up",
	}
}

// Outside implements contest.Outside.
func (perfTest) Outside() {}

// Prepare implements contest.Contestant.
func (p perfTest) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if _, err := p.Command(t); err != nil {
		return err // before queues are made for nothing
	}
	if err := makeQueues(ctx, t, "topic", queueName); err != nil {
		return err
	}
	return contest.Fill(ctx, amqpRaw{}, t, events)
}

// Clean implements contest.Contestant.
func (perfTest) Clean(ctx context.Context, t *contest.Task) error {
	return dropQueues(ctx, t, queueName)
}

// jars returns the folder of the jars, or an error that wraps contest.ErrCannot.
func jars() (string, error) {
	dir := os.Getenv(PerfTestVariable)
	if dir == "" {
		dir = perfTestJars
	}
	if found, err := filepath.Glob(filepath.Join(dir, "perf-test-*.jar")); err != nil || len(found) == 0 {
		return "", contest.Cannot("its jars are not here: make perf-test fetches them, and " + PerfTestVariable + " names their folder")
	}
	return dir, nil
}

// Command implements contest.Tool.
func (perfTest) Command(t *contest.Task) ([]string, error) {
	var work []string
	switch t.Work {
	case contest.Pipelined:
		work = []string{"-x", "1", "-y", "0", "-C", strconv.Itoa(t.N), "-c", strconv.Itoa(t.Window(rabbitWindow))}
	case contest.Consume:
		work = []string{"-x", "0", "-y", "1", "-D", strconv.Itoa(t.N), "-q", strconv.Itoa(t.Window(rabbitWindow)), "-A", strconv.Itoa(ackEvery)}
	default:
		return nil, contest.Cannot("it has no such mode")
	}
	if t.Params.Topics > 1 || t.Params.Stored > 0 || t.Params.Groups > 1 || t.Params.Window > 0 {
		return nil, contest.Cannot("not with these parameters")
	}
	dir, err := jars()
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	if target.Path == "/" {
		target.Path = "" // the Java client takes it for a virtual host without a name
	}
	if t.Via != "" {
		target.Host = t.Via
	}
	return append([]string{
		"java", "-Xmx256m", "-cp", filepath.Join(dir, "*"), "com.rabbitmq.perf.PerfTest", "-h", target.String(), "--predeclared",
		"-e", t.Topic, "-t", "topic", "-k", eventType, "-u", queueName(t.Topic, t.AllGroups()[0]), "-s", strconv.Itoa(t.Params.Size),
		"-f", "persistent", "-f", "mandatory",
		"-mp", "contentType=" + contentType + ",type=" + eventType + ",key=key-00001,slot=1,time=2026-01-02T15:04:05.123456789Z",
	}, work...), nil
}

var averaged = regexp.MustCompile(`(?:sending|receiving) rate avg: ([0-9]+) msg/s`)

// Rate implements contest.Tool. What did not happen has an average too: 0.
func (perfTest) Rate(output string) (float64, error) {
	for _, rate := range averaged.FindAllStringSubmatch(output, -1) {
		if rate[1] != "0" {
			return strconv.ParseFloat(rate[1], 64)
		}
	}
	return 0, fmt.Errorf("PerfTest: no rate in %q", output)
}
