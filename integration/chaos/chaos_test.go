package chaos_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/chaos"
)

func TestMain(m *testing.M) {
	chaos.Child()
	os.Exit(m.Run())
}

// The variables that change the run of the tests. Flags of their own would keep packages from following them on the command line.
const (
	durationVariable = "HERALD_CHAOS_DURATION"
	seedVariable     = "HERALD_CHAOS_SEED"
	dirVariable      = "HERALD_CHAOS_DIR"
)

func TestRabbitMQ(t *testing.T) { hurt(t, brokers.RabbitMQ, 1) }

func TestKafka(t *testing.T) { hurt(t, brokers.Kafka, 1) }

func TestRedis(t *testing.T) { hurt(t, brokers.Redis, 1) }

// kept is where histories stay, from this folder.
const kept = "../../.cache/chaos"

// hurt runs one broker's faults anew. The history stays, so that it can be judged again.
func hurt(t *testing.T, kind brokers.Kind, seed uint64) {
	t.Attr("suite", "chaos")
	t.Attr("broker", kind.Adapter())
	cfg := chaos.Config{Broker: kind, Seed: seed, Duration: time.Minute, Log: t.Output()}
	if text := os.Getenv(durationVariable); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", durationVariable, err)
		}
		cfg.Duration = d
	}
	if text := os.Getenv(seedVariable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
		cfg.Seed = n
	}
	dir := kept
	if given := os.Getenv(dirVariable); given != "" {
		dir = given
	}
	cfg.Dir = filepath.Join(dir, string(kind)+"-"+strconv.FormatUint(cfg.Seed, 10))
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	result, err := chaos.Run(t.Context(), cfg)
	if errors.Is(err, brokers.ErrAbsent) {
		absent(t, kind, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	version, origin, _ := strings.Cut(strings.TrimPrefix(result.Origin, string(kind)+" "), " (")
	t.Attr("version", version)
	t.Attr("origin", strings.TrimSuffix(origin, ")"))
	t.Log(result)
	if !result.OK() {
		t.Error("the history violates what Herald promises")
	}
}

// absent ends a test whose broker can't be had.
func absent(t *testing.T, kind brokers.Kind, why error) {
	t.Helper()
	t.Attr("why", strings.ReplaceAll(why.Error(), "\n", "; "))
	if required := strings.Split(os.Getenv(brokers.RequireVariable), ","); slices.Contains(required, string(kind)) {
		t.Fatalf("%s is required by %s: %v", kind, brokers.RequireVariable, why)
	}
	t.Skip(why)
}
