package contest_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
)

func TestSpreadOf_IsTheLeastTheMiddleAndTheMost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []float64
		want   contest.Spread
	}{
		"none": {nil, contest.Spread{}},
		"one":  {[]float64{3}, contest.Spread{Min: 3, Median: 3, Max: 3}},
		"odd":  {[]float64{5, 1, 3}, contest.Spread{Min: 1, Median: 3, Max: 5}},
		"even": {[]float64{4, 1, 3, 2}, contest.Spread{Min: 1, Median: 2.5, Max: 4}},
	} {
		if got := contest.SpreadOf(c.values); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

var some = contest.Contest{Broker: "redis", Work: contest.Pipelined, Params: contest.Usual}

// at is a sample of a thousand events that took so long.
func at(name string, round int, took time.Duration) contest.Sample {
	return contest.Sample{Contest: some, Contestant: name, Round: round, N: 1000, Elapsed: took}
}

func TestRatio_ComparesRoundWithRound(t *testing.T) {
	t.Parallel()
	// The machine is twice as slow in the second round: for both. In the third the bare client failed.
	r := &contest.Results{Samples: []contest.Sample{
		at("raw", 1, time.Second), at("herald", 1, 2*time.Second), at("raw", 2, 2*time.Second), at("herald", 2, 4*time.Second),
		{Contest: some, Contestant: "raw", Round: 3, Error: "lost"},
		at("herald", 3, time.Second),
	}}
	if got, want := r.Ratio(some, "herald", "raw", contest.Rate), (contest.Spread{Min: 0.5, Median: 0.5, Max: 0.5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.Ratio(some, "herald", "nobody", contest.Rate); got != (contest.Spread{}) {
		t.Errorf("without a basis it is %v", got)
	}
}

func TestBasis_IsTheQuickestBareClient(t *testing.T) {
	t.Parallel()
	r := &contest.Results{
		Profiles: []contest.Profile{
			{Name: "slow", Broker: "redis", Raw: true}, {Name: "quick", Broker: "redis", Raw: true}, {Name: "peer", Broker: "redis"},
		},
		Samples: []contest.Sample{at("slow", 1, 2*time.Second), at("quick", 1, time.Second), at("peer", 1, time.Millisecond)},
	}
	if got := r.Basis(some); got != "quick" {
		t.Errorf("it is %q", got)
	}
}

func TestEvents_CarryNumbersTimesAndKeys(t *testing.T) {
	t.Parallel()
	now := time.Unix(7, 9)
	body := contest.Body(100, 42, now)
	if len(body) != 100 || contest.Number(body) != 42 || !contest.Stamp(body).Equal(now) {
		t.Errorf("%d bytes, number %d, stamp %v", len(body), contest.Number(body), contest.Stamp(body))
	}
	if contest.Number(nil) != -1 || !contest.Stamp(nil).IsZero() {
		t.Error("a body of others has a number or a time")
	}
	events := contest.NewEvents(&contest.Task{Contest: contest.Contest{Params: contest.Params{Size: 16, Keys: 1 << 20}}})
	seen := map[string]bool{}
	for i := range 1 << 20 {
		seen[events.Key(i)] = true
	}
	if len(seen) != 1<<20 || events.Key(1<<20) != events.Key(0) {
		t.Errorf("%d keys", len(seen))
	}
}

func TestChoose_TakesBrokersAndTheFrontsOfWorks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		brokers, works []string
		want           int
	}{
		"all":        {[]string{"all"}, []string{"all"}, 33},
		"a broker":   {[]string{"kafka"}, []string{"all"}, 11},
		"a front":    {[]string{"kafka", "redis"}, []string{"publish"}, 10},
		"a work":     {[]string{"all"}, []string{contest.Consume}, 3},
		"not a work": {[]string{"all"}, []string{"pub"}, 0},
	} {
		if got := contest.Choose(contest.Core(), c.brokers, c.works); len(got) != c.want {
			t.Errorf("%s: %d contests, want %d", name, len(got), c.want)
		}
	}
}

func TestGrids_NameEachContestOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range contest.All() {
		if name := c.Name() + c.Axis; seen[name] {
			t.Errorf("%s stands there twice", name)
		} else {
			seen[name] = true
		}
		if c.Axis != "" && c.Value() == 0 {
			t.Errorf("%s has no value", c.Name())
		}
		if c.Broker == "rabbitmq" && c.Params.Topics > 100 {
			t.Errorf("%s takes the broker minutes", c.Name())
		}
	}
}

func TestRead_TakesWhatLinesSay(t *testing.T) {
	t.Parallel()
	lines := `{"Machine":{"Cores":2}}
{"Profile":{"Name":"a","Broker":"redis","Settings":"old"}}
{"Profile":{"Name":"a","Broker":"redis","Settings":"new"}}
{"Sample":{"Contestant":"a","N":3}}`
	got, err := contest.Read(strings.NewReader(lines))
	want := &contest.Results{
		Machine:  contest.Machine{Cores: 2},
		Profiles: []contest.Profile{{Name: "a", Broker: "redis", Settings: "new"}},
		Samples:  []contest.Sample{{Contestant: "a", N: 3}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	again := lines + `
{"Machine":{"Cores":4,"Busy":true}}
{"Sample":{"Contestant":"a","N":5}}
{"Sample":{"Contestant":"b","N":6}}
{"Sample":{"Contest":{"Broker":"kafka"},"Contestant":"a","N":7}}`
	got, err = contest.Read(strings.NewReader(again))
	want.Machine.Busy = true
	want.Samples = []contest.Sample{{Contestant: "a", N: 5}, {Contestant: "b", N: 6}, {Contest: contest.Contest{Broker: "kafka"}, Contestant: "a", N: 7}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a second run: got %+v, %v; want %+v", got, err, want)
	}
	if _, err := contest.Read(strings.NewReader("{")); err == nil {
		t.Error("half a line is no error")
	}
}

func TestCannot_IsFoundAndSaysWhy(t *testing.T) {
	t.Parallel()
	err := contest.Cannot("it only reads")
	if !errors.Is(err, contest.ErrCannot) || err.Error() != "it only reads" {
		t.Errorf("%v", err)
	}
}

func TestDialer_GoesRoundWhatForwardsThePort(t *testing.T) {
	t.Parallel()
	var dialled []string
	task := &contest.Task{Addr: "127.0.0.1:9092", Via: "172.17.0.2:9092", Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, errors.ErrUnsupported
	}}
	for _, address := range []string{"127.0.0.1:9092", "127.0.0.1:5672"} {
		if _, err := task.Dialer()(t.Context(), "tcp", address); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if want := []string{"172.17.0.2:9092", "127.0.0.1:5672"}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %v, want %v", dialled, want)
	}
}

// fake is a contestant in memory whose turns cost what a test says.
type fake struct {
	contest.Contestant
	name string
	raw  bool
	log  *[]string
}

func (f fake) Profile() contest.Profile { return contest.Profile{Name: f.name, Raw: f.raw} }

func (f fake) Prepare(_ context.Context, _ *contest.Task, _ *contest.Events) error {
	*f.log = append(*f.log, "prepare "+f.name)
	return nil
}

func (f fake) Clean(context.Context, *contest.Task) error {
	*f.log = append(*f.log, "clean "+f.name)
	return nil
}
