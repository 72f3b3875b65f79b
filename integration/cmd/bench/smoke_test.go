//go:build contests

package main

import (
	"context"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
	"github.com/herald-go/herald/integration/brokers"
)

// smokeTime bounds one contestant's one work.
const smokeTime = 90 * time.Second

// smokes are the works of the core grid and start-up; and for Herald, the rest and what the series vary.
func smokes(broker string, herald bool) []contest.Contest {
	var all []contest.Contest
	add := func(work string, change func(*contest.Params)) {
		c := contest.Contest{Broker: broker, Work: work, Params: contest.Usual}
		change(&c.Params)
		all = append(all, c)
	}
	for _, work := range contest.Works {
		if herald || (work != contest.Reconnect && work != contest.LatencyHigh) {
			add(work, func(*contest.Params) {})
		}
	}
	if !herald {
		return all
	}
	add(contest.Pipelined, func(p *contest.Params) { p.Window, p.Stored = 10, 20 })
	add(contest.Consume, func(p *contest.Params) { p.Window, p.Groups = 10, 2 })
	add(contest.Publish64, func(p *contest.Params) { p.Topics = 3 })
	if broker != "kafka" { // whose broker takes a little less than that
		add(contest.Consume, func(p *contest.Params) { p.Size = 1 << 20 })
	}
	return all
}

// events is few, and fewer where each waits for the broker, as all of Watermill's do, or is large.
func events(c contest.Contest, contestant string) int {
	switch {
	case c.Work == contest.Startup, c.Work == contest.Reconnect:
		return 1
	case c.Work == contest.Publish1, c.Params.Size >= 1<<20:
		return 10
	case contestant == "Watermill":
		return 50
	default:
		return 200
	}
}

// TestContests does each work with each contestant: Herald can do them all, and the others say why they can't.
func TestContests(t *testing.T) {
	t.Parallel()
	for _, kind := range []brokers.Kind{brokers.RabbitMQ, brokers.Kafka, brokers.Redis} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			t.Attr("suite", "bench")
			b := brokers.Need(t, kind)
			for _, c := range contestants.All(string(kind)) {
				t.Run(c.Profile().Name, func(t *testing.T) {
					t.Parallel()
					smoke(t, b, c)
				})
			}
		})
	}
}

func smoke(t *testing.T, b *brokers.Broker, c contest.Contestant) {
	t.Helper()
	name := c.Profile().Name
	execute := contest.InProcess(c)
	if tool, ok := c.(contest.Tool); ok {
		execute = byTool(tool, runnerOf(tool, func(ctx context.Context, args []string) (string, error) { return b.Exec(ctx, args...) }))
	}
	done := 0
	plan := contest.Plan{URL: b.URL(), Addr: b.Addr(), Inside: b.Inside(), Limit: smokeTime}
	for _, work := range smokes(string(b.Kind()), name == contestants.HeraldName) {
		began := time.Now()
		s := contest.Once(t.Context(), work, contest.Entrant{Contestant: c, Execute: execute}, plan, events(work, name))
		t.Logf("%.1f s %s %s%s", time.Since(began).Seconds(), work.Name(), s.Cannot, s.Error)
		if s.Error != "" {
			t.Errorf("%s: %s", work.Name(), s.Error)
		}
		if s.Cannot != "" && name == contestants.HeraldName {
			t.Errorf("%s: Herald can't: %s", work.Name(), s.Cannot)
		}
		if s.Good() {
			done++
		}
	}
	if done == 0 && name != "PerfTest" {
		t.Error("it can do nothing")
	}
}

func TestTools_RatesAreReadFromWhatTheyPrint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broker, tool, output string
		want                 float64
	}{
		"redis-benchmark": {"redis", "redis-benchmark", "\"test\",\"rps\",\"avg_latency_ms\"\n\"XADD t * data x\",\"97465.88\",\"0.28\"\n", 97465.88},
		"PerfTest": {
			"rabbitmq", "PerfTest",
			"id: test-1, time 1.0 s, sent: 9000 msg/s\nid: test-1, sending rate avg: 8512 msg/s\nid: test-1, receiving rate avg: 0 msg/s\n", 8512,
		},
		"producer": {
			"kafka", "Kafka's tools",
			"10 records sent, 5.0 records/sec (1 MB/sec), 3 ms avg latency\n1000 records sent, 2717.391304 records/sec (1.30 MB/sec), 1 ms 99th.\n",
			2717.391304,
		},
		"consumer": {
			"kafka", "Kafka's tools",
			"WARN: deprecated\n2026-01-02 03:04:05:000, 2026-01-02 03:04:06:000, 0.4, 0.4, 1000, 854.7, 600, 570, 0.8, 1754.38\n", 1754.38,
		},
	} {
		tool, ok := contestants.Find(c.broker, c.tool).(contest.Tool)
		if !ok {
			t.Fatalf("%s is no tool", c.tool)
		}
		if got, err := tool.Rate(c.output); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
		if _, err := tool.Rate("it broke"); err == nil {
			t.Errorf("%s: no rate is no error", name)
		}
	}
}
