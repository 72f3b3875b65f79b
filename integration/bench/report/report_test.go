package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/report"
)

var update = flag.Bool("update", false, "write the golden files")

// results are made up: two rounds of three works, and a series.
func results() *contest.Results {
	r := &contest.Results{
		Machine: contest.Machine{
			When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), OS: "linux", Arch: "amd64", Go: "go1.26", Cores: 2, Load: "0.10 0.20 0.30", Rounds: 2,
			Brokers: map[string]string{"redis": "8.0.2 (docker)"}, Busy: true,
		},
		Profiles: []contest.Profile{
			{Name: "Peer", Broker: "redis", Library: "peer v1", Settings: "defaults", Weaker: "no promise"},
			{Name: "Raw", Broker: "redis", Library: "raw v2", Settings: "pipelines", Raw: true},
			{Name: "Herald", Broker: "redis", Library: "herald", Settings: "window 1,000"},
		},
	}
	add := func(c contest.Contest, name string, ms ...int) {
		for i, took := range ms {
			took := time.Duration(took) * time.Millisecond
			r.Samples = append(r.Samples, contest.Sample{
				Contest: c, Contestant: name, Round: i + 1, N: 1000, Elapsed: took, CPU: took / 10, Mallocs: 3000, Bytes: 512_000, Reads: 20, Writes: 10, Peak: 20 << 20,
				P50: took / 100, P99: took / 50, P999: took / 20,
			})
		}
	}
	usual := contest.Contest{Broker: "redis", Work: contest.Pipelined, Params: contest.Usual}
	add(usual, "Raw", 100, 200)
	add(usual, "Herald", 80, 220)
	r.Samples = append(r.Samples, contest.Sample{Contest: usual, Contestant: "Peer", Cannot: "Publish waits for each message"})
	r.Samples = append(r.Samples, contest.Sample{Contest: usual, Contestant: "Herald", Round: 3, Error: "the connection was lost\nat once"})
	alone := usual
	alone.Work = contest.Retried
	add(alone, "Herald", 100, 200)
	late := usual
	late.Work = contest.Latency
	add(late, "Raw", 100, 100)
	add(late, "Herald", 150, 110)
	begin := usual
	begin.Work = contest.Startup
	add(begin, "Herald", 30, 50)
	for _, keys := range []int{1, 1000, 1_000_000} {
		c := usual
		c.Params.Keys, c.Axis = keys, "keys"
		add(c, "Raw", 100)
		add(c, "Herald", 100+keys/10_000)
	}
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v; run with -update and look at the difference; got\n%s", path, err, got)
	}
}

func TestMarkdown_IsTheGoldenPage(t *testing.T) {
	t.Parallel()
	golden(t, "page.md", report.Markdown(results(), "Herald"))
}

func TestPlots_AreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	plots := report.Plots(results(), "Herald")
	for _, name := range []string{"bench-redis.svg", "bench-redis-publish-pipelined-keys.svg"} {
		golden(t, name, plots[name])
	}
	if len(plots) != 2 {
		t.Errorf("%d plots", len(plots))
	}
}

func TestBenchLine_IsWhatBenchstatReads(t *testing.T) {
	t.Parallel()
	s := results().Samples[0]
	want := "BenchmarkContest/broker=redis/work=publish-pipelined/size=512/keys=1000/contestant=Raw 1 100000.0 ns/op " +
		"1e+04 cpu-ns/op 512 B/op 3 allocs/op 0.01 writes/op 0.02 reads/op 2.097e+07 peak-bytes 1e+06 p50-ns 2e+06 p99-ns 5e+06 p999-ns\n"
	if got := report.BenchLine(&s, true); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := report.BenchLine(&contest.Sample{Error: "lost"}, true); got != "" {
		t.Errorf("a sample without figures is %q", got)
	}
}

func TestReplace_LeavesTheRestOfThePage(t *testing.T) {
	t.Parallel()
	page := "before\n" + report.Begin + "\nold\n" + report.End + "\nafter\n"
	got, err := report.Replace(page, "new\n")
	if want := strings.Replace(page, "old", "new", 1); err != nil || got != want {
		t.Errorf("%v, got %q, want %q", err, got, want)
	}
	if _, err := report.Replace("a page", "new"); err == nil {
		t.Error("a page without the lines is no error")
	}
}

func TestWrite_RendersThePageAndItsPlots(t *testing.T) {
	t.Parallel()
	docs := t.TempDir()
	page := filepath.Join(docs, "performance.md")
	if err := os.WriteFile(page, []byte(report.Begin+"\n"+report.End+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.Write(docs, results(), "Herald"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "### Side by side on Redis") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := os.Stat(filepath.Join(docs, "img", "bench-redis.svg")); err != nil {
		t.Error(err)
	}
}
