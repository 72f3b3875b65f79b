package redis

import (
	"bytes"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// appendAdd appends the command that adds a message to a stream; must is whether the stream has to be there. It writes what appendFields gives
// to the client library.
func appendAdd(b []byte, stream string, must bool, m *driver.Message) []byte {
	args := 3 + 2*fieldCount(m)
	if must {
		args++
	}
	b = appendBulk(appendBulk(appendHead(b, '*', args), "xadd"), stream)
	if must {
		b = appendBulk(b, "nomkstream")
	}
	b = appendBulk(b, "*")
	b = appendField(b, driver.HeaderID, m.ID)
	b = appendField(b, driver.HeaderType, m.Type)
	b = appendField(b, driver.HeaderKey, m.Key)
	b = appendField(b, driver.HeaderSlot, slotText[m.Slot%driver.Slots])
	b = appendTime(b, driver.HeaderTime, m.Time)
	b = appendField(b, driver.HeaderContentType, m.ContentType)
	b = appendTime(b, driver.HeaderNotBefore, m.NotBefore)
	for i := range m.Headers {
		b = appendBulk(appendBulk(b, m.Headers[i].Key), m.Headers[i].Value)
	}
	return appendBulk(appendBulk(b, fieldBody), m.Body)
}

// fieldCount is how many fields an entry has: slot and body always, the others where they have a value.
func fieldCount(m *driver.Message) int {
	n := 2 + len(m.Headers)
	for _, is := range [...]bool{m.ID != "", m.Type != "", m.Key != "", !m.Time.IsZero(), m.ContentType != "", !m.NotBefore.IsZero()} {
		if is {
			n++
		}
	}
	return n
}

// appendField appends a field that has a value.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendBulk(appendBulk(b, name), value)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	var text [len("2006-01-02T15:04:05.999999999Z")]byte
	return appendBulk(appendBulk(b, name), t.UTC().AppendFormat(text[:0], time.RFC3339Nano))
}

// appendBulk appends an argument of a command.
func appendBulk[T string | []byte](b []byte, value T) []byte {
	return append(append(appendHead(b, '$', len(value)), value...), '\r', '\n')
}

// added reads the answer to the command that appendAdd writes: the entry's id, or nothing where the stream is not there.
func (l *line) added(e *sendqueue.Entry, raw []byte) (fate driver.Fate, why, err error) {
	missed := missedAt(e.To)
	switch {
	case raw[0] == '$' && !bytes.HasPrefix(raw, noBulk):
		return driver.Stored, nil, nil
	case missed == nil || raw[0] != '$' && raw[0] != '_':
		return 0, nil, errReply
	}
	l.forget(e.To.Topic)
	fate, why = missed()
	return fate, why, nil
}

var noBulk = []byte("$-1")
