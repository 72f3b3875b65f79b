package rabbitmq_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// table is a content header from its flags on, with these headers alone.
func table(headers string) string {
	n := len(headers)
	return "\x20\x00" + string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + headers
}

// Each type of a header's value is read as amqp091 reads it.
func TestHeadersOfEachTypeAreRead(t *testing.T) {
	t.Parallel()
	for want, field := range map[string]string{
		"text":                 "S\x00\x00\x00\x04text",
		"true":                 "t\x01",
		"-1":                   "b\xff",
		"255":                  "B\xff",
		"-2":                   "s\xff\xfe",
		"65534":                "u\xff\xfe",
		"-3":                   "I\xff\xff\xff\xfd",
		"4294967293":           "i\xff\xff\xff\xfd",
		"-4":                   "l\xff\xff\xff\xff\xff\xff\xff\xfc",
		"1.5":                  "f\x3f\xc0\x00\x00",
		"2.5":                  "d\x40\x04\x00\x00\x00\x00\x00\x00",
		"-0.05":                "D\x02\xff\xff\xff\xfb",
		"AP8=":                 "x\x00\x00\x00\x02\x00\xff",
		"2026-01-02T15:04:05Z": "T\x00\x00\x00\x00\x69\x57\xde\x65",
		"[null,7]":             "A\x00\x00\x00\x03VB\x07",
		`{"a":{"b":null}}`:     "F\x00\x00\x00\x0a\x01aF\x00\x00\x00\x03\x01bV",
		"null":                 "V",
	} {
		m, whole := rabbitmq.Properties(table("\x01h" + field))
		if len(m.Headers) != 1 || m.Headers[0] != (driver.Header{Key: "h", Value: want}) || !whole {
			t.Errorf("%q is %v (%v), want %s", field, m.Headers, whole, want)
		}
	}
}

// A table that breaks off costs neither the message nor its other properties: what can't be read is kept as it is.
func TestUnreadableHeadersAreKept(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("A\x00\x00\x00\x05", 40)
	for name, broken := range map[string]string{
		"a type that nobody knows":  "\x01x?",
		"a text that is cut short":  "\x01xS\x00\x00\x00\x09abc",
		"an array that is too deep": "\x01x" + deep,
		"a name that is cut short":  "\x09x",
		"a length beyond all":       "\x01xS\xff\xff\xff\xff",
	} {
		headers := "\x01aS\x00\x00\x00\x01b" + broken
		text := table(headers)
		text = "\x20\x80" + text[2:] + "\x02id"
		m, whole := rabbitmq.Properties(text)
		want := []driver.Header{{Key: "a", Value: "b"}, {Key: "amqp-headers-unread", Value: base64.StdEncoding.EncodeToString([]byte(broken))}}
		if !whole || m.ID != "id" || len(m.Headers) != 2 || m.Headers[0] != want[0] || m.Headers[1] != want[1] {
			t.Errorf("%s: %+v (%v), want %v", name, m, whole, want)
		}
	}
}

func FuzzProperties(f *testing.F) {
	f.Add(table("\x01hS\x00\x00\x00\x04text"))
	f.Add("\xff\xf8\x01c\x01e\x00\x00\x00\x04\x01hV\x02\x03\x01c\x01r\x01x\x01i\x00\x00\x00\x00\x00\x00\x00\x01\x01t\x01u\x01a")
	f.Add(table("\x01x" + strings.Repeat("A\x00\x00\x00\x05", 40)))
	f.Fuzz(func(t *testing.T, text string) {
		m, _ := rabbitmq.Properties(text)
		again, _ := rabbitmq.Properties(text)
		if m.ID != again.ID || len(m.Headers) != len(again.Headers) || m.Slot >= driver.Slots {
			t.Errorf("%q is read as %+v and as %+v", text, m, again)
		}
	})
}
