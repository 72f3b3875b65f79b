package redis

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// A channel carries bytes and no headers. A body that is a JSON object stays one, readable by anybody, and gets one more member, the last,
// with what has no place elsewhere:
//
//	{"herald":1,"eventId":"…","data":{…},"heraldNative":{"id":"…","key":"…","headers":[["k","v"]],"from":"…","seq":7}}
//
// Any other body stands in that member, in base64. The member is a wire format.
const nativeMember = "heraldNative"

// native is the member. From and Seq number what one publisher sends to one channel, so that readers can count what they missed.
type native struct {
	ID          string      `json:"id,omitempty"`
	Type        string      `json:"type,omitempty"`
	Key         string      `json:"key,omitempty"`
	Slot        uint8       `json:"slot"`
	Time        string      `json:"time,omitempty"`
	ContentType string      `json:"contentType,omitempty"`
	Headers     [][2]string `json:"headers,omitempty"`
	From        string      `json:"from,omitempty"`
	Seq         uint64      `json:"seq,omitempty"`
	Body        *[]byte     `json:"body_base64,omitempty"`
}

func (n *native) headers() (all []driver.Header) {
	for _, h := range n.Headers {
		all = append(all, driver.Header{Key: h[0], Value: h[1]})
	}
	return all
}

var (
	nativeKey  = []byte(`"` + nativeMember + `":`)
	nativeTail = []byte(`}`)
)

// appendNative writes a message as a channel carries it.
func appendNative(out []byte, m *driver.Message, from string, seq uint64) []byte {
	object := isObject(m.Body)
	if object {
		out = append(out, m.Body[:len(m.Body)-1]...)
		if len(bytes.TrimSpace(m.Body[1:len(m.Body)-1])) > 0 {
			out = append(out, ',')
		}
	} else {
		out = append(out, '{')
	}
	out = appendMember(append(out, nativeKey...), m, from, seq, !object)
	return append(out, '}')
}

func isObject(body []byte) bool {
	return len(body) >= 2 && body[0] == '{' && body[len(body)-1] == '}' && (isPlainJSON(body) || json.Valid(body))
}

// decodeNative reads what a channel carried, and returns who sent it under which number; a stranger's message has neither.
func decodeNative(m *driver.Message, raw []byte) (from string, seq uint64) {
	m.Body = raw
	at := bytes.LastIndex(raw, nativeKey) // within a string the quotes would be escaped, so this is a member, and the last of its name
	if at < 1 || !bytes.HasSuffix(raw, nativeTail) {
		return "", 0
	}
	comma := raw[at-1] == ','
	if !comma && len(bytes.TrimSpace(raw[:at])) != 1 { // else the member is the only one
		return "", 0
	}
	n, headers, ok := readMember(raw[at+len(nativeKey) : len(raw)-1])
	if !ok {
		n = native{}
		if json.Unmarshal(raw[at+len(nativeKey):len(raw)-1], &n) != nil {
			return "", 0
		}
		headers = n.headers()
	}
	m.ID, m.Type, m.Key, m.ContentType = n.ID, n.Type, n.Key, n.ContentType
	m.Time = readTime(n.Time)
	m.Slot = n.Slot % driver.Slots
	m.Headers = headers
	if n.Body != nil {
		m.Body = *n.Body
		return n.From, n.Seq
	}
	if comma {
		at--
	}
	raw[at] = '}'
	m.Body = raw[:at+1]
	return n.From, n.Seq
}

// sequences count what a reader missed, by publisher.
type sequences struct {
	last map[string]uint64
}

// publishersMost is how many publishers a reader follows; with more, the count begins anew.
const publishersMost = 10_000

// missed returns how many messages are missing before this one. The first one of a publisher tells nothing.
func (s *sequences) missed(from string, seq uint64) int64 {
	if from == "" || seq == 0 {
		return 0
	}
	if s.last == nil || len(s.last) >= publishersMost {
		s.last = make(map[string]uint64)
	}
	last, known := s.last[from]
	s.last[from] = max(seq, last)
	if !known || seq <= last+1 {
		return 0
	}
	return int64(seq - last - 1) //nolint:gosec // far below
}

// gapText is what a notice says of messages that did not come.
func gapText(n int64, why string) string { return strconv.FormatInt(n, 10) + " messages " + why }
