package kafka_test

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/wire/exchange"
)

// written publishes the events to a topic of one partition.
func written(t *testing.T, b *brokers.Broker, events []envelope.Event) (topic string) {
	t.Helper()
	topic = exchange.Topic("tools")
	broker := exchange.Open(t, b.URL(), messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"kept"}}}})
	if err := broker.Publish(t.Context(), topic, events...); err != nil {
		t.Fatal(err)
	}
	return topic
}

func exec(t *testing.T, b *brokers.Broker, args ...string) string {
	t.Helper()
	out, err := b.Exec(t.Context(), args...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}

// What a person sees who looks with Kafka's own consumer.
func TestRecordsAreReadableByHand(t *testing.T) {
	t.Parallel()
	b := need(t)
	topic := written(t, b, exchange.Events()[1:2])
	out := exec(t, b, "kafka-console-consumer", "--bootstrap-server", b.Inside(), "--topic", topic, "--from-beginning", "--max-messages", "1",
		"--timeout-ms", "30000", "--property", "print.headers=true", "--property", "print.key=true")
	for _, want := range []string{
		`customer "42"`, "herald:1", "herald-id:0190b8e0-5c3f-7d7a-9a3c-2b1f0c9d8e7f", "herald-type:order.paid", "herald-version:2.1",
		"content-type:application/json", "tenant:größe", `{"größe":"日本語"}`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the console consumer shows no %q:\n%s", want, out)
		}
	}
}

// Kafka's dump of the segment shows batches with a producer id and sequences: the broker can tell a batch that is sent again.
func TestBatchesAreIdempotent(t *testing.T) {
	t.Parallel()
	b := need(t)
	events := exchange.Events()
	topic := written(t, b, events)
	segment := path.Join(folder(t, b, topic), topic+"-0", "00000000000000000000.log")
	out := exec(t, b, "kafka.tools.DumpLogSegments", "--files", segment)
	batch := regexp.MustCompile(`baseOffset: (\d+) lastOffset: (\d+) count: \d+ baseSequence: (\d+) lastSequence: (\d+) producerId: (\d+) producerEpoch: (\d+)`)
	batches := batch.FindAllStringSubmatch(out, -1)
	if len(batches) == 0 {
		t.Fatalf("no batch with a producer id and sequences:\n%s", out)
	}
	for _, found := range batches {
		// One partition, one producer: sequences and offsets run side by side.
		if found[1] != found[3] || found[2] != found[4] {
			t.Errorf("sequences and offsets differ: %s", found[0])
		}
	}
}

// folder returns the folder of the broker that holds the topic's partitions.
func folder(t *testing.T, b *brokers.Broker, topic string) string {
	t.Helper()
	out := exec(t, b, "org.apache.kafka.tools.LogDirsCommand", "--bootstrap-server", b.Inside(), "--describe", "--topic-list", topic)
	start := strings.Index(out, "{")
	if start < 0 {
		t.Fatalf("no answer in %q", out)
	}
	var answer struct {
		Brokers []struct {
			LogDirs []struct {
				LogDir     string `json:"logDir"`
				Partitions []any  `json:"partitions"`
			} `json:"logDirs"`
		} `json:"brokers"`
	}
	if err := json.NewDecoder(strings.NewReader(out[start:])).Decode(&answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, node := range answer.Brokers {
		for _, dir := range node.LogDirs {
			if len(dir.Partitions) > 0 {
				return dir.LogDir
			}
		}
	}
	t.Fatalf("no folder in %s", out)
	return ""
}
