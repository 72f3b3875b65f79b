package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

var update = flag.Bool("update", false, "write the golden files anew")

// patience bounds each wait for a message.
const patience = time.Minute

// Client is a foreign client of one broker.
type Client interface {
	// Prepare makes a place that holds what comes to the topic from now on, where the broker needs one.
	Prepare(t *testing.T, topic string)
	// Read returns the first n messages of the topic, as JSON that holds nothing that differs from run to run.
	Read(t *testing.T, topic string, n int) []json.RawMessage
	// Publish writes messages that Read has returned.
	Publish(t *testing.T, topic string, messages []json.RawMessage)
}

// Forms are the wire forms that Herald can write.
func Forms() []string {
	return []string{envelope.Binary.Name(), envelope.JSON.Name(), envelope.CloudEvents.Name(), envelope.CloudEventsStructured.Name()}
}

// Both tests a form both ways between Herald at the URL and a client. The golden file is testdata/<form>.json of the calling package.
func Both(t *testing.T, url, form string, client Client) {
	t.Helper()
	events := Events()
	golden := filepath.Join("testdata", form+".json")

	topic := Topic("out")
	broker := Open(t, url, messaging.Config{Form: form, Topics: []messaging.Topic{spec(url, topic, "kept")}})
	client.Prepare(t, topic)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := broker.Publish(ctx, topic, events...); err != nil {
		t.Fatal(err)
	}
	compare(t, golden, client.Read(t, topic, len(events)))

	back := Topic("back")
	received := Collect(t, url, back)
	client.Publish(t, back, load(t, golden))
	var got []envelope.Event
	for _, d := range received(len(events)) {
		if d.Foreign {
			t.Errorf("event %s is foreign", d.ID)
		}
		got = append(got, d.Event)
	}
	if got, want := Text(t, got), Text(t, events); got != want {
		t.Errorf("what came back:\n%s\nwant:\n%s", got, want)
	}
}

// spec describes a topic that keeps the order of all its events: on Kafka, which alone spreads a topic unasked, it has one partition.
func spec(url, topic string, groups ...string) messaging.Topic {
	t := messaging.Topic{Name: topic, Groups: groups}
	if strings.HasPrefix(url, "kafka") {
		t.Partitions = 1
	}
	return t
}

// Topic returns a name that no other run has.
func Topic(prefix string) string { return fmt.Sprintf("wire.%s.%08x", prefix, rand.Uint32()) }

// Open opens a broker that is closed at the end of the test.
func Open(t *testing.T, url string, cfg messaging.Config) *messaging.Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	broker, err := adapters.Open(ctx, url, messaging.WithConfig(cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return broker
}

// Collect subscribes a group to a topic of one partition and returns a function that waits for the next n events, in the order in which they
// came.
func Collect(t *testing.T, url, topic string) func(n int) []*messaging.Delivery {
	t.Helper()
	broker := Open(t, url, messaging.Config{Topics: []messaging.Topic{spec(url, topic)}})
	deliveries := make(chan *messaging.Delivery)
	handler := messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		select {
		case deliveries <- d:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if _, err := broker.Subscribe(t.Context(), topic, handler, messaging.Group("readers"), messaging.Concurrency(1)); err != nil {
		t.Fatal(err)
	}
	return func(n int) []*messaging.Delivery {
		t.Helper()
		var got []*messaging.Delivery
		timeout := time.After(patience)
		for len(got) < n {
			select {
			case d := <-deliveries:
				got = append(got, d)
			case <-timeout:
				t.Fatalf("%d of %d events came", len(got), n)
			}
		}
		return got
	}
}

// DeadLetter waits for the first dead letter of the group that Collect subscribes.
func DeadLetter(t *testing.T, url, topic string) *messaging.DeadLetter {
	t.Helper()
	broker := Open(t, url, messaging.Config{})
	check := time.NewTicker(200 * time.Millisecond)
	defer check.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		for letter, err := range broker.DeadLetters(ctx, topic, "readers") {
			if err == nil {
				return letter
			}
			last = err // the log of dead letters does not exist before the first
		}
		select {
		case <-check.C:
		case <-ctx.Done():
		}
	}
	t.Fatalf("no dead letter: %v", last)
	return nil
}

func compare(t *testing.T, path string, got []json.RawMessage) {
	t.Helper()
	text := format(t, got)
	if *update {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s differs; what was read:\n%s", path, text)
	}
}

func load(t *testing.T, path string) []json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var messages []json.RawMessage
	if err := json.Unmarshal(text, &messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

// format writes messages with their members in the order of their names.
func format(t *testing.T, messages []json.RawMessage) []byte {
	t.Helper()
	values := []any{}
	for _, m := range messages {
		decoder := json.NewDecoder(bytes.NewReader(m))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(values); err != nil {
		t.Fatal(err)
	}
	return slices.Clip(text.Bytes())
}
