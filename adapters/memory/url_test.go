package memory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
)

func TestParseURLReadsEveryParameter(t *testing.T) {
	t.Parallel()
	got, err := memory.ParseURL("memory://?like=redis&max_count=1&max_bytes=2&max_age=3s&max_message=4")
	if err != nil {
		t.Fatal(err)
	}
	want := memory.Config{Like: memory.LikeRedis, MaxCount: 1, MaxBytes: 2, MaxAge: 3 * time.Second, MaxMessage: 4}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseURLExplainsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"memory://?max_cuont=1":             "known are like, max_age, max_bytes, max_count, max_message",
		"memory://?max_count=1&max_count=2": "given 2 times",
		"memory://?max_count=many":          "max_count",
		"memory://?max_age=1":               "max_age",
		"memory://?max_bytes=-1":            "max_bytes is negative",
		"memory://?like=nats":               "rabbitmq, kafka, redis",
		"memory://shared":                   "OpenServer",
		"memory:///shared":                  "OpenServer",
		"memory:shared":                     "OpenServer",
		"kafka://":                          "memory://",
	} {
		if _, err := memory.ParseURL(url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", url, err, want)
		}
	}
}

func TestNewServerRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, cfg := range []memory.Config{
		{Like: "nats"},
		{MaxCount: -1},
		{MaxBytes: -1},
		{MaxAge: -1},
		{MaxMessage: -1},
		{Grace: -1},
		{Queue: -1},
		{QueueBytes: -1},
		{Faults: memory.Faults{Refuse: 1.1}},
		{Faults: memory.Faults{Cut: -0.1}},
		{Faults: memory.Faults{Delay: -1}},
	} {
		if _, err := memory.NewServer(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}
