package chaos_test

import (
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/chaos"
	"github.com/herald-go/herald/integration/history"
)

// The table of a run has all that a long run is to reach, with its goal, and every row of its broker with how often it was injected.
func TestTheTableHasAllThatARunIsToReach(t *testing.T) {
	t.Parallel()
	rabbitmq := &chaos.Result{
		Config: chaos.Config{Broker: brokers.RabbitMQ, Seed: 7}, Origin: "rabbitmq 4.0.5 (docker)",
		Sessions: []chaos.Session{
			{Duration: 15 * time.Minute, Drained: true, Report: history.Report{
				Acked: 300_000, Lost: make([]history.Op, 3), Prefix: 1, Middle: 1, Postfix: 1, Phantom: make([]history.Op, 1), CopiesAtOnce: 4, ConcurrentExcused: 2,
				Duplicates: 1234, Causes: map[string]int{"disconnected": 9, "a failed attempt": 20}, Crashes: []history.Crash{{Row: "broker kill -9", Members: 2, Duplicates: 100}},
				Recoveries: []time.Duration{time.Second, 3 * time.Second}, Overdue: 1500, Overrun: 390 * time.Microsecond,
				MemoryFirst: 17 << 20, MemoryLast: 20 << 20, Memory: 21 << 20, Growth: 3 << 20, Left: map[string]int{"goroutines": 0, "descriptors": 0}, Rows: map[string]int{"broker kill -9": 2},
			}},
			{Duration: time.Minute, Drained: true, Report: history.Report{
				Acked: 1146, Recoveries: []time.Duration{2 * time.Second}, Crashes: []history.Crash{{Row: "reply lost", Members: 1, Unknown: 6, Duplicates: 71}},
				Overdue: 1, Rows: map[string]int{"broker kill -9": 1}, Left: map[string]int{"goroutines": 1},
			}},
		},
	}
	kafka := &chaos.Result{Config: chaos.Config{Broker: brokers.Kafka, Seed: 8, Rows: []string{"topic deleted"}}, Origin: "kafka 4.1.0 (docker)"}
	got := chaos.Table(rabbitmq, kafka)
	for _, want := range []string{
		"| figure | goal | rabbitmq 4.0.5 (docker), seed 7 | kafka 4.1.0 (docker), seed 8 |\n|---|---|---|---|\n",
		"| time | ≥ 15 min | 16 min | 0 s |\n",
		"| acked | ≥ 300,000 | 301,146 | 0 |\n",
		"| lost | 0 | 3 | 0 |\n",
		"| of those before, amid, after what was handled of their key |  | 1, 1, 1 | 0, 0, 0 |\n",
		"| phantom, unexpected, reordered within a key | 0, 0, 0 | 1, 0, 0 | 0, 0, 0 |\n",
		"| duplicates |  | 1,234 | 0 |\n| unexplained duplicates | 0 | 0 | 0 |\n",
		"| a failed attempt 20, disconnected 9 |",
		"| faults after which more came again than windows and unknown publishings explain | 0 | 1 | 0 |\n",
		"| the one nearest to that |  | 71 of 70, reply lost |  |\n",
		"| handled twice at once: copies, by a member that was hurt |  | 4, 2 | 0, 0 |\n| handled twice at once without either | 0 | 0 | 0 |\n",
		"| traffic again after a fault: p50, p99, most, of recoveries | p99 ≤ 5 s, p99 ≤ 10 s | 2 s, 3 s, 3 s, 3 | 0 s, 0 s, 0 s, 0 |\n",
		"| Publish after the end of its context: p99 | ≤ 50 ms | 390 µs | 0 s |\n| of so many cases | ≥ 1,000 | 1,501 | 0 |\n",
		"| memory of the oldest process: first, last |  | 17 MiB, 20 MiB | 0 MiB, 0 MiB |\n",
		"| left after closing | 0 of each | descriptors 0, goroutines 1 |  |\n",
		"| injected: broker kill -9 | ≥ 1 | 3 | 0: not asked for |\n",
		"| injected: memory alarm | ≥ 1 | 0: the time was over | – |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, kind := range []brokers.Kind{brokers.RabbitMQ, brokers.Kafka} {
		for _, row := range chaos.Rows(kind) {
			if !strings.Contains(got, "| injected: "+row.Name+" |") {
				t.Errorf("%s: no row %q", kind, row.Name)
			}
		}
	}
}
