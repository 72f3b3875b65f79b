package exchange

import (
	"encoding/json"
	"testing"

	"github.com/herald-go/herald/integration/wire/foreign"
)

// Script is a Client that is a script in another language.
type Script struct {
	// Open returns the script, as foreign.Node and foreign.Python do.
	Open func(t *testing.T) *foreign.Script
	// URL is what the script takes as the broker's address.
	URL string
	// Prepares tells that the script knows the task "prepare".
	Prepares bool
	// Key returns what else names the topic at the broker; nil is nothing.
	Key func(topic string) string
}

func (s Script) task(do, topic string) map[string]any {
	task := map[string]any{"do": do, "url": s.URL, "topic": topic}
	if s.Key != nil {
		task["key"] = s.Key(topic)
	}
	return task
}

// Prepare implements Client.
func (s Script) Prepare(t *testing.T, topic string) {
	t.Helper()
	if s.Prepares {
		s.Open(t).Run(s.task("prepare", topic), nil)
	}
}

// Read implements Client.
func (s Script) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	task := s.task("read", topic)
	task["count"] = n
	var messages []json.RawMessage
	s.Open(t).Run(task, &messages)
	return messages
}

// Publish implements Client.
func (s Script) Publish(t *testing.T, topic string, messages []json.RawMessage) {
	t.Helper()
	task := s.task("publish", topic)
	task["messages"] = messages
	s.Open(t).Run(task, nil)
}
