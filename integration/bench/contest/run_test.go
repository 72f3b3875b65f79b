package contest_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
)

// doing executes tasks at a rate, and notes them.
func doing(log *[]string, rate float64) contest.Execute {
	return func(_ context.Context, t *contest.Task) contest.Sample {
		*log = append(*log, fmt.Sprintf("%s %d", t.Contestant, t.N))
		return contest.Sample{Contest: t.Contest, Contestant: t.Contestant, N: t.N, Elapsed: time.Duration(float64(t.N) / rate * 1e9), Rate: rate}
	}
}

func TestRun_LetsContestantsTakeTurnsAfterARoundThatIsNotTold(t *testing.T) {
	t.Parallel()
	var log, prepared []string
	a, b := fake{name: "a", log: &prepared}, fake{name: "b", log: &prepared}
	var told []string
	err := contest.Run(t.Context(), some, []contest.Entrant{
		{Contestant: a, Execute: doing(&log, 10_000)}, {Contestant: b, As: "other", Execute: doing(&log, 20_000)},
	}, contest.Plan{Rounds: 3, For: time.Second, Sample: func(s contest.Sample) { told = append(told, fmt.Sprintf("%s %d", s.Contestant, s.Round)) }})
	if err != nil {
		t.Fatal(err)
	}
	// Five thousand events find the rate; then each does what it can in a second, and another one begins each round.
	if want := []string{"a 5000", "b 5000", "a 10000", "b 20000", "b 20000", "a 10000", "a 10000", "b 20000"}; !reflect.DeepEqual(log, want) {
		t.Errorf("turns %v, want %v", log, want)
	}
	if want := []string{"a 1", "other 1", "other 2", "a 2", "a 3", "other 3"}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if want := []string{"prepare a", "clean a"}; !slices.Equal(prepared[:2], want) || len(prepared) != 16 {
		t.Errorf("%d preparations and cleanings: %v", len(prepared), prepared)
	}
}

func TestRun_GivesLargeContestsFewRounds(t *testing.T) {
	t.Parallel()
	for params, want := range map[contest.Params]int{{Groups: 10}: 4, {Topics: 99}: 4, {Groups: 100}: 2, {Topics: 1000}: 2} {
		var log, prepared []string
		told := 0
		c := some
		c.Params.Topics, c.Params.Groups = params.Topics, params.Groups
		err := contest.Run(t.Context(), c, []contest.Entrant{{Contestant: fake{name: "a", log: &prepared}, Execute: doing(&log, 10_000)}},
			contest.Plan{Rounds: 4, Sample: func(contest.Sample) { told++ }})
		if err != nil || told != want {
			t.Errorf("%+v has %d rounds, %v, want %d", params, told, err, want)
		}
	}
}

func TestRun_LeavesOutWhoCannot(t *testing.T) {
	t.Parallel()
	var log, prepared []string
	var told []contest.Sample
	cannot := func(_ context.Context, t *contest.Task) contest.Sample {
		return contest.Sample{Contest: t.Contest, Contestant: t.Contestant, Cannot: "it only reads"}
	}
	err := contest.Run(t.Context(), some, []contest.Entrant{
		{Contestant: fake{name: "a", log: &prepared}, Execute: cannot}, {Contestant: fake{name: "b", log: &prepared}, Execute: doing(&log, 1000)},
	}, contest.Plan{Rounds: 2, Sample: func(s contest.Sample) { told = append(told, s) }})
	if err != nil || len(told) != 3 || told[0].Cannot != "it only reads" || !told[2].Good() {
		t.Errorf("%v; told %+v", err, told)
	}
}

func TestRun_MeasuresLatenciesAtOneLoad(t *testing.T) {
	t.Parallel()
	for work, want := range map[string]map[string]float64{
		contest.Latency:     {"raw": 500, "quick": 500, "slow": 500}, // half of the slowest
		contest.LatencyHigh: {"raw": 2000, "quick": 2000, "slow": 0}, // half of the bare client; the slowest is out
	} {
		loads := map[string]float64{}
		rates := map[string]float64{"raw": 4000, "quick": 8000, "slow": 1000}
		var prepared []string
		var entrants []contest.Entrant
		for _, name := range []string{"raw", "quick", "slow"} {
			entrants = append(entrants, contest.Entrant{
				Contestant: fake{name: name, raw: name == "raw", log: &prepared},
				Execute: func(_ context.Context, t *contest.Task) contest.Sample {
					if t.Rate > 0 {
						loads[name] = t.Rate
					}
					return contest.Sample{Contest: t.Contest, Contestant: name, N: t.N, Elapsed: time.Second, Rate: rates[name]}
				},
			})
		}
		c := contest.Contest{Broker: "redis", Work: work, Params: contest.Usual}
		if err := contest.Run(t.Context(), c, entrants, contest.Plan{Rounds: 1}); err != nil {
			t.Fatal(err)
		}
		for name, load := range want {
			if loads[name] != load {
				t.Errorf("%s: the load of %s is %v, want %v", work, name, loads[name], load)
			}
		}
	}
}

func TestRun_GoesOnWithoutWhoFailsTwice(t *testing.T) {
	t.Parallel()
	turns := map[string]int{}
	// It fails in its third turn and in all from the fifth on.
	failing := func(_ context.Context, t *contest.Task) contest.Sample {
		turns[t.Contestant]++
		s := contest.Sample{Contest: t.Contest, Contestant: t.Contestant, N: t.N, Elapsed: time.Second}
		if n := turns[t.Contestant]; t.Contestant == "bad" && (n == 3 || n >= 5) {
			s.Error = "lost"
		}
		return s
	}
	var told, prepared []string
	err := contest.Run(t.Context(), some, []contest.Entrant{
		{Contestant: fake{name: "bad", log: &prepared}, Execute: failing}, {Contestant: fake{name: "good", log: &prepared}, Execute: failing},
	}, contest.Plan{Rounds: 6, Sample: func(s contest.Sample) { told = append(told, fmt.Sprintf("%s %d %s", s.Contestant, s.Round, s.Error)) }})
	want := []string{
		"bad 1 ", "good 1 ", "good 2 ", "bad 2 lost", "bad 3 ", "good 3 ", "good 4 ", "bad 4 lost", "good 5 ", "good 6 ",
	}
	if err != nil || !slices.Equal(told, want) {
		t.Errorf("%v; told %q, want %q", err, told, want)
	}
}

func TestRun_GivesMoreEventsWhereTheFirstRoundTookNoTime(t *testing.T) {
	t.Parallel()
	var log, prepared []string
	turn := 0
	warming := func(_ context.Context, t *contest.Task) contest.Sample {
		log = append(log, fmt.Sprint(t.N))
		turn++
		rate := 10_000.0
		if turn > 1 {
			rate = 1e6
		}
		return contest.Sample{Contest: t.Contest, N: t.N, Elapsed: time.Duration(float64(t.N) / rate * 1e9)}
	}
	err := contest.Run(t.Context(), some, []contest.Entrant{{Contestant: fake{name: "a", log: &prepared}, Execute: warming}}, contest.Plan{Rounds: 4, For: time.Second})
	if want := []string{"5000", "10000", "40000", "160000", "400000"}; err != nil || !slices.Equal(log, want) {
		t.Errorf("%v; turns of %v, want %v", err, log, want)
	}
}
