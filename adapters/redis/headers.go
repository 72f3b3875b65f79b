package redis

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// fieldBody is the field of an entry that holds the body. It is the last one of an entry that Herald writes, and in any entry the last field
// of this name is meant, so that a header may be called the same.
//
// An entry reads like this, attributes without a value left out:
//
//	herald-id herald-type herald-key herald-slot herald-time content-type <headers…> data
const fieldBody = "data"

var slotText = func() (all [driver.Slots]string) {
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}()

// stamp is a time as an argument of a command.
type stamp struct {
	time time.Time
	text [len("2006-01-02T15:04:05.999999999Z")]byte
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (s *stamp) MarshalBinary() ([]byte, error) {
	return s.time.UTC().AppendFormat(s.text[:0], time.RFC3339Nano), nil
}

// payload is a body as an argument of a command: a pointer to it needs no allocation.
type payload []byte

// MarshalBinary implements encoding.BinaryMarshaler.
func (p *payload) MarshalBinary() ([]byte, error) { return *p, nil }

// The names of fields, as arguments.
var (
	nameID, nameType, nameKey, nameSlot, nameTime = any(driver.HeaderID), any(driver.HeaderType), any(driver.HeaderKey), any(driver.HeaderSlot),
		any(driver.HeaderTime)
	nameContentType, nameNotBefore, nameBody = any(driver.HeaderContentType), any(driver.HeaderNotBefore), any(fieldBody)
)

// appendFields appends the fields of an entry. The arguments point into m, t and p.
func appendFields(args []any, m *driver.Message, t *stamp, p *payload) []any {
	if m.ID != "" {
		args = append(args, nameID, &m.ID)
	}
	if m.Type != "" {
		args = append(args, nameType, &m.Type)
	}
	if m.Key != "" {
		args = append(args, nameKey, &m.Key)
	}
	args = append(args, nameSlot, &slotText[m.Slot%driver.Slots])
	if !m.Time.IsZero() {
		t.time = m.Time
		args = append(args, nameTime, t)
	}
	if m.ContentType != "" {
		args = append(args, nameContentType, &m.ContentType)
	}
	if !m.NotBefore.IsZero() {
		args = append(args, nameNotBefore, &stamp{time: m.NotBefore})
	}
	for i := range m.Headers {
		args = append(args, &m.Headers[i].Key, &m.Headers[i].Value)
	}
	*p = m.Body
	return append(args, nameBody, p)
}

// fieldsOf returns the fields as text, for a script that is to write them later.
func fieldsOf(m *driver.Message) []string {
	var t stamp
	var p payload
	args := appendFields(nil, m, &t, &p)
	fields := make([]string, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			fields[i] = a
		case *string:
			fields[i] = *a
		case *stamp:
			text, _ := a.MarshalBinary() // never fails
			fields[i] = string(text)
		case *payload:
			fields[i] = string(*a)
		}
	}
	return fields
}

// readFields reads an entry's fields into m. What a stranger wrote is read as well as it can be: a body under another name is taken if it is
// the only field, and an entry without a body becomes a JSON object of its fields.
func readFields(m *driver.Message, fields []string) {
	name := bodyName(fields)
	for i := len(fields) - 2; i >= 0; i -= 2 {
		if fields[i] == name {
			readAttributes(m, slices.Concat(fields[:i], fields[i+2:]), []byte(fields[i+1]))
			return
		}
	}
	m.Body, m.ContentType = strangersBody(fields)
	m.Slot = driver.Slot("")
}

// bodyName is the field that holds the body: watermill-redisstream, whose entries the one with the message's id tells, has it in another.
func bodyName(fields []string) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "_watermill_message_uuid" {
			return "payload"
		}
	}
	return fieldBody
}

// readAttributes reads the fields beside the body.
func readAttributes(m *driver.Message, fields []string, body []byte) {
	m.Body = body
	extra, slot := 0, -1
	for i := 0; i+1 < len(fields); i += 2 {
		if !readAttribute(m, &slot, fields[i], fields[i+1]) {
			extra++
		}
	}
	m.Slot = driver.Slot(m.Key)
	if slot >= 0 {
		m.Slot = uint8(slot) //nolint:gosec // below 64
	}
	if extra == 0 {
		return
	}
	m.Headers = make([]driver.Header, 0, extra)
	for i := 0; i+1 < len(fields); i += 2 {
		if !isAttribute(fields[i]) {
			m.Headers = append(m.Headers, driver.Header{Key: fields[i], Value: fields[i+1]})
		}
	}
}

// texts returns a list of the client library as texts.
func texts(list []any) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = text(v)
	}
	return all
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// isAttribute reports whether a field belongs to the message and not to its headers.
func isAttribute(name string) bool {
	switch name {
	case driver.HeaderID, driver.HeaderType, driver.HeaderKey, driver.HeaderSlot, driver.HeaderTime, driver.HeaderNotBefore, driver.HeaderContentType:
		return true
	default:
		return false
	}
}

// readAttribute reads one attribute, and reports whether the field is one. What can't be read counts as absent.
func readAttribute(m *driver.Message, slot *int, name, value string) bool {
	switch name {
	case driver.HeaderID:
		m.ID = value
	case driver.HeaderType:
		m.Type = value
	case driver.HeaderKey:
		m.Key = value
	case driver.HeaderContentType:
		m.ContentType = value
	case driver.HeaderSlot:
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < driver.Slots {
			*slot = n
		}
	case driver.HeaderTime:
		m.Time = readTime(value)
	case driver.HeaderNotBefore:
		m.NotBefore = readTime(value)
	default:
		return false
	}
	return true
}

func readTime(value string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// strangersBody makes a body of fields without one.
func strangersBody(fields []string) (body []byte, contentType string) {
	if len(fields) == 2 {
		return []byte(fields[1]), ""
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(fields); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(fields[i])    // a string always can be
		value, _ := json.Marshal(fields[i+1]) // the same
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), "application/json"
}
