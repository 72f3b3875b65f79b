package redis_test

import (
	"encoding/json"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/wire/exchange"
)

// plain is a program on go-redis alone.
type plain struct {
	addr string
	key  func(topic string) string
}

// entry is what the scripts of the other languages print, too.
type entry struct {
	Fields [][2]string `json:"fields"`
}

func (p plain) client(t *testing.T) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: p.addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (p plain) Prepare(*testing.T, string) {}

func (p plain) Read(t *testing.T, topic string, n int) []json.RawMessage {
	t.Helper()
	reply, err := p.client(t).Do(t.Context(), "XRANGE", p.key(topic), "-", "+", "COUNT", n).Slice()
	if err != nil {
		t.Fatal(err)
	}
	var entries []json.RawMessage
	for _, item := range reply {
		pair, _ := item.([]any)
		fields, _ := pair[1].([]any)
		var e entry
		for i := 0; i+1 < len(fields); i += 2 {
			name, _ := fields[i].(string)
			value, _ := fields[i+1].(string)
			e.Fields = append(e.Fields, [2]string{exchange.Encode([]byte(name)), exchange.Encode([]byte(value))})
		}
		entries = append(entries, exchange.Raw(t, e))
	}
	if len(entries) != n {
		t.Fatalf("%d of %d entries are there", len(entries), n)
	}
	return entries
}

func (p plain) Publish(t *testing.T, topic string, entries []json.RawMessage) {
	t.Helper()
	client := p.client(t)
	for _, raw := range entries {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		args := []any{"XADD", p.key(topic), "*"}
		for _, field := range e.Fields {
			args = append(args, exchange.Decode(t, field[0]), exchange.Decode(t, field[1]))
		}
		if err := client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
