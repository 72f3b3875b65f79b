package redis

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// appendMember writes the member as json.Marshal writes a native, byte for byte; with body, that one stands in it.
func appendMember(b []byte, m *driver.Message, from string, seq uint64, body bool) []byte {
	b = append(b, '{')
	b = appendOptional(b, `"id":`, m.ID)
	b = appendOptional(b, `"type":`, m.Type)
	b = appendOptional(b, `"key":`, m.Key)
	b = strconv.AppendUint(append(b, `"slot":`...), uint64(m.Slot), 10)
	b = append(b, ',')
	if !m.Time.IsZero() {
		b = m.Time.UTC().AppendFormat(append(b, `"time":"`...), time.RFC3339Nano)
		b = append(b, `",`...)
	}
	b = appendOptional(b, `"contentType":`, m.ContentType)
	if len(m.Headers) > 0 {
		b = append(b, `"headers":[`...)
		for _, h := range m.Headers {
			b = appendText(append(b, '['), h.Key)
			b = appendText(append(b, ','), h.Value)
			b = append(b, `],`...)
		}
		b = append(b[:len(b)-1], `],`...)
	}
	b = appendOptional(b, `"from":`, from)
	if seq > 0 {
		b = strconv.AppendUint(append(b, `"seq":`...), seq, 10)
		b = append(b, ',')
	}
	if body {
		b = base64.StdEncoding.AppendEncode(append(b, `"body_base64":"`...), m.Body)
		b = append(b, `",`...)
	}
	b[len(b)-1] = '}' // the slot is always there, and a comma behind it
	return b
}

// appendOptional writes a member and a comma, where there is a value.
func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(appendText(append(b, name...), value), ',')
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(s) // a string always can be
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// reading reads a member as appendMember writes it. What looks otherwise makes it fail: then it is read as any other JSON.
type reading struct {
	text string
	at   int
	bad  bool
}

// readMember reads a member that has no escapes and no spaces.
func readMember(raw []byte) (n native, headers []driver.Header, ok bool) {
	r := reading{text: string(raw)}
	r.expect('{')
	for more := true; more && !r.bad; more = r.more('}') {
		name := r.string()
		r.expect(':')
		switch name {
		case "id":
			n.ID = r.string()
		case "type":
			n.Type = r.string()
		case "key":
			n.Key = r.string()
		case "slot":
			n.Slot = uint8(r.number(driver.Slots - 1)) //nolint:gosec // below 64
		case "time":
			n.Time = r.string()
		case "contentType":
			n.ContentType = r.string()
		case "headers":
			headers = r.headers()
		case "from":
			n.From = r.string()
		case "seq":
			n.Seq = r.number(1<<63 - 1)
		default: // also a body, for which another way is no loss
			r.bad = true
		}
	}
	return n, headers, !r.bad && r.at == len(r.text)
}

func (r *reading) expect(c byte) {
	if r.at >= len(r.text) || r.text[r.at] != c {
		r.bad = true
		return
	}
	r.at++
}

// more reads a comma, or the end of a list, and reports which.
func (r *reading) more(end byte) bool {
	if r.at < len(r.text) && r.text[r.at] == ',' {
		r.at++
		return true
	}
	r.expect(end)
	return false
}

func (r *reading) string() string {
	r.expect('"')
	from := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return r.text[from : r.at-1]
		case c < ' ', c > '~', c == '\\':
			r.bad = true
			return ""
		}
	}
	r.bad = true
	return ""
}

func (r *reading) number(most uint64) (n uint64) {
	from := r.at
	for ; r.at < len(r.text) && r.at-from < 19 && r.text[r.at] >= '0' && r.text[r.at] <= '9'; r.at++ {
		n = 10*n + uint64(r.text[r.at]-'0')
	}
	if r.at == from || r.text[from] == '0' && r.at > from+1 || n > most {
		r.bad = true
		return 0
	}
	return n
}

func (r *reading) headers() (all []driver.Header) {
	r.expect('[')
	for more := true; more && !r.bad; more = r.more(']') {
		r.expect('[')
		h := driver.Header{Key: r.string()}
		r.expect(',')
		h.Value = r.string()
		r.expect(']')
		all = append(all, h)
	}
	return all
}
