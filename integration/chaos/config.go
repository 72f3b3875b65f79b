package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
)

// Config is a run. Only Broker and Dir are required.
type Config struct {
	// Broker is the kind of broker; Origin asks for "docker" or "local".
	Broker brokers.Kind
	Origin string
	// Dir is the run's folder. What is there of a run that was ended early is kept, and only the rest of Duration is run.
	Dir string
	// Duration is how long the phases warm and faults take together; 60 s by default.
	Duration time.Duration
	// Seed draws the faults; the same seed draws the same ones in the same order. Which goroutine is faster stays open.
	Seed uint64
	// Publishers and Members are how many processes there are; 2 and 3 by default.
	Publishers, Members int
	// Rate is about how many events a second are published; 500 by default.
	Rate int
	// Rows, if there are any, are the only faults that are drawn.
	Rows []string
	// Client names what carries the events: Herald if it is empty, or Watermill. Watermill is hurt by the rows that need nothing of Herald's.
	Client string `json:",omitempty"`
	// Broken makes every process wrong in that way.
	Broken string
	// Log is told what happens; nil is nobody.
	Log io.Writer `json:"-"`
}

// What is the same in every run.
const (
	group      = "workers"
	partitions = 6
	window     = 64
	keys       = 12 // of each publisher
	hastyPause = 25 * time.Millisecond
)

func (c Config) withDefaults() Config {
	for _, n := range []struct {
		field *int
		value int
	}{{&c.Publishers, 2}, {&c.Members, 3}, {&c.Rate, 500}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if c.Duration == 0 {
		c.Duration = time.Minute
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c
}

// Rules returns what runs on a kind of broker are judged by.
func Rules(kind brokers.Kind) history.Rules {
	r := history.Rules{
		Group: group, Window: window, Grace: 12 * time.Second, Strict: true, Recovery: 5 * time.Second, Stall: 15 * time.Second,
		Overrun: 50 * time.Millisecond, OverrunOf: 1000, Memory: 64 << 20,
	}
	if kind == brokers.Kafka {
		// The broker waits for the session of a member that is gone, six seconds here, before it gives its partitions to others.
		r.Grace, r.Recovery = 16*time.Second, 10*time.Second
	}
	r.Streams, r.Partition = streams(kind)
	return r
}

// streams returns by which words members tell of each partition's stream, and where a key lies; RabbitMQ's do not say which of their queues was
// deleted.
func streams(kind brokers.Kind) (names []string, partition func(key string) int) {
	var words string
	switch kind.Adapter() {
	case string(brokers.Kafka):
		words, partition = " partition %d:", func(key string) int { return int(driver.Murmur2(key)&0x7fffffff) % partitions }
	case string(brokers.Redis):
		words, partition = ":%d}", func(key string) int { return int(driver.Slot(key)) * partitions / driver.Slots }
	default:
		return nil, nil
	}
	for p := range partitions {
		names = append(names, fmt.Sprintf(words, p))
	}
	return names, partition
}

// rules are those of the run.
func (c Config) rules() history.Rules {
	r := Rules(c.Broker)
	// A consumer group of Redis gives each entry to whoever asks, and Watermill has nothing above it that keeps a key with one member.
	r.Disordered = c.Client == Watermill && c.Broker.Adapter() == string(brokers.Redis)
	return r
}

// by names the client of a run, where it is not Herald.
func (c Config) by() string {
	if c.Client == "" {
		return ""
	}
	return ", by " + c.Client
}

// planFile is the file of a folder that says what was run there.
const planFile = "run.json"

// save writes down what is run.
func (c Config) save(dir string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, planFile), append(text, '\n'), 0o644)
}

// Load reads what was run in a folder.
func Load(dir string) (Config, error) {
	var c Config
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	if c.Broker == "" {
		return c, errors.New(planFile + " names no broker")
	}
	c.Dir = dir
	return c.withDefaults(), nil
}
