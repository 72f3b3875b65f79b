package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
	"github.com/herald-go/herald/integration/bench/report"
)

// TestMain lets the test's own program be the child.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestParse_RefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"grid":     {"-grid", "huge"},
		"broker":   {"-broker", "nats"},
		"work":     {"-work", "pub"},
		"argument": {"kafka"},
		"flag":     {"-speed", "1"},
		"axis":     {"-grid", "growth", "-axis", "speed"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%s: %v is no error", name, args)
		}
	}
	o, err := parse([]string{"-broker", "kafka", "-work", "startup", "-size", "100"})
	if err != nil {
		t.Fatal(err)
	}
	contests, err := o.contests()
	want := contest.Contest{Broker: "kafka", Work: contest.Startup, Params: contest.Params{Size: 100, Keys: 1000}}
	if err != nil || len(contests) != 1 || contests[0] != want {
		t.Errorf("%+v, %v; want %+v alone", contests, err, want)
	}
}

func TestParse_TakesOneSeries(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-broker", "redis", "-grid", "growth", "-axis", "groups"})
	if err != nil {
		t.Fatal(err)
	}
	contests, err := o.contests()
	var groups []int
	for _, c := range contests {
		groups = append(groups, c.Params.Groups)
	}
	if want := []int{1, 10, 100}; err != nil || !slices.Equal(groups, want) {
		t.Errorf("contests of %v groups, %v, want %v", groups, err, want)
	}
}

func TestChild_AnswersWithWhatWentWrong(t *testing.T) {
	t.Parallel()
	self, err := program()
	if err != nil {
		t.Fatal(err)
	}
	run := inChild(self)
	task := &contest.Task{
		Contest:    contest.Contest{Broker: "redis", Work: contest.Publish1, Params: contest.Usual},
		Contestant: "go-redis", Addr: "127.0.0.1:1", Topic: "bench-none", N: 10,
	}
	if s := run(t.Context(), task); !strings.Contains(s.Error, "connection refused") || s.Contestant != "go-redis" || s.Contest != task.Contest {
		t.Errorf("nobody listens: %+v", s)
	}
	task.Contestant = "nobody"
	if s := run(t.Context(), task); !strings.Contains(s.Error, `there is no contestant "nobody"`) {
		t.Errorf("no such contestant: %+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s := run(ctx, task); !strings.Contains(s.Error, "context canceled") {
		t.Errorf("cancelled: %+v", s)
	}
	if err := child(t.Context(), strings.NewReader("{"), &bytes.Buffer{}); err == nil {
		t.Error("half a task is no error")
	}
}

func TestVersioned_KnowsTheModulesOfThisProgram(t *testing.T) {
	t.Parallel()
	if got := versioned("github.com/redis/go-redis/v9"); !strings.HasPrefix(got, "github.com/redis/go-redis/v9 v9.") {
		t.Errorf("go-redis is %q", got)
	}
	if got := versioned("redis-benchmark"); got != "redis-benchmark" {
		t.Errorf("a tool is %q", got)
	}
}

func TestOutput_IsReadBack(t *testing.T) {
	t.Parallel()
	o := options{out: t.TempDir()}
	out, err := openOutput(o)
	if err != nil {
		t.Fatal(err)
	}
	s := contest.Sample{Contest: contest.Core()[0], Contestant: "Herald", Round: 1, N: 10, Elapsed: time.Second}
	out.line(contest.Line{Machine: &contest.Machine{Cores: 2, OS: "linux", Arch: "amd64"}})
	out.profile(contestants.Find("redis", contestants.HeraldName).Profile())
	out.profile(contestants.Find("redis", contestants.HeraldName).Profile())
	out.sample(s)
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(o.out, resultsFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	got, err := contest.Read(file)
	if err != nil || len(got.Profiles) != 1 || len(got.Samples) != 1 || got.Samples[0] != s || got.Machine.Cores != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	text, err := os.ReadFile(filepath.Join(o.out, textFile))
	want := report.BenchHead(got.Machine) + report.BenchLine(&s, true)
	if err != nil || string(text) != want {
		t.Errorf("%q, %v; want %q", text, err, want)
	}
}

func TestModfile_TakesHeraldFromTheBase(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	modfile := filepath.Join(dir, "go.mod")
	if err := writeModfile(t.Context(), modfile, "/root-of-tree", "/base"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", modfile).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Replace []struct{ Old, New struct{ Path string } }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Replace {
		want := "/base"
		if rest, ok := strings.CutPrefix(r.Old.Path, "github.com/herald-go/herald/"); ok {
			want = "/root-of-tree/" + rest
		}
		if r.New.Path != want {
			t.Errorf("%s is taken from %s, want %s", r.Old.Path, r.New.Path, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "go.sum")); err != nil {
		t.Error(err)
	}
}
