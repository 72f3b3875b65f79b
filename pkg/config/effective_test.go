package config_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
)

var update = flag.Bool("update", false, "write the golden files, the schema and the documentation's table anew")

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

func TestTheEffectiveConfigurationShowsEveryOrigin(t *testing.T) {
	t.Parallel()
	loader := config.Loader{
		Code:    "drain_timeout: 10s\ngroups: {billing: {payments: {timeout: none}}}",
		Environ: []string{"HERALD_GROUPS__BILLING__ORDERS__RETRY__LATER=1m,1h", "HERALD_FORM=json", "BROKER_URL=kafka://me:secret@nowhere"},
	}
	c, err := loader.Load("testdata/herald.yaml", "testdata/production.yaml")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/golden/effective.yaml", []byte(c.String()))
	for range 10 {
		if again, err := loader.Load("testdata/herald.yaml", "testdata/production.yaml"); err != nil || again.String() != c.String() {
			t.Fatalf("another text the next time: %v %v", err, again)
		}
	}
}

func TestTheEffectiveConfigurationOfEverything(t *testing.T) {
	t.Parallel()
	c, err := hermetic.Load("testdata/examples/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/golden/everything.yaml", []byte(c.String()))
}

var comment = regexp.MustCompile(`(?m) # .*$`)

// What is printed can be loaded, and is then printed again, origins aside.
func TestTheEffectiveConfigurationIsAFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		everything,
		"broker: memory://",
		"broker: memory://\nservice: '123'\ntopics: {'true': {}, '1': {}, null: {}, a-b.c: {groups: ['no', off, y]}}",
		"broker: memory://\ngroups: {g: {t: {types: ['*', '#', a.*.b, 'a:', '-a', a/b], from: 'after: x # y\"'}}}",
		"broker: memory://\ngroups: {g: {t: {retry: {quick: ['0', .5s, 1m, 100µs], later: ['0', 1h30m]}, from: 2024-01-15T10:30:00Z}}}",
		"broker: memory://\nkafka: {username: 'a, b', tls: {ca_file: \"/a b\\n\\u00e9\"}}",
	} {
		first := parse(t, text)
		second, err := hermetic.Parse("f", []byte(first.String()))
		if err != nil {
			t.Errorf("%s\nprints\n%s\nwhich is no file: %v", text, first, err)
			continue
		}
		if got, want := comment.ReplaceAllString(second.String(), ""), comment.ReplaceAllString(first.String(), ""); got != want {
			t.Errorf("%s\nprints\n%s\nand then\n%s", text, want, got)
		}
	}
}

// The defaults that are printed are pkg/messaging's, which does not export them.
func TestDefaultsAreWhatMessagingUses(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, name := range []string{"config.go", "subscribe_options.go", "policy.go"} {
		text, err := os.ReadFile("../messaging/" + name)
		if err != nil {
			t.Fatal(err)
		}
		source.WriteString(regexp.MustCompile(`[ \t]+`).ReplaceAllString(string(text), " "))
	}
	limits, err := os.ReadFile("../../envelope/limits.go")
	if err != nil {
		t.Fatal(err)
	}
	source.Write(limits)
	defaults := map[string]string{}
	for _, r := range config.Rows() {
		defaults[r.Key] = r.Default
	}
	const sub = "groups.<group>.<topic>."
	for key, want := range map[string]struct{ value, source string }{
		"publish_timeout":     {"30s", "defaultPublishTimeout = 30 * time.Second"},
		"drain_timeout":       {"25s", "defaultDrainTimeout = 25 * time.Second"},
		sub + "concurrency":   {"16", "defaultConcurrency = 16"},
		sub + "window":        {"128", "o.window = max(windowFactor*o.concurrency, 128)"},
		sub + "window_bytes":  {"67108864", "defaultWindowBytes = 64 << 20"},
		sub + "timeout":       {"1m", "defaultTimeout = time.Minute"},
		sub + "quarantine":    {"50", "defaultQuarantine = 50"},
		sub + "retry.quick":   {"[0s, 100ms, 500ms]", "defaultQuick = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}"},
		sub + "retry.later":   {"[10s, 1m, 10m]", "defaultLater = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}"},
		"limits.message":      {"1000000", "DefaultMessage = 1_000_000"},
		"limits.header_bytes": {"65536", "DefaultHeaderBytes = 64 << 10"},
		"limits.header_count": {"128", "DefaultHeaderCount = 128"},
		"limits.nesting":      {"64", "DefaultNesting = 64"},
	} {
		if defaults[key] != want.value {
			t.Errorf("%s: the default is %s, want %s", key, defaults[key], want.value)
		}
		if !strings.Contains(source.String(), want.source) {
			t.Errorf("%s: no longer in the source: %s", key, want.source)
		}
	}
}
